// Package pair is two ways to one panel: a primary, such as RS-232, whose word is the truth, and a fallback, such as
// CEC, for when the primary cannot be reached.
package pair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bangtin/hal"
)

const (
	// patience is how many failures in a row make the primary count as unreachable: one lost reply proves nothing.
	patience = 2
	// retryEvery is how often an unreachable primary is tried: each second look of a keeper that looks every 5 s.
	retryEvery = 10 * time.Second
	// probe is how long such a try may take: over RS-232 a driver that has given a reply up must first catch up with the
	// panel, and only then asks. That is two replies of 2 s, and NEC's rests of 0.6 s around them.
	probe = 6 * time.Second
	// settle is for a way that is no hal.Settler, as in hal.
	settle = 2 * time.Second
)

// A Panel is a panel with two ways to it. It implements [hal.Panel] and [hal.Settler], and hands the capabilities of
// hal to its primary; a method that the primary lacks is [hal.ErrUnsupported].
//
// Each method takes as long as the primary's and the fallback's together; while the primary is known to be
// unreachable, 6 s and the fallback's. As every [hal.Panel] it is for one goroutine at a time.
type Panel struct {
	primary, fallback hal.Panel
	log               *slog.Logger

	misses  int       // failures of the primary in a row
	lastErr error     // of the primary; nil when it answered
	retryAt time.Time // while it is unreachable: when to try it
	both    bool      // the fallback took part in the last power command
	slept   time.Time // when off was commanded and not seen since; zero is not
	woken   time.Time // the same of on
	asleep  bool      // the last command was off
	witness witness
}

// New returns the panel. It does no input or output, and owns both ways from here on: Close closes them.
func New(primary, fallback hal.Panel, log *slog.Logger) *Panel {
	return &Panel{primary: primary, fallback: fallback, log: log}
}

// SetPower implements [hal.Panel]. The fallback is told where the primary cannot be reached; a panel that the primary
// reaches, and that says no, is not asked by another door.
func (p *Panel) SetPower(ctx context.Context, on bool) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cannot set panel power: %w", err)
	}
	p.told(on)
	p.both = false
	var err error
	tried := p.worthTrying()
	if tried {
		err = p.ask(ctx, func(ctx context.Context) error { return p.primary.SetPower(ctx, on) })
		if !unreachable(err) {
			return err
		}
	}
	p.both = true
	second := p.fallback.SetPower(ctx, on)
	if second == nil {
		return nil
	}
	if ctx.Err() != nil {
		return second
	}
	if !tried { // nothing else is left
		if err = p.ask(ctx, func(ctx context.Context) error { return p.primary.SetPower(ctx, on) }); !unreachable(err) {
			return err
		}
	}
	return neither(err, second)
}

// Power implements [hal.Panel]. What the primary says is the truth. The fallback is asked only where the primary cannot
// be reached or cannot be read back at all, and is believed only in what the primary has not contradicted. Where they are
// compared, the primary is asked once more after the fallback, and that newer word is returned.
func (p *Panel) Power(ctx context.Context) (power hal.Power, err error) {
	read := func(ctx context.Context) (err error) {
		power, err = p.primary.Power(ctx)
		return err
	}
	tried := p.worthTrying()
	if tried {
		if err = p.ask(ctx, read); err == nil {
			return p.compare(ctx, power)
		}
		if !unreachable(err) && !errors.Is(err, hal.ErrUnsupported) {
			return hal.PowerUnknown, err
		}
	}
	second, secondErr := p.fallback.Power(ctx)
	if secondErr == nil {
		p.witness.says(second)
	}
	switch {
	case secondErr == nil && p.believed(second):
		return p.judge(second), nil
	case secondErr == nil:
		secondErr = fmt.Errorf("it says %v, which nothing bears out: %w", second, hal.ErrSilent)
	case ctx.Err() != nil:
		return hal.PowerUnknown, secondErr
	}
	if !tried { // nothing else is left
		if err = p.ask(ctx, read); err == nil {
			p.seen(power)
			return power, nil
		}
	}
	if errors.Is(err, hal.ErrUnsupported) && !errors.Is(secondErr, hal.ErrUnsupported) {
		err, secondErr = secondErr, err // it can be read back, only not now
	}
	return hal.PowerUnknown, neither(err, secondErr)
}

// neither says why both ways failed. What the fallback cannot do at all the primary may be able to: that class is not
// passed on, or a keeper would never read the panel again.
func neither(first, second error) error {
	if errors.Is(second, hal.ErrUnsupported) && !errors.Is(first, hal.ErrUnsupported) {
		return fmt.Errorf("%w; fallback: %s", first, second.Error())
	}
	return fmt.Errorf("%w; fallback: %w", first, second)
}

// Settle implements [hal.Settler] for the last command: the longer of what the ways that it used need.
func (p *Panel) Settle(on bool) time.Duration {
	d := settles(p.primary, on)
	if p.both {
		d = max(d, settles(p.fallback, on))
	}
	return d
}

func settles(panel hal.Panel, on bool) time.Duration {
	if s, ok := panel.(hal.Settler); ok {
		return s.Settle(on)
	}
	return settle
}

// Close implements [hal.Panel].
func (p *Panel) Close() error { return errors.Join(p.primary.Close(), p.fallback.Close()) }

// worthTrying tells whether the primary is to be asked now.
func (p *Panel) worthTrying() bool { return p.misses < patience || !time.Now().Before(p.retryAt) }

// ask has the primary do something, and notes whether it could be reached. Once it is known to be unreachable, it gets
// only as long as an answer takes.
func (p *Panel) ask(ctx context.Context, do func(context.Context) error) error {
	within := ctx
	if p.misses >= patience {
		short, cancel := context.WithTimeout(ctx, probe)
		defer cancel()
		within = short
	}
	err := do(within)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %v: %w", probe, hal.ErrSilent)
	}
	p.note(err)
	return err
}

func (p *Panel) note(err error) {
	if err == nil || errors.Is(err, hal.ErrRefused) {
		if p.misses >= patience {
			p.log.Info("panel is reached over its first way again")
		}
		p.misses, p.lastErr = 0, nil
		return
	}
	if !unreachable(err) {
		return // what fails before anything is sent says nothing of the way
	}
	if p.misses++; p.misses == patience {
		p.log.Warn("panel is not reached over its first way", "err", err)
	}
	p.lastErr, p.retryAt = err, time.Now().Add(retryEvery)
}

// unreachable tells the errors of a way on which nothing comes back, from those of a panel that says something.
func unreachable(err error) bool {
	return errors.Is(err, hal.ErrSilent) || errors.Is(err, hal.ErrPortGone)
}
