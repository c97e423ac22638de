package control

import (
	"context"
	"time"

	"bangtin/hal"
)

const (
	// relayRefresh is how often the relay is written again, so that a glitch of the output board heals.
	relayRefresh = 10 * time.Second
	// relayRetry is how soon a failed write is repeated: a fire does not wait.
	relayRetry = 500 * time.Millisecond
)

// A relayKeeper is the only writer of the relay. A display without one has none of these.
type relayKeeper struct {
	relay hal.Relay
	want  chan bool
	beat  func()
	news  chan error // one deep: nil when the last write succeeded
	asked *bool      // the loop's: what it passed on last
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
	timer := time.NewTimer(relayRefresh)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case closed = <-k.want:
			known = true
		case <-timer.C:
		}
		k.beat()
		timer.Reset(relayRefresh)
		if !known {
			continue
		}
		err := k.relay.Set(ctx, closed)
		if err != nil {
			timer.Reset(relayRetry)
		}
		if (err != nil) != failing {
			failing = err != nil
			replace(k.news, err)
		}
	}
}
