package cec

import (
	"context"
	"errors"
	"slices"
	"time"

	"bangtin/hal"
)

// A waking is the rest of a wake, under way in a goroutine of its own.
type waking struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// end ends it and waits until it has.
func (w *waking) end() {
	if w == nil {
		return
	}
	w.cancel()
	<-w.done
}

// underWay tells whether it has not ended by itself yet.
func (w *waking) underWay() bool {
	if w == nil {
		return false
	}
	select {
	case <-w.done:
		return false
	default:
		return true
	}
}

// rouse sends image view on over each of these adapters, of which nobody knows which has the display, as one without an
// address. The rest of the wake is for when a display has shown itself. It fails where no display took the message.
func (p *Panel) rouse(ctx context.Context, paths []string) error {
	start := time.Now()
	var failed []error
	for _, path := range paths {
		if err := p.viewOver(ctx, path); err != nil {
			failed = append(failed, err)
			continue
		}
		p.roused = true
	}
	if !p.roused {
		return errors.Join(failed...)
	}
	p.note(func() {
		p.active = true
		p.belief.told(true, start)
	})
	return nil
}

// viewOver opens an adapter for one image view on.
func (p *Panel) viewOver(ctx context.Context, path string) error {
	a, err := p.open(path)
	if err != nil {
		return err
	}
	s := newSession(a, func(*session, message) {}, func(*session) {})
	defer s.close()
	_, err = s.ask(ctx, request{message: message{From: addressUnregistered, To: addressTV, Body: []byte{opImageViewOn}}})
	return err
}

// wake sends image view on, and text view on to a TV that refuses it, and leaves the rest to a goroutine. Active
// source follows at once unless this maker's TVs want it later: the refusal is waited for afterwards.
func (p *Panel) wake(ctx context.Context, s *session, a addresses) error {
	from, placed := a.playback()
	q := p.treatment()
	start := time.Now()
	view := request{message: message{From: from, To: addressTV, Body: []byte{opImageViewOn}}}
	if placed {
		view.wait = p.config.Reply // without an address the kernel passes no answers on
	}
	first, err := s.begin(view)
	if err != nil {
		return err
	}
	sourced := placed && q.sources[0] == 0 && p.source(s)
	r, err := first.finish(ctx)
	if err != nil && (r.disturbed() || errors.Is(err, hal.ErrRefused)) {
		if errors.Is(err, hal.ErrRefused) {
			view.Body = []byte{opTextViewOn}
		}
		r, err = s.ask(ctx, view)
	}
	if heard(r, err) {
		p.note(func() {
			p.active, p.asks = true, 0 // a TV that was too fast asleep to tell its maker may do so now
			p.belief.told(true, start)
		})
	}
	if err != nil {
		return err
	}
	p.rest(s, false)
	p.carryOn(s, plan(q), start, sourced)
	return nil
}

func (p *Panel) carryOn(s *session, steps []step, start time.Time, sourced bool) {
	ctx, cancel := context.WithCancel(context.Background())
	w := &waking{cancel: cancel, done: make(chan struct{})}
	p.note(func() { p.waking = w })
	go func() {
		defer close(w.done)
		defer cancel()
		p.finish(ctx, s, steps, start, sourced)
	}()
}

type deed int

const (
	sendSource deed = iota
	sendView        // unless the TV says that it is on
	askPower        // and end with it, if the TV says that it is on
)

// A step is something to do some time after image view on.
type step struct {
	after time.Duration
	deed  deed
}

// plan is what remains of a wake, in the order of time.
func plan(q quirk) []step {
	var steps []step
	for _, after := range q.sources {
		if after > 0 {
			steps = append(steps, step{after, sendSource})
		}
	}
	if q.viewAgain > 0 {
		steps = append(steps, step{q.viewAgain, sendView})
	}
	for after := pollFrom; after <= pollUntil; after += pollEvery {
		steps = append(steps, step{after, askPower})
	}
	slices.SortStableFunc(steps, func(a, b step) int {
		if a.after != b.after {
			return int(a.after - b.after)
		}
		return int(b.deed - a.deed) // view before source
	})
	return steps
}

// finish does what remains of a wake until ctx ends. A TV that had no address yet when it was woken gets its first
// active source when it has one.
func (p *Panel) finish(ctx context.Context, s *session, steps []step, start time.Time, sourced bool) {
	for _, next := range steps {
		if !sleepUntil(ctx, start.Add(next.after)) {
			return
		}
		a, err := p.look(s)
		if err != nil {
			return
		}
		from, placed := a.playback()
		if !placed {
			continue
		}
		if next.deed == sendSource || !sourced {
			sourced = p.source(s) || sourced
		}
		if next.deed == sendSource {
			continue
		}
		power, err := p.question(ctx, s, from)
		on := err == nil && power == hal.PowerOn
		if on && next.deed == askPower {
			return
		}
		if !on && next.deed == sendView {
			p.attempt(s, message{From: from, To: addressTV, Body: []byte{opImageViewOn}})
		}
	}
	p.config.Log.Warn("panel was woken and does not say that it is on", "waited", pollUntil)
}

// source tells all that we are what is to be shown. It returns whether that is under way.
func (p *Panel) source(s *session) bool {
	a, err := p.look(s)
	if err != nil {
		return false
	}
	from, placed := a.playback()
	return placed && p.attempt(s, message{From: from, To: addressAll, Body: []byte{opActiveSource, byte(a.physical >> 8), byte(a.physical)}})
}

// attempt sends what is repeated, or asked for again, where it fails. It returns whether it is under way.
func (p *Panel) attempt(s *session, m message) bool {
	err := s.tell(m)
	if err != nil {
		p.config.Log.Debug("CEC message was not sent", "message", m.String(), "err", err)
	}
	return err == nil
}

// sleepUntil tells whether ctx lasted until then.
func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
