package sim

import (
	"context"

	"bangtin/hal"
)

// Relay returns the relay between the mains and the panel.
func (r *Rig) Relay() hal.Relay { return relay{r} }

type relay struct{ rig *Rig }

// Set implements [hal.Relay]. It fails only when ctx has ended before.
func (s relay) Set(ctx context.Context, closed bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.rig.change(func() {
		s.rig.relay = closed
		s.rig.feed()
	})
	return nil
}
