// Package haltest is the suite that every driver of a panel must pass: the simulated panel, the drivers of
// real protocols against panels that were written apart from them, and a wired panel on the bench.
//
// Its one rule is that a driver never draws a wrong conclusion about power. A time-out is unknown, an
// acknowledgement is not power, and an error says of which class it is.
package haltest

import (
	"testing"
	"time"

	"bangtin/hal"
)

// A Harness says how to come by a panel and its driver.
type Harness struct {
	// Setup makes a bench for one check, with the panel off and no fault. It is called within Within.
	Setup func(t *testing.T) Bench

	// Within runs one check, such as synctest.Test does. Nil runs it as it is.
	Within func(t *testing.T, check func(t *testing.T))
}

// A Bench is one panel, what can be done to it behind its driver's back, and what can be seen of it. Of the
// functions only New is required: without another the checks that need it are skipped, and say so.
type Bench struct {
	// New returns another driver of the panel. The one before is closed first.
	New func() hal.Panel

	// Lit tells whether the panel shows a picture, as an eye sees it.
	Lit func() bool

	Silence  func(active bool) // the panel answers nothing
	Refuse   func(active bool) // the panel says no to everything
	Disobey  func(active bool) // the panel acknowledges, and does nothing
	Blind    func(active bool) // the panel cannot be read back
	CutPower func()            // the panel loses power and comes back off

	Unplug func() // the port goes away
	Replug func() // the port comes back at the same path, and the panel with it, off

	// Late makes each reply come when the driver has stopped waiting for it.
	Late func(active bool)

	// Noise are disturbances of the line under which everything must work as without them.
	Noise map[string]func(active bool)
}

// Run checks the driver. Each check is a subtest on a bench of its own.
func Run(t *testing.T, h Harness) {
	for _, c := range []struct {
		name  string
		check func(t *testing.T, b Bench)
	}{
		{"on and off", checkOnOff},
		{"a command twice is harmless", checkTwice},
		{"power lost", checkCutPower},
		{"silent", checkSilent},
		{"silent while lit", checkSilentWhileLit},
		{"refuses", checkRefuses},
		{"acknowledges but disobeys", checkDisobeys},
		{"cannot be read back", checkBlind},
		{"late replies", checkLate},
		{"noise", checkNoise},
		{"unplugged", checkUnplugged},
		{"context", checkContext},
		{"close", checkClose},
		{"capabilities", checkCapabilities},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(t *testing.T) { c.check(t, h.Setup(t)) }
			if h.Within == nil {
				check(t)
				return
			}
			h.Within(t, check)
		})
	}
}

// patience is how long something that must happen may take. It is no measure of speed: only a failing check
// waits that long. A wired panel takes 20 s to settle.
const patience = time.Minute

// pace is the pause between two looks.
const pace = 20 * time.Millisecond

// open returns a driver that is closed with the check.
func open(t *testing.T, b Bench) hal.Panel {
	t.Helper()
	p := b.New()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return p
}

// observe reads the power and fails on a conclusion that what is seen of the panel does not bear out. A
// picture that appears or disappears meanwhile proves nothing.
func observe(t *testing.T, b Bench, p hal.Panel) (hal.Power, error) {
	t.Helper()
	before := lit(b)
	power, err := p.Power(t.Context())
	after := lit(b)
	if (err != nil) != (power == hal.PowerUnknown) {
		t.Fatalf("Power is %v with error %v; it must be unknown with an error and only then", power, err)
	}
	if b.Lit == nil || before != after {
		return power, err
	}
	if power == hal.PowerOn && !after {
		t.Fatal("Power is on, but there is no picture")
	}
	if power == hal.PowerOff && after {
		t.Fatal("Power is off, but there is a picture")
	}
	return power, err
}

func lit(b Bench) bool { return b.Lit != nil && b.Lit() }

// eventually observes until the power is want.
func eventually(t *testing.T, b Bench, p hal.Panel, want hal.Power) {
	t.Helper()
	var power hal.Power
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pace) {
		if power, err = observe(t, b, p); power == want {
			return
		}
	}
	t.Fatalf("Power is %v (error %v) after %v, want %v", power, err, patience, want)
}

// settled observes for as long as the driver says its panel needs after a command, and then once more. It
// returns what that last look found.
func settled(t *testing.T, b Bench, p hal.Panel, on bool) (hal.Power, error) {
	t.Helper()
	need := 2 * time.Second
	if s, ok := p.(hal.Settler); ok {
		need = s.Settle(on)
	}
	for end := time.Now().Add(need); time.Now().Before(end); time.Sleep(pace) {
		observe(t, b, p)
	}
	return observe(t, b, p)
}

// command sets the power and fails when the panel does not acknowledge. A panel may be deaf while it warms up
// or cools down, so it is asked again.
func command(t *testing.T, p hal.Panel, on bool) {
	t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pace) {
		if err = p.SetPower(t.Context(), on); err == nil {
			return
		}
	}
	t.Fatalf("SetPower(%v): %v", on, err)
}
