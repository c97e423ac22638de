// Package haltest is the suite that every driver of a panel must pass: the simulated panel, the drivers of
// real protocols against panels that were written apart from them, and a wired panel on the bench.
//
// Its one rule is that a driver never draws a wrong conclusion about power. A time-out is unknown, an
// acknowledgement is not power, and an error says of which class it is.
package haltest

import (
	"context"
	"time"

	"bangtin/hal"
)

// A T is what a check needs of its run. *testing.T is one, and so is that of [RunReport].
type T interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any) // the check has failed, and goes on
	Fatalf(format string, args ...any) // the check has failed, and ends
	Skipf(format string, args ...any)  // the check cannot be made, and ends
	Cleanup(f func())                  // runs f when the check has ended, the last one first
	Context() context.Context          // ends just before those of Cleanup run
}

// A Harness says how to come by a panel and its driver. R is *testing.T in a test, and [T] for [RunReport].
type Harness[R T] struct {
	// Setup makes a bench for one check, with the panel off and no fault. It is called within Within.
	Setup func(t R) Bench

	// Within runs one check, such as synctest.Test does. Nil runs it as it is.
	Within func(t R, check func(t R))
}

// run runs one check on a bench of its own.
func (h Harness[R]) run(t R, check func(t T, b Bench)) {
	f := func(t R) { check(t, h.Setup(t)) }
	if h.Within == nil {
		f(t)
		return
	}
	h.Within(t, f)
}

// A Bench is one panel, what can be done to it behind its driver's back, and what can be seen of it. Of the
// functions only New is required: without another the checks that need it are skipped, and say so.
type Bench struct {
	// New returns another driver of the panel. The one before is closed first.
	New func() hal.Panel

	// Lit tells whether the panel shows a picture, as an eye sees it.
	Lit func() bool

	Silence  func(active bool) // the panel answers nothing
	Disobey  func(active bool) // the panel acknowledges, and does nothing
	Blind    func(active bool) // the panel cannot be read back
	CutPower func()            // the panel loses power and comes back off

	Unplug func() // the port goes away; the panel stays as it is
	Replug func() // the port comes back at the same path

	Jam func(active bool) // the port takes nothing: what is written stays with the kernel

	// Refuse makes the panel say no to everything, in one of the ways in which it can.
	Refuse map[string]func(active bool)

	// Late makes each reply come when the driver has stopped waiting for it, in one of the ways in which it can.
	Late map[string]func(active bool)

	// Noise are disturbances of the line under which everything must work as without them.
	Noise map[string]func(active bool)
}

// A Runner runs subtests, as *testing.T does.
type Runner[R T] interface {
	Run(name string, check func(t R)) bool
}

// Run checks the driver under go test. Each check is a subtest on a bench of its own.
func Run[R T](t Runner[R], h Harness[R]) {
	for _, c := range checks() {
		t.Run(c.name, func(t R) { h.run(t, c.check) })
	}
}

type check struct {
	name  string
	check func(t T, b Bench)
}

func checks() []check {
	return []check{
		{"on and off", checkOnOff},
		{"a command twice is harmless", checkTwice},
		{"power lost", checkCutPower},
		{"power lost between command and look", checkCutBetween},
		{"silent", checkSilent},
		{"silent while lit", checkSilentWhileLit},
		{"refuses", checkRefuses},
		{"acknowledges but disobeys", checkDisobeys},
		{"cannot be read back", checkBlind},
		{"late replies", checkLate},
		{"noise", checkNoise},
		{"unplugged", checkUnplugged},
		{"unplugged while lit", checkUnpluggedWhileLit},
		{"context", checkContext},
		{"close", checkClose},
		{"capabilities", checkCapabilities},
	}
}

// patience is how long something that must happen may take. It is no measure of speed: only a failing check
// waits that long. A wired panel takes 20 s to settle.
const patience = time.Minute

// pace is the pause between two looks.
const pace = 20 * time.Millisecond

// open returns a driver that is closed with the check.
func open(t T, b Bench) hal.Panel {
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
func observe(t T, b Bench, p hal.Panel) (hal.Power, error) {
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
		t.Fatalf("Power is on, but there is no picture")
	}
	if power == hal.PowerOff && after {
		t.Fatalf("Power is off, but there is a picture")
	}
	return power, err
}

func lit(b Bench) bool { return b.Lit != nil && b.Lit() }

// eventually observes until the power is want.
func eventually(t T, b Bench, p hal.Panel, want hal.Power) {
	t.Helper()
	var power hal.Power
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pace) {
		if power, err = observe(t, b, p); power == want {
			return
		}
		goOn(t)
	}
	t.Fatalf("Power is %v (error %v) after %v, want %v", power, err, patience, want)
}

// goOn ends a check whose run was ended.
func goOn(t T) {
	t.Helper()
	if err := t.Context().Err(); err != nil {
		t.Fatalf("given up: %v", err)
	}
}

// settled observes for as long as the driver says its panel needs after a command, and then once more. It
// returns what that last look found.
func settled(t T, b Bench, p hal.Panel, on bool) (hal.Power, error) {
	t.Helper()
	need := 2 * time.Second
	if s, ok := p.(hal.Settler); ok {
		need = s.Settle(on)
	}
	for end := time.Now().Add(need); time.Now().Before(end); time.Sleep(pace) {
		observe(t, b, p)
		goOn(t)
	}
	return observe(t, b, p)
}

// command sets the power and fails when the panel does not acknowledge. A panel may be deaf while it warms up
// or cools down, so it is asked again.
func command(t T, p hal.Panel, on bool) {
	t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pace) {
		if err = p.SetPower(t.Context(), on); err == nil {
			return
		}
		goOn(t)
	}
	t.Fatalf("SetPower(%v): %v", on, err)
}
