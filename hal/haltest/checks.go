package haltest

import (
	"context"
	"errors"
	"time"

	"bangtin/hal"
)

func checkOnOff(t T, b Bench) {
	p := open(t, b)
	eventually(t, b, p, hal.PowerOff)
	for range 2 {
		command(t, p, true)
		eventually(t, b, p, hal.PowerOn)
		command(t, p, false)
		eventually(t, b, p, hal.PowerOff)
	}
}

func checkTwice(t T, b Bench) {
	p := open(t, b)
	for _, on := range []bool{true, false} {
		want := hal.PowerOff
		if on {
			want = hal.PowerOn
		}
		command(t, p, on)
		eventually(t, b, p, want)
		command(t, p, on)
		// Nothing may flicker: what was reached holds at every look, as far as the panel answers.
		if power, err := settled(t, b, p, on); power != want {
			t.Fatalf("Power is %v (error %v) after the second SetPower(%v)", power, err, on)
		}
	}
}

func checkCutPower(t T, b Bench) {
	if b.CutPower == nil {
		t.Skipf("this bench cannot cut the panel's power")
	}
	p := open(t, b)
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
	b.CutPower()
	eventually(t, b, p, hal.PowerOff)
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
}

// checkCutBetween: the panel has acknowledged "on" and is dark again before anybody looks.
func checkCutBetween(t T, b Bench) {
	if b.CutPower == nil {
		t.Skipf("this bench cannot cut the panel's power")
	}
	p := open(t, b)
	for range 3 {
		command(t, p, true)
		b.CutPower()
		if power, err := settled(t, b, p, true); power != hal.PowerOff {
			t.Fatalf("Power of a panel that went dark after its acknowledgement: %v, %v, want off", power, err)
		}
	}
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
}

func checkSilent(t T, b Bench) {
	if b.Silence == nil {
		t.Skipf("this bench cannot silence the panel")
	}
	p := open(t, b)
	eventually(t, b, p, hal.PowerOff)
	b.Silence(true)
	everythingFails(t, b, p, hal.ErrSilent)
	b.Silence(false)
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
}

func checkSilentWhileLit(t T, b Bench) {
	if b.Silence == nil {
		t.Skipf("this bench cannot silence the panel")
	}
	p := open(t, b)
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
	b.Silence(true)
	for range 3 {
		if power, err := observe(t, b, p); !errors.Is(err, hal.ErrSilent) {
			t.Fatalf("Power of a silent panel: %v, %v, want unknown and ErrSilent", power, err)
		}
	}
	b.Silence(false)
	eventually(t, b, p, hal.PowerOn)
}

func checkRefuses(t T, b Bench) {
	if len(b.Refuse) == 0 {
		t.Skipf("this bench cannot make the panel refuse")
	}
	p := open(t, b)
	eventually(t, b, p, hal.PowerOff)
	for name, refuse := range b.Refuse {
		t.Logf("refuses: %s", name)
		refuse(true)
		everythingFails(t, b, p, hal.ErrRefused)
		refuse(false)
		eventually(t, b, p, hal.PowerOff) // what was refused may have been an earlier question: some do not say
		if power, err := settled(t, b, p, true); power != hal.PowerOff {
			t.Fatalf("Power after a refused SetPower(true): %v, %v, want off", power, err)
		}
	}
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
}

func checkDisobeys(t T, b Bench) {
	if b.Disobey == nil {
		t.Skipf("this bench cannot make the panel disobey")
	}
	p := open(t, b)
	b.Disobey(true)
	command(t, p, true)
	if power, err := settled(t, b, p, true); power != hal.PowerOff {
		t.Fatalf("Power after an idle acknowledgement of on: %v, %v, want off", power, err)
	}
	b.Disobey(false)
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
	b.Disobey(true)
	command(t, p, false)
	if power, err := settled(t, b, p, false); power != hal.PowerOn {
		t.Fatalf("Power after an idle acknowledgement of off: %v, %v, want on", power, err)
	}
}

func checkBlind(t T, b Bench) {
	if b.Blind == nil {
		t.Skipf("this bench's panel can always be read back")
	}
	p := open(t, b)
	b.Blind(true)
	command(t, p, true)
	if power, err := settled(t, b, p, true); !errors.Is(err, hal.ErrUnsupported) {
		t.Fatalf("Power: %v, %v, want unknown and ErrUnsupported", power, err)
	}
	if b.Lit != nil && !b.Lit() {
		t.Fatalf("a panel that cannot be read back was not switched on")
	}
}

// checkLate is about the reply that comes when nobody waits for it any more: the late acknowledgement of "on"
// may look just like an answer to "are you on?".
func checkLate(t T, b Bench) {
	if len(b.Late) == 0 || b.Disobey == nil {
		t.Skipf("this bench cannot delay replies of a panel that disobeys")
	}
	p := open(t, b)
	eventually(t, b, p, hal.PowerOff)
	for name, late := range b.Late {
		t.Logf("late: %s", name)
		b.Disobey(true)
		late(true)
		for _, on := range []bool{true, false, true} {
			if err := p.SetPower(t.Context(), on); err != nil && !errors.Is(err, hal.ErrSilent) {
				t.Fatalf("SetPower(%v): %v, want nil or ErrSilent", on, err)
			}
			for range 3 {
				if _, err := observe(t, b, p); err != nil && !errors.Is(err, hal.ErrSilent) {
					t.Fatalf("Power: %v, want ErrSilent", err)
				}
			}
		}
		late(false)
		b.Disobey(false)
		eventually(t, b, p, hal.PowerOff)
	}
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
}

func checkNoise(t T, b Bench) {
	if len(b.Noise) == 0 {
		t.Skipf("this bench cannot disturb the line")
	}
	p := open(t, b)
	for name, disturb := range b.Noise {
		t.Logf("noise: %s", name)
		disturb(true)
		command(t, p, true)
		eventually(t, b, p, hal.PowerOn)
		command(t, p, false)
		eventually(t, b, p, hal.PowerOff)
		capabilitiesWork(t, p)
		disturb(false)
	}
}

func checkUnplugged(t T, b Bench) {
	if b.Unplug == nil || b.Replug == nil {
		t.Skipf("this bench cannot unplug the port")
	}
	p := open(t, b)
	eventually(t, b, p, hal.PowerOff)
	b.Unplug()
	everythingFails(t, b, p, hal.ErrPortGone)
	b.Replug()
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
}

// checkUnpluggedWhileLit: a pulled cable is no dark panel.
func checkUnpluggedWhileLit(t T, b Bench) {
	if b.Unplug == nil || b.Replug == nil {
		t.Skipf("this bench cannot unplug the port")
	}
	p := open(t, b)
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
	b.Unplug()
	for range 3 {
		if power, err := observe(t, b, p); !errors.Is(err, hal.ErrPortGone) {
			t.Fatalf("Power of a panel that is unplugged: %v, %v, want unknown and ErrPortGone", power, err)
		}
	}
	b.Replug()
	eventually(t, b, p, hal.PowerOn)
}

func checkContext(t T, b Bench) {
	p := open(t, b)
	eventually(t, b, p, hal.PowerOff)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.SetPower(ended, true); !errors.Is(err, context.Canceled) {
		t.Errorf("SetPower with an ended context: %v, want context.Canceled", err)
	}
	if power, err := p.Power(ended); power != hal.PowerUnknown || !errors.Is(err, context.Canceled) {
		t.Errorf("Power with an ended context: %v, %v, want unknown and context.Canceled", power, err)
	}
	if power, err := settled(t, b, p, true); power != hal.PowerOff {
		t.Errorf("Power after a SetPower that never ran: %v, %v, want off", power, err)
	}
	for name, c := range map[string]struct {
		hinder func(bool)
		limit  time.Duration
	}{
		"silence it":   {b.Silence, time.Millisecond},
		"jam its port": {b.Jam, 800 * time.Millisecond}, // more than every protocol's gap, less than a write may take
	} {
		if c.hinder == nil {
			t.Logf("not checked with such a panel: this bench cannot %s", name)
			continue
		}
		c.hinder(true)
		cutShort(t, p, c.limit)
		c.hinder(false)
		eventually(t, b, p, hal.PowerOff)
	}
}

// cutShort: a driver that waits for the panel or for its port returns when ctx ends.
func cutShort(t T, p hal.Panel, limit time.Duration) {
	t.Helper()
	short, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if power, err := p.Power(short); power != hal.PowerUnknown || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Power with a short context: %v, %v, want unknown and context.DeadlineExceeded", power, err)
	}
}

func checkClose(t T, b Bench) {
	unused := b.New()
	if err := unused.Close(); err != nil {
		t.Errorf("Close before use: %v", err)
	}
	p := b.New()
	eventually(t, b, p, hal.PowerOff)
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	if err := p.SetPower(t.Context(), true); err == nil {
		t.Errorf("SetPower works after Close")
	}
	if power, err := p.Power(t.Context()); power != hal.PowerUnknown || err == nil {
		t.Errorf("Power after Close: %v, %v, want unknown and an error", power, err)
	}
	next := open(t, b)
	command(t, next, true)
	eventually(t, b, next, hal.PowerOn)
	if err := next.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	eventually(t, b, open(t, b), hal.PowerOn) // Close leaves the panel as it is
}

// everythingFails checks that each method fails with want, and that nothing is concluded about power.
func everythingFails(t T, b Bench, p hal.Panel, want error) {
	t.Helper()
	if err := p.SetPower(t.Context(), false); !errors.Is(err, want) {
		t.Errorf("SetPower: %v, want %v", err, want)
	}
	if power, err := p.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, want) {
		t.Errorf("Power: %v, %v, want unknown and %v", power, err, want)
	}
	for name, call := range capabilities(t.Context(), p) {
		// What the protocol has no word for fails without a word on the line.
		if err := call(); !errors.Is(err, want) && !errors.Is(err, hal.ErrUnsupported) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}
