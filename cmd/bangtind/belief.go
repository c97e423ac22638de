package main

import (
	"context"
	"time"

	"bangtin/internal/journal"
)

// beliefEvery is how often the clock is asked what it is worth.
const beliefEvery = 5 * time.Second

// watchBelief calls changed whenever the time is believed otherwise than before, until ctx ends.
func watchBelief(ctx context.Context, stamp func() journal.Stamp, changed func()) error {
	tick := time.NewTicker(beliefEvery)
	defer tick.Stop()
	for last := stamp().Trust; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if now := stamp().Trust; now != last {
			last = now
			changed()
		}
	}
}
