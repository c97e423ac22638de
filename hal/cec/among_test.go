package cec_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/cec"
)

// among runs a test with two adapters, a TV behind the second, that hides its EDID in standby.
func among(t *testing.T, f func(t *testing.T, empty, tv *cec.Bus, p *cec.Panel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		empty, tv := cec.NewBus(), cec.NewBus()
		empty.Set(cec.Deaf, true)
		empty.Physical(0xFFFF)
		tv.Physical(0xFFFF)
		p := cec.NewAmong(map[string]*cec.Bus{"/dev/cec0": empty, "/dev/cec1": tv}, slog.New(slog.DiscardHandler))
		t.Cleanup(func() { p.Close() }) // never fails
		f(t, empty, tv, p)
	})
}

// TestTheWakeGoesOutOverEach of two adapters, as none has an address before the TV is awake. The TV also learns what to show.
func TestTheWakeGoesOutOverEach(t *testing.T) {
	among(t, func(t *testing.T, empty, tv *cec.Bus, p *cec.Panel) {
		reads(t, p, hal.PowerUnknown, hal.ErrPortGone)
		if err := p.SetPower(t.Context(), false); !errors.Is(err, hal.ErrPortGone) {
			t.Errorf("standby: %v, want ErrPortGone", err)
		}
		command(t, p, true)
		if a, b := sent(empty), sent(tv); len(a) != 1 || a[0] != "0 f→0 04" || len(b) != 1 || b[0] != a[0] {
			t.Errorf("sent %q and %q, want image view on over each", a, b)
		}
		time.Sleep(6 * time.Second)
		tv.Physical(0x2000)
		reads(t, p, hal.PowerWarming, nil)
		time.Sleep(time.Minute)
		reads(t, p, hal.PowerOn, nil)
		if got := sent(tv); !slices.Contains(got, "9 4→f 82 20 00") || len(sent(empty)) != 1 {
			t.Errorf("sent %q and %q, want active source over the second", sent(empty), got)
		}

		tv.Physical(0xFFFF) // the next night: it is known by now which it is
		tv.Cut()
		time.Sleep(time.Minute)
		reads(t, p, hal.PowerUnknown, hal.ErrSilent)
		command(t, p, true)
		all := sent(tv)
		if last := all[len(all)-1]; len(sent(empty)) != 1 || !strings.HasSuffix(last, "f→0 04") {
			t.Errorf("sent %q and %q, want a wake over the second alone", sent(empty), all)
		}
	})
}

// TestNobodyIsWoken: a wake that no display takes is none.
func TestNobodyIsWoken(t *testing.T) {
	among(t, func(t *testing.T, _, tv *cec.Bus, p *cec.Panel) {
		tv.Set(cec.Deaf, true)
		if err := p.SetPower(t.Context(), true); !errors.Is(err, hal.ErrSilent) {
			t.Errorf("SetPower: %v, want ErrSilent", err)
		}
	})
}

// TestTheOnlyAdapterAtFirst is left for the one with the display, once that is there too.
func TestTheOnlyAdapterAtFirst(t *testing.T) {
	among(t, func(t *testing.T, _, tv *cec.Bus, p *cec.Panel) {
		tv.Unplug()
		reads(t, p, hal.PowerUnknown, hal.ErrSilent)
		tv.Physical(0x1000)
		tv.Replug()
		reads(t, p, hal.PowerOff, nil)
	})
}
