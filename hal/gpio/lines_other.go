//go:build !linux

package gpio

import (
	"errors"
	"fmt"
)

// noLines stands where there is no Linux: each line says so.
type noLines struct{}

func kernel() lines { return noLines{} }

func (noLines) input(l Line, _ int) (input, error) { return nil, cannot(l) }

func (noLines) output(l Line, _ bool) (output, error) { return nil, cannot(l) }

func cannot(l Line) error { return fmt.Errorf("cannot open %v: %w", l, errors.ErrUnsupported) }
