package cec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bangtin/hal"
)

// ready opens the adapter where it is closed, and waits for a logical address as long as one may come. It returns
// without one too: a wake passes all the same.
func (p *Panel) ready(ctx context.Context) (*session, addresses, error) {
	if p.closed {
		return nil, addresses{}, errClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, addresses{}, err
	}
	s, err := p.opened()
	if err != nil {
		return nil, addresses{}, err
	}
	for since := time.Now(); ; {
		a, err := p.look(s)
		if err != nil {
			return nil, addresses{}, err
		}
		if _, placed := a.playback(); placed {
			return s, a, nil
		}
		if err := p.claim(s, a); err != nil {
			return nil, addresses{}, err
		}
		if !time.Now().Before(p.until(a, since)) {
			return s, a, nil
		}
		if err := s.wait(ctx, lookAgain); err != nil {
			return nil, addresses{}, err
		}
	}
}

// opened returns the session, a new one where the adapter was lost, or where it has no display and another has.
func (p *Panel) opened() (*session, error) {
	if p.session != nil && p.session.over() {
		p.config.Log.Warn("panel port was lost", "port", p.config.Device)
		p.drop()
	}
	if p.session != nil && !p.outdone() {
		return p.session, nil
	}
	p.drop()
	path, err := p.pick()
	if err != nil {
		return nil, fmt.Errorf("cannot open CEC adapter: %w", err)
	}
	a, err := p.open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open CEC adapter: %w", err)
	}
	p.path = path
	p.note(func() {
		p.seen, p.claimed, p.lost, p.asks, p.known = addresses{physical: noPhysical}, time.Time{}, time.Time{}, 0, false
	})
	p.session = newSession(a, p.hear, p.moved)
	return p.session, nil
}

// pick returns the adapter to use: the one that is named, or the one that is found. Where none has a display it is the one
// that had.
func (p *Panel) pick() (string, error) {
	if p.config.Device != "" {
		return p.config.Device, nil
	}
	path, err := p.find()
	proven := ""
	p.note(func() { proven = p.proven })
	if dark, ok := errors.AsType[*darkError](err); ok && slices.Contains(dark.ways(), proven) {
		return proven, nil
	}
	return path, err
}

// outdone tells whether the session's adapter was found, has no display, and is not what would be picked now: at a start one
// of two may be there before the other. A wake under way is not disturbed.
func (p *Panel) outdone() bool {
	placed := true
	p.note(func() { placed = p.seen.physical != noPhysical })
	if placed || p.config.Device != "" || p.waking.underWay() {
		return false
	}
	path, err := p.pick()
	_, dark := errors.AsType[*darkError](err)
	return dark || err == nil && path != p.path
}

// moved is for the reading goroutine, after an event.
func (p *Panel) moved(s *session) {
	if _, err := p.look(s); err != nil {
		p.config.Log.Debug("CEC event of an adapter that is lost", "err", err) // which ends the session by itself
	}
}

// look reads both addresses, which is the only way to know them: events are dropped at times.
func (p *Panel) look(s *session) (addresses, error) {
	a, err := s.adapter.addresses()
	if err != nil {
		return addresses{}, fmt.Errorf("cannot read CEC addresses: %w", err)
	}
	p.note(func() {
		if a == p.seen {
			return
		}
		p.config.Log.Info("CEC addresses", "physical", physical(a.physical), "logical", fmt.Sprintf("%04x", a.logical))
		switch {
		case a.physical != noPhysical && !p.lost.IsZero():
			p.lost, p.claimed = time.Time{}, time.Now() // the kernel looks for a logical address by itself
		case a.physical != noPhysical:
		case p.seen.physical != noPhysical:
			p.lost, p.asks, p.known = time.Now(), 0, false // it may be another TV that comes
		}
		p.seen = a
		if a.physical != noPhysical {
			p.proven = p.path
		}
	})
	return a, nil
}

// claim asks the kernel for a logical address where it has no reason to look for one by itself.
func (p *Panel) claim(s *session, a addresses) error {
	needed := !a.ours || a.physical != noPhysical && a.logical == 0
	p.note(func() {
		if needed = needed && time.Since(p.claimed) >= claimLimit; needed {
			p.claimed = time.Now()
		}
	})
	if !needed {
		return nil
	}
	err := s.adapter.claim(p.config.OSDName)
	if err != nil && !errors.Is(err, hal.ErrPortGone) {
		p.config.Log.Warn("cannot claim a CEC address", "err", err) // tried again
		return nil
	}
	return err
}

// until is how long it is worth waiting for an address.
func (p *Panel) until(a addresses, since time.Time) (t time.Time) {
	p.note(func() {
		switch {
		case a.physical != noPhysical:
			t = since.Add(claimLimit)
		case !p.lost.IsZero():
			t = p.lost.Add(lossGrace)
		}
	})
	return t
}

// lacks says why nothing but a wake can be sent.
func (a addresses) lacks() string {
	if a.physical == noPhysical {
		return "no physical address"
	}
	return "no logical address"
}
