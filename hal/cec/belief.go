package cec

import (
	"time"

	"bangtin/hal"
)

const (
	// doubtOn is how long after a standby a TV that says "on" is not believed: one that obeys says so until
	// 1.5 s after it, and "standby" at 6 to 7 s (hardware-facts, "do not judge before 8–10 s").
	doubtOn = 8 * time.Second
	// doubtOff is the same after a wake, for a TV that goes on saying "standby" while its picture comes: the last
	// active source has gone out by then.
	doubtOff = 10 * time.Second
)

// A belief is what is known of the TV beside its word: what it was told, and what was overheard. The zero belief
// knows nothing. It does no input or output.
type belief struct {
	slept time.Time // a standby that the TV has not borne out yet
	woken time.Time // a wake that the TV has not borne out yet
}

// told notes a command that the TV may have heard, or a standby that was overheard.
func (b *belief) told(on bool, at time.Time) {
	if on {
		b.woken = at
	} else {
		b.slept = at
	}
}

// judge says what a TV's word is worth. Its old state, said shortly after a command, becomes "on its way"; a word
// that bears out the command ends the doubt.
func (b *belief) judge(said hal.Power, at time.Time) hal.Power {
	doubted := func(since time.Time, limit time.Duration) bool { return !since.IsZero() && at.Before(since.Add(limit)) }
	switch said {
	case hal.PowerOn:
		if doubted(b.slept, doubtOn) {
			return b.underWay()
		}
		*b = belief{}
	case hal.PowerOff:
		if doubted(b.woken, doubtOff) {
			return b.underWay()
		}
		*b = belief{}
	case hal.PowerWarming:
		b.woken = time.Time{}
	case hal.PowerCooling:
		b.slept = time.Time{}
	}
	return said
}

// underWay is where the newest command leads.
func (b *belief) underWay() hal.Power {
	if b.woken.After(b.slept) {
		return hal.PowerWarming
	}
	return hal.PowerCooling
}
