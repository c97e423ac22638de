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
		names = append(names, fmt.Sprintf("%s (%s)", c.path, physical(c.physical)))
		if c.physical != noPhysical && c.physical != 0 {
			placed = append(placed, c.path)
		}
	}
	if len(placed) != 1 {
		return "", fmt.Errorf("name one of the CEC adapters, of which %d have a display: %s: %w",
			len(placed), strings.Join(names, ", "), hal.ErrPortGone)
	}
	return placed[0], nil
}
