package control

import (
	"context"
	"log/slog"
	"time"

	"bangtin/hal"
)

// relayRefresh is how often the relay is written again, so that a glitch of the output board heals.
const relayRefresh = 10 * time.Second

// A relayKeeper is the only writer of the relay. A display without one has none of these.
type relayKeeper struct {
	relay hal.Relay
	log   *slog.Logger
	want  chan bool
	beat  func()
	asked *bool // the loop's: what it passed on last
}

// set replaces the wish. It never blocks. Only the decision loop calls it.
func (k *relayKeeper) set(closed bool) {
	if k.asked != nil && *k.asked == closed {
		return
	}
	k.asked = &closed
	replace(k.want, closed)
}

func (k *relayKeeper) run(ctx context.Context) error {
	var closed, known, failing bool
	tick := time.NewTicker(relayRefresh)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case closed = <-k.want:
			known = true
		case <-tick.C:
		}
		k.beat()
		if !known {
			continue
		}
		err := k.relay.Set(ctx, closed)
		if err != nil && !failing {
			k.log.Error("cannot switch the relay", "closed", closed, "err", err)
		}
		failing = err != nil
	}
}
