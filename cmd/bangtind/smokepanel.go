package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
)

// panelSteps switch the panel as a day does, and measure it meanwhile.
func (t *smokeTest) panelSteps() []func(context.Context, *step) {
	steps := []func(context.Context, *step){t.panelOn, t.brightness}
	var lit watts
	metered := t.site.Meter != nil || t.wired.rig != nil
	if metered {
		steps = append(steps, func(ctx context.Context, s *step) { s.name = say("meter, panel lit"); lit = t.measure(ctx, s) })
	}
	steps = append(steps, t.panelOff)
	if metered {
		steps = append(steps, func(ctx context.Context, s *step) {
			s.name = say("meter, panel dark")
			if dark := t.measure(ctx, s); dark.good && lit.good {
				t.propose(s, lit, dark)
			}
		})
	}
	return steps
}

func (t *smokeTest) panelOn(ctx context.Context, s *step) {
	s.name = say("panel on")
	if t.switched(ctx, s, true) {
		t.looks(ctx, s, say("Is the panel lit?"), yes)
		t.identity(ctx, s)
	}
}

func (t *smokeTest) panelOff(ctx context.Context, s *step) {
	s.name = say("panel off")
	if t.switched(ctx, s, false) {
		t.looks(ctx, s, say("Is the panel lit?"), no)
	}
}

// looks asks what a person sees. A panel that cannot be read back passes by their word alone.
func (t *smokeTest) looks(ctx context.Context, s *step, question phrase, want answer) {
	switch t.person.asks(ctx, question) {
	case want:
		s.saw(say("seen to be so"))
		s.pass()
	case noAnswer:
		s.saw(say("nobody looked"))
	default:
		s.fail(say("the person sees the opposite"))
	}
}

// switched tells the panel and reads it back. A panel may be deaf while it warms up, and is then told again.
func (t *smokeTest) switched(ctx context.Context, s *step, on bool) bool {
	began, settle := time.Now(), settles(t.wired.panel, on)
	end := began.Add(settle + patience)
	var err error
	var power hal.Power
	var told time.Time
	for {
		if time.Since(told) > settle+2*time.Second { // a second command could restart the warm-up
			if err = t.wired.panel.SetPower(ctx, on); err == nil {
				told = time.Now()
			}
		}
		if !told.IsZero() {
			power, err = t.wired.panel.Power(ctx)
		}
		switch {
		case errors.Is(err, hal.ErrUnsupported):
			s.saw(say("acknowledged; this panel cannot be read back"))
			rest(ctx, settle)
			return true
		case err == nil && (power == hal.PowerOn && on || power == hal.PowerOff && !on):
			s.saw(say("read back after %v", time.Since(began).Round(100*time.Millisecond)))
			s.pass()
			return true
		case !time.Now().Before(end) || ctx.Err() != nil:
			if err != nil {
				s.fail(say("the panel does not obey: %v", err))
			} else {
				s.fail(say("it acknowledges, and reads %v", power))
			}
			return false
		}
		rest(ctx, time.Second)
	}
}

// settles is how long the panel needs before its power can be believed; see [hal.Settler].
func settles(p hal.Panel, on bool) time.Duration {
	if s, ok := p.(hal.Settler); ok {
		return s.Settle(on)
	}
	return 2 * time.Second
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// identity notes what the panel says it is. Not to have it is no fault.
func (t *smokeTest) identity(ctx context.Context, s *step) {
	for _, line := range whoIs(ctx, t.wired.panel) {
		s.saw(asIs(line))
	}
}

func (t *smokeTest) brightness(ctx context.Context, s *step) {
	s.name = say("brightness")
	d, ok := t.wired.panel.(hal.Dimmer)
	if !ok {
		s.saw(say("this panel has none to set"))
		return
	}
	before, err := d.Brightness(ctx)
	if errors.Is(err, hal.ErrUnsupported) || errors.Is(err, hal.ErrRefused) {
		s.saw(say("this panel has none to set"))
		return
	}
	if err != nil {
		s.fail(asIs(err.Error()))
		return
	}
	s.saw(say("it was %d %%", before))
	for _, percent := range []int{dimmer(before), before} {
		if err := d.SetBrightness(ctx, percent); err != nil {
			s.fail(asIs(err.Error()))
			return
		}
		got, err := d.Brightness(ctx)
		if err != nil || got != percent {
			s.fail(say("set to %d %%, it reads %d %% (%v)", percent, got, err))
			return
		}
		s.saw(say("set to %d %% and read back", percent))
	}
	s.pass()
}

// dimmer is a brightness that is far from the one that is set.
func dimmer(percent int) int {
	if percent > 50 {
		return 20
	}
	return 100
}

// watts are what a meter read in one state of the panel.
type watts struct {
	good      bool
	low, high physic.Power
}

// How long the meter is read. A pulse of an S0 meter is 3.6 kJ at 1000 a kilowatt-hour: a panel of 120 W makes one in
// half a minute, and one in standby none that anybody would wait for, but its reading falls meanwhile.
const (
	measureFor   = 15 * time.Second
	measurePulse = 2 * time.Minute
)

// measure reads the meter for a while and believes the second half of it.
func (t *smokeTest) measure(ctx context.Context, s *step) (w watts) {
	lasts := measureFor
	if t.site.Meter != nil && t.site.Meter.Driver == "s0" {
		lasts = measurePulse
	}
	t.person.tell(say("Reading the meter for %v …", lasts))
	var all []physic.Power
	half, end := time.Now().Add(lasts/2), time.Now().Add(lasts)
	for time.Now().Before(end) && ctx.Err() == nil {
		r, good := t.senses.good(ctx, meterName, soon)
		if !good {
			s.fail(say("nothing that can be believed: %s", r.Reason))
			return w
		}
		if !time.Now().Before(half) {
			all = append(all, r.Watts)
		}
		rest(ctx, time.Second)
	}
	if len(all) == 0 {
		return w
	}
	w = watts{true, slices.Min(all), slices.Max(all)}
	s.saw(say("%v to %v", w.low, w.high))
	s.pass()
	return w
}

// propose says what the site file may hold: 70 % of what a lit panel draws, because a dark picture and the evening's
// brightness draw less, and a third more than standby. Both are our judgement; they leave a gap in which nothing is
// concluded. What the file holds already must bear out what was measured.
func (t *smokeTest) propose(s *step, lit, dark watts) {
	high := int(lit.low * 7 / 10 / physic.Watt)
	low := int((dark.high*4/3 + physic.Watt - 1) / physic.Watt)
	if high <= low || dark.high >= lit.low {
		s.fail(say("lit and dark draw too much alike: does the meter measure the panel?"))
		return
	}
	s.saw(say("for the site file, below [meter]: lit = %d and dark = %d", high, low))
	m := t.site.Meter
	if m == nil {
		return
	}
	if m.Lit > 0 && lit.low < physic.Power(m.Lit)*physic.Watt {
		s.fail(say("meter.lit is %d W, and this panel was lit with less", m.Lit))
	}
	if m.Dark > 0 && dark.high > physic.Power(m.Dark)*physic.Watt {
		s.fail(say("meter.dark is %d W, and this panel was dark with more", m.Dark))
	}
}
