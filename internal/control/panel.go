package control

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"bangtin/hal"
)

const (
	panelPoll    = 5 * time.Second        // between two readings of a panel that is as wanted
	panelSettle  = 2 * time.Second        // for a panel that is no hal.Settler
	panelRefresh = 5 * time.Minute        // a panel that cannot be read is told again this often
	panelBackoff = 5 * time.Second        // the longest pause between attempts on a panel that does not answer
	panelPace    = 500 * time.Millisecond // the shortest
	panelMisses  = 2                      // unanswered readings in a row after which the panel's power is unknown
)

// PanelSeen is the newest observation of the panel. Times are process time.
type PanelSeen struct {
	Power     hal.Power
	ReadAt    time.Time // when Power was read; zero if it never was
	Err       error     // of the last attempt; nil when it succeeded
	Blind     bool      // this panel cannot be read back
	Obeyed    bool      // Blind, and the last command was acknowledged and was "on"
	SettlesAt time.Time // until then a reading after a power-on command proves nothing
}

// A panelKeeper is the only writer of the panel. It makes the panel what was last wanted, reads it back, and
// reports. It never gives up; it only pauses longer.
type panelKeeper struct {
	panel  hal.Panel
	log    *slog.Logger
	want   chan bool // one deep; the newest wish replaces an older one
	report func(PanelSeen)
	beat   func()

	asked  *bool // the loop's: what it passed on last
	wanted bool  // from here on the keeper's own goroutine's
	seen   PanelSeen
	told   bool      // the last acknowledged command
	toldAt time.Time // zero before the first
	quiet  time.Time // no further command before this: a second one could toggle it or restart its warm-up
	tries  int       // commands since the panel last was as wanted
	misses int       // readings without an answer since the last with one
}

// set replaces the wish. It never blocks. Only the decision loop calls it, and only a change is passed on: a
// wish that stands needs no new look at the panel.
func (k *panelKeeper) set(on bool) {
	if k.asked != nil && *k.asked == on {
		return
	}
	k.asked = &on
	replace(k.want, on)
}

// look makes the keeper read the panel now, because something happened that its last reading does not know of.
func (k *panelKeeper) look() {
	if k.asked != nil {
		replace(k.want, *k.asked)
	}
}

// replace puts v into a channel that is one deep, pushing out an unread older value. One goroutine may call it.
func replace[T any](c chan T, v T) {
	select {
	case <-c:
	default:
	}
	c <- v
}

func (k *panelKeeper) run(ctx context.Context) error {
	select {
	case k.wanted = <-k.want:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		k.step(ctx)
		k.beat()
		timer := time.NewTimer(k.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case k.wanted = <-k.want:
			k.tries = 0
		case <-timer.C:
		}
		timer.Stop()
	}
}

// step reads the panel and commands it where it differs. Each call takes at most a few seconds, the time limits
// of the driver. A new wish that the last reading contradicts is not kept waiting by another: the line rests after each.
func (k *panelKeeper) step(ctx context.Context) {
	if !k.seen.Blind && !k.contradicted() {
		k.read(ctx)
	}
	if !k.due() {
		return
	}
	err := k.panel.SetPower(ctx, k.wanted)
	k.seen.Err = err
	k.seen.Obeyed = err == nil && k.seen.Blind && k.wanted
	k.tries++
	if err == nil {
		k.acknowledged()
	}
	k.report(k.seen)
}

// acknowledged notes the command. Only the first try excuses the panel while it settles: one that needs a
// second is not starting but disobeying.
func (k *panelKeeper) acknowledged() {
	k.log.Info("panel commanded", "on", k.wanted, "try", k.tries)
	k.told, k.toldAt = k.wanted, time.Now()
	k.quiet = k.toldAt.Add(settle(k.panel, k.wanted))
	if k.tries == 1 {
		k.seen.SettlesAt = k.quiet
	}
	if k.seen.Blind {
		k.tries = 0
	}
}

func (k *panelKeeper) read(ctx context.Context) {
	power, err := k.panel.Power(ctx)
	switch {
	case errors.Is(err, hal.ErrUnsupported):
		k.seen = PanelSeen{Blind: true}
	case err != nil:
		// One lost answer proves nothing: what was read last goes on holding until it is too old.
		k.seen.Err = err
		if k.misses++; k.misses >= panelMisses || k.seen.Power != hal.PowerOn {
			k.seen.Power = hal.PowerUnknown
		}
	default:
		if power != k.seen.Power {
			k.log.Info("panel read back", "power", power.String())
		}
		k.seen.Power, k.seen.ReadAt, k.seen.Err = power, time.Now(), nil
		k.misses = 0
		if matches(power, k.wanted) {
			k.tries = 0
			k.seen.SettlesAt = time.Time{}
		}
	}
	k.report(k.seen)
}

// contradicted says that the panel was not told yet what is wanted and was otherwise when it was read last, just now.
func (k *panelKeeper) contradicted() bool {
	known := k.seen.Err == nil && k.seen.Power != hal.PowerUnknown && time.Since(k.seen.ReadAt) < 2*panelPoll
	return known && !matches(k.seen.Power, k.wanted) && k.told != k.wanted && k.tries == 0
}

// due says whether a command is needed now. A panel that does not answer a reading is commanded all the same:
// many are deaf to questions in standby and still wake.
func (k *panelKeeper) due() bool {
	now := time.Now()
	if k.seen.Blind {
		return k.tries > 0 || k.toldAt.IsZero() || k.told != k.wanted || now.Sub(k.toldAt) > panelRefresh
	}
	if matches(k.seen.Power, k.wanted) {
		return false
	}
	return k.told != k.wanted || !now.Before(k.quiet)
}

func (k *panelKeeper) pause() time.Duration {
	if left := time.Until(k.quiet); k.seen.Err != nil && left > 0 {
		return min(max(left/4, time.Second), panelBackoff) // a panel that wakes is often deaf meanwhile
	}
	if k.seen.Err != nil {
		d := min(panelPace<<min(k.tries, 10), panelBackoff)
		return d/2 + rand.N(d/2+1)
	}
	if !k.seen.Blind && !matches(k.seen.Power, k.wanted) {
		return time.Second // on its way: see it arrive
	}
	return panelPoll
}

func matches(p hal.Power, on bool) bool {
	return on && p == hal.PowerOn || !on && p == hal.PowerOff
}

func settle(p hal.Panel, on bool) time.Duration {
	if s, ok := p.(hal.Settler); ok {
		return s.Settle(on)
	}
	return panelSettle
}
