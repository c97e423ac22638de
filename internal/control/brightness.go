package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bangtin/hal"
)

const (
	lightEvery = time.Minute      // between two readings of a brightness that is as wanted
	lightAgain = 10 * time.Minute // between attempts on one that does not become so, and between commands to a panel that cannot tell
	lightTries = 3                // after so many the panel disobeys
	// lightSlack is what a reading may differ by: where the protocol counts to 255, a percentage is not a whole step.
	lightSlack = 1
)

// A light keeps the panel's brightness: it sets and reads back, and sets again where somebody else has set another. It
// belongs to the panel's keeper.
type light struct {
	panel  hal.Dimmer
	want   int       // what was last asked for, LeaveBrightness for nothing
	read   int       // LeaveBrightness before the first
	readAt time.Time // of read
	set    int       // what was acknowledged last
	check  bool      // it was, and not read back since
	blind  bool      // this panel does not tell its brightness
	before int       // what it was when the heat took it down and nobody had asked for anything; else LeaveBrightness
	next   time.Time
	fails  int // how often in a row it was not as it had been set
	// refused is how often in a row it would not tell.
	refused int
}

// newLight is of a panel that heat of an earlier run took down from before, else LeaveBrightness. That is given back no
// sooner than after a minute: by then the thermometers have told whether it is hot still.
func newLight(p hal.Dimmer, before int) *light {
	l := &light{panel: p, want: LeaveBrightness, read: LeaveBrightness, set: LeaveBrightness, before: before}
	if before != LeaveBrightness {
		l.next = time.Now().Add(lightEvery)
	}
	return l
}

// target is what the panel shall be set to. Heat is an upper limit: it makes nothing brighter, and what it took is given
// back.
func (l *light) target(a ask) int {
	switch {
	case a.hot && l.read != LeaveBrightness && l.read <= a.brightness && l.before == LeaveBrightness:
		return l.read
	case a.brightness != LeaveBrightness:
		return a.brightness
	}
	return l.before
}

// tend does at most one exchange, and reports whether it did.
func (l *light) tend(ctx context.Context, a ask, exchange func(context.Context, func(context.Context) error) error) bool {
	now := time.Now()
	if a.brightness != l.want {
		l.want, l.next = a.brightness, time.Time{}
	}
	if now.Before(l.next) {
		return false
	}
	stale := l.check || l.readAt.IsZero() || now.Sub(l.readAt) >= lightEvery
	if stale && !l.blind {
		l.look(ctx, a, exchange)
		return true
	}
	l.remember(a)
	target := l.target(a)
	if target == LeaveBrightness || !l.blind && near(l.read, target) {
		l.next = now.Add(lightEvery)
		return false
	}
	l.turn(ctx, target, exchange)
	return true
}

// remember notes what the heat takes.
func (l *light) remember(a ask) {
	switch {
	case !a.hot && a.brightness != LeaveBrightness:
		l.before = LeaveBrightness
	case a.hot && l.before == LeaveBrightness && l.blind:
		l.before = 100 // nobody knows; better bright than dim for good
	case a.hot && l.before == LeaveBrightness && l.read > a.brightness:
		l.before = l.read
	}
}

func (l *light) look(ctx context.Context, a ask, exchange func(context.Context, func(context.Context) error) error) {
	var percent int
	err := exchange(ctx, func(ctx context.Context) (err error) {
		percent, err = l.panel.Brightness(ctx)
		return err
	})
	now := time.Now()
	switch {
	case errors.Is(err, hal.ErrRefused):
		l.refused++ // it may be busy; the third time it means it
		l.next = now.Add(lightAgain)
		if l.refused >= lightTries {
			l.blind, l.check, l.next = true, false, time.Time{}
		}
		return
	case errors.Is(err, hal.ErrUnsupported):
		l.blind, l.check = true, false
		return
	case err != nil:
		l.next = now.Add(lightEvery)
		return
	}
	l.read, l.readAt, l.refused = percent, now, 0
	target := l.target(a)
	switch {
	case target == LeaveBrightness, near(percent, target):
		l.fails = 0
		l.next = now.Add(lightEvery)
		if a.brightness == LeaveBrightness {
			l.before = LeaveBrightness // given back
		}
	case l.check:
		if l.fails++; l.fails >= lightTries {
			l.next = now.Add(lightAgain)
		}
	}
	l.check = false
}

func (l *light) turn(ctx context.Context, target int, exchange func(context.Context, func(context.Context) error) error) {
	err := exchange(ctx, func(ctx context.Context) error { return l.panel.SetBrightness(ctx, target) })
	now := time.Now()
	switch {
	case errors.Is(err, hal.ErrUnsupported):
		l.fails, l.next = lightTries, now.Add(unsupportedFor)
	case errors.Is(err, hal.ErrRefused):
		l.fails++
		l.next = now.Add(lightAgain)
	case err != nil:
		l.next = now.Add(lightEvery)
	case l.blind:
		l.fails, l.set, l.next = 0, target, now.Add(lightAgain)
		if l.want == LeaveBrightness {
			l.before = LeaveBrightness
		}
	default:
		l.set, l.check = target, true
	}
}

// told is what was read lately.
func (l *light) told() int {
	if l.readAt.IsZero() || time.Since(l.readAt) > toldFresh*lightEvery {
		return LeaveBrightness
	}
	return l.read
}

// disobeys says how the panel's brightness is not what was asked for, in spite of several attempts.
func (l *light) disobeys() string {
	switch {
	case l.fails < lightTries || l.want == LeaveBrightness:
		return ""
	case l.read == LeaveBrightness:
		return fmt.Sprintf("asked for %d %%, and the panel does not take it", l.want)
	}
	return fmt.Sprintf("asked for %d %%, reads %d %%", l.want, l.read)
}

// rest forgets what was read: a panel that is off may come back with another brightness, and tell what it would not.
func (l *light) rest() {
	if l.refused > 0 {
		l.blind, l.refused = false, 0
	}
	l.readAt, l.check, l.next = time.Time{}, false, time.Time{}
}

func near(a, b int) bool { return max(a-b, b-a) <= lightSlack }
