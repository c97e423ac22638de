package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"bangtin/internal/wire"
)

const (
	maxOpen    = 16 // commands of one lane that are accepted and not settled
	maxSettled = 64 // settled ones that are remembered, so that a command that comes again is not done again
	lanes      = 5
	places     = lanes*maxOpen + maxSettled
)

// A slot is what the journal keeps of one command.
type slot struct {
	Order    uint64             `json:"order"` // of taking, rising
	Command  wire.Command       `json:"command"`
	Digest   string             `json:"digest"`
	People   string             `json:"people"`
	Keys     []string           `json:"keys,omitempty"`   // that signed it, until it is settled
	Role     string             `json:"role,omitempty"`   // that they signed it as; empty for power
	Kernel   string             `json:"kernel,omitempty"` // run in which it was taken
	Status   wire.CommandStatus `json:"status"`
	Reason   string             `json:"reason,omitempty"`
	Evidence json.RawMessage    `json:"evidence,omitempty"`

	place int
}

// A shelf is the fixed number of places at which commands are kept, each a setting of the journal: so one write touches
// one small row, and there is nothing to tidy up. It is in memory what it is on disk.
type shelf struct {
	slots [places]*slot
	last  uint64 // highest Order
}

func placeKey(place int) string { return "command." + strconv.Itoa(place) }

// loadShelf reads what is kept. A place that cannot be read any more is free: its counter still stands.
func loadShelf(ctx context.Context, j Journal, log *slog.Logger) (*shelf, error) {
	s := &shelf{}
	for place := range places {
		raw, err := j.Setting(ctx, placeKey(place))
		if err != nil {
			return nil, fmt.Errorf("cannot load the commands: %w", err)
		}
		if raw == nil {
			continue
		}
		kept := &slot{place: place}
		if err := json.Unmarshal(raw, kept); err != nil {
			log.Error("cannot read a command", "place", place, "err", err)
			continue
		}
		s.put(kept)
	}
	return s, nil
}

func (s *shelf) put(kept *slot) {
	s.slots[kept.place] = kept
	s.last = max(s.last, kept.Order)
}

// find is the command with this id, nil where it is not remembered.
func (s *shelf) find(id string) *slot {
	for _, kept := range s.slots {
		if kept != nil && kept.Command.ID == id {
			return kept
		}
	}
	return nil
}

// open lists the commands that are not settled, in the order in which they were taken.
func (s *shelf) open() []*slot {
	var open []*slot
	for _, kept := range s.slots {
		if kept != nil && !kept.Status.Final() {
			open = append(open, kept)
		}
	}
	slices.SortFunc(open, func(a, b *slot) int { return cmp.Compare(a.Order, b.Order) })
	return open
}

// openIn counts those of one lane.
func (s *shelf) openIn(lane laneName) int {
	n := 0
	for _, kept := range s.open() {
		if laneOf(kept.Command.Kind) == lane {
			n++
		}
	}
	return n
}

// free is the place for another command: that of the oldest settled one where enough of them are remembered, else an
// empty one. There is always one while no lane has more than maxOpen.
func (s *shelf) free() int {
	empty, oldest, settled := -1, -1, 0
	for place, kept := range s.slots {
		switch {
		case kept == nil:
			empty = place
		case kept.Status.Final():
			settled++
			if oldest < 0 || kept.Order < s.slots[oldest].Order {
				oldest = place
			}
		}
	}
	if settled >= maxSettled || empty < 0 {
		return oldest
	}
	return empty
}

// settings is how a slot is written.
func (kept *slot) settings() (map[string][]byte, error) {
	raw, err := wire.Encode(kept)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{placeKey(kept.place): raw}, nil
}
