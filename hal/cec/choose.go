package cec

import (
	"fmt"
	"strings"

	"bangtin/hal"
)

// A candidate is an adapter that could be the panel's.
type candidate struct {
	path     string
	physical uint16
}

func (c candidate) String() string { return fmt.Sprintf("%s (%s)", c.path, physical(c.physical)) }

// A darkError says that there are several adapters and no display that tells of itself, as in the morning, when it hides
// its EDID. It wraps hal.ErrPortGone.
type darkError struct{ all []candidate }

func (e *darkError) Error() string {
	return fmt.Sprintf("none of the CEC adapters has a display: %v: %v", e.all, hal.ErrPortGone)
}

func (e *darkError) Unwrap() error { return hal.ErrPortGone }

// ways are the adapters that a display could be behind.
func (e *darkError) ways() (paths []string) {
	for _, c := range e.all {
		if c.physical != 0 {
			paths = append(paths, c.path)
		}
	}
	return paths
}

// choose picks the only adapter there is, or the only one with a place below a display. 0.0.0.0 is a display's own
// socket, and no way to one.
func choose(all []candidate) (string, error) {
	if len(all) == 0 {
		return "", fmt.Errorf("there is no CEC adapter: %w", hal.ErrPortGone)
	}
	if len(all) == 1 {
		return all[0].path, nil
	}
	var placed, names []string
	for _, c := range all {
		names = append(names, c.String())
		if c.physical != noPhysical && c.physical != 0 {
			placed = append(placed, c.path)
		}
	}
	if len(placed) == 0 {
		return "", &darkError{all}
	}
	if len(placed) != 1 {
		return "", fmt.Errorf("name one of the CEC adapters, of which %d have a display: %s: %w",
			len(placed), strings.Join(names, ", "), hal.ErrPortGone)
	}
	return placed[0], nil
}
