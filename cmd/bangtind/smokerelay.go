package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"bangtin/hal"
)

// relayEvery is how often a relay is told what it is: its driver's watchdog wants to hear that somebody drives it, as
// the display's keeper does.
const relayEvery = 10 * time.Second

// A heldRelay keeps the relay as it was set last. Its methods are safe for concurrent use and wait for each other.
type heldRelay struct {
	relay hal.Relay

	mu     sync.Mutex
	closed bool
	lent   bool // to the safety chain, which drives it

	failed chan error // one deep: why it could not be kept so, unsaid
}

func holdClosed(relay hal.Relay) *heldRelay {
	return &heldRelay{relay: relay, closed: true, failed: make(chan error, 1)}
}

// keep drives the relay until ctx ends. It goes on when that fails, and failure tells of it.
func (r *heldRelay) keep(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := r.again(ctx); err != nil && ctx.Err() == nil {
			select {
			case r.failed <- fmt.Errorf("cannot keep the relay as it was set: %w", err):
			default: // one is enough
			}
		}
		rest(ctx, relayEvery)
	}
	return ctx.Err()
}

func (r *heldRelay) again(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lent {
		return nil
	}
	return r.relay.Set(ctx, r.closed)
}

// failure is why the relay could not be kept as it was set since it was asked for last; nil when it could. It does not block.
func (r *heldRelay) failure() error {
	select {
	case err := <-r.failed:
		return err
	default:
		return nil
	}
}

func (r *heldRelay) set(ctx context.Context, closed bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = closed
	return r.relay.Set(ctx, closed)
}

// lend leaves the relay to somebody else, or takes it back, open.
func (r *heldRelay) lend(lent bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lent, r.closed = lent, false
}

// cutSupply opens the relay and closes it, and has a person look at the panel's lamp.
func (t *smokeTest) cutSupply(ctx context.Context, s *step) {
	s.name = say("relay")
	if t.site.Relay == nil || t.site.Relay.Feedback == nil {
		s.saw(say("no feedback contact is wired: only a person's eyes tell whether it moves"))
	}
	if !t.moved(ctx, s, false) {
		return
	}
	t.looks(ctx, s, say("Is the panel's standby lamp dark now?"), yes)
	if s.verdict == failed {
		s.saw(say("the relay does not cut this panel's supply: which contact is it wired to, and is it welded?"))
	}
	if t.site.Relay != nil {
		t.person.tell(say("The relay stays open for its dwell of %v …", t.site.Relay.Dwell))
	}
	if !t.moved(ctx, s, true) {
		return
	}
	t.looks(ctx, s, say("Is the panel's standby lamp lit again?"), yes)
	if t.wired.rig == nil && t.site.Relay.Feedback != nil {
		s.pass() // it was seen to move both ways
	}
}

// moved drives the relay. With a feedback contact, that it was told is that it moved.
func (t *smokeTest) moved(ctx context.Context, s *step, closed bool) bool {
	began := time.Now()
	if err := t.relay.set(ctx, closed); err != nil {
		s.fail(asIs(err.Error()))
		return false
	}
	took := time.Since(began).Round(time.Millisecond)
	if closed {
		s.saw(say("closed after %v", took))
	} else {
		s.saw(say("open after %v", took))
	}
	return true
}
