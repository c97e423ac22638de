//go:build !linux

package flash

import "errors"

// ErrSystem is what everything answers that needs Linux.
var ErrSystem = errors.New("media are written on Linux alone")

// Disks lists nothing here.
func Disks(string) ([]Disk, error) { return nil, ErrSystem }

// A Medium is none here.
type Medium struct{ Target }

// OpenMedium opens nothing here.
func OpenMedium(Disk) (*Medium, error) { return nil, ErrSystem }

// Close closes nothing here.
func (m *Medium) Close() error { return ErrSystem }
