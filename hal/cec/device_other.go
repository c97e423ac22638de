//go:build !linux

package cec

import (
	"errors"
	"fmt"
	"log/slog"

	"bangtin/hal"
)

// findAdapter fails as openAdapter does.
func findAdapter(*slog.Logger) (string, error) {
	return "", fmt.Errorf("%w: %w", hal.ErrPortGone, errors.ErrUnsupported)
}

// openAdapter fails: the kernel's CEC API is Linux's.
func openAdapter(string, string, *slog.Logger) (adapter, error) {
	return nil, fmt.Errorf("%w: %w", hal.ErrPortGone, errors.ErrUnsupported)
}
