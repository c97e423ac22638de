package control

import (
	"context"
	"errors"
	"time"

	"bangtin/hal"
)

const (
	// relayRefresh is how often the relay is written again, so that a glitch of the output board heals.
	relayRefresh = 10 * time.Second
	// relayRetry is how soon a failed write is repeated: a fire does not wait.
	relayRetry = 500 * time.Millisecond
	// relayLimit is how long a keeper may be quiet.
	relayLimit = time.Minute
)

// A relayWish is what the relay shall be.
type relayWish struct {
	closed bool
	by     time.Time // open at this process time, and not before; zero is at once
}

// A relayKeeper is the only writer of the relay. A display without one has none of these.
type relayKeeper struct {
	relay hal.Relay
	want  chan passedRelay
	beat  func()
	news  chan error   // one deep: nil when the last write succeeded
	asked *passedRelay // the loop's: what it passed on last
}

// A passedRelay is a wish on its way to the keeper.
type passedRelay struct {
	relayWish
	overtaken chan struct{} // closed when the relay shall open: closing it is given up, which may be waiting out its dwell
}

// set replaces the wish. It never blocks. Only the decision loop calls it.
func (k *relayKeeper) set(w relayWish) {
	if k.asked != nil && k.asked.relayWish == w {
		return
	}
	next := passedRelay{w, make(chan struct{})}
	was := k.asked
	k.asked = &next
	replace(k.want, next)
	if was != nil && was.closed {
		close(was.overtaken)
	}
}

// run waits for the moment of an opening itself: once it is asked for, it does not depend on any other loop.
func (k *relayKeeper) run(ctx context.Context) error {
	var w passedRelay
	var known, failing bool
	timer := time.NewTimer(relayRefresh)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case w = <-k.want:
			known = true
		case <-timer.C:
		}
		k.beat()
		timer.Reset(relayRefresh)
		if !known {
			continue
		}
		if left := time.Until(w.by); left > 0 && !w.closed {
			timer.Reset(left)
			continue
		}
		err := k.write(ctx, w)
		if ctx.Err() != nil {
			return ctx.Err() // the daemon stops: what it gave up has not failed
		}
		if err != nil {
			timer.Reset(relayRetry)
			if closed(w.overtaken) || w.closed && errors.Is(err, context.DeadlineExceeded) {
				continue // it was given up, or waits
			}
		}
		if (err != nil) != failing {
			failing = err != nil
			replace(k.news, err)
		}
	}
}

// write opens the relay, or closes it as far as that goes within relayRefresh: one that waits out its dwell is asked again
// and again, so that neither its own watchdog nor the daemon's takes the keeper for dead.
func (k *relayKeeper) write(ctx context.Context, w passedRelay) error {
	if !w.closed {
		return k.relay.Set(ctx, false)
	}
	ctx, cancel := context.WithTimeout(ctx, relayRefresh)
	defer cancel()
	return unless(ctx, w.overtaken, func(ctx context.Context) error { return k.relay.Set(ctx, true) })
}
