package control_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
)

// TestASmokeDetectorThatFallsSilent: its last word was that all is well, which proves nothing half a minute later. It is an incident,
// and no fire is cleared on it.
func TestASmokeDetectorThatFallsSilent(t *testing.T) {
	play(t, func(s *stage) {
		s.rig.SetSensorFault(sim.SmokeSensor, sim.SensorQuiet)
		time.Sleep(80 * time.Second)
		s.wantIncidents()
		time.Sleep(20 * time.Second)
		s.wantIncidents("sensor-faulty-smoke")
		s.rig.SetTemperature(sim.CabinetSensor, warm("", 80).Temperature)
		time.Sleep(3 * time.Second)
		s.rig.SetTemperature(sim.CabinetSensor, warm("", 30).Temperature)
		time.Sleep(3 * time.Second)
		if err := s.control.ClearFire(s.t.Context(), "thử", "root"); err == nil || !strings.Contains(err.Error(), "nothing heard for 30s") {
			s.t.Errorf("cleared on a silent smoke detector: %v", err)
		}
		s.rig.SetSensorFault(sim.SmokeSensor, sim.SensorGood)
		time.Sleep(10 * time.Second)
		if err := s.control.ClearFire(s.t.Context(), "thử", "root"); err != nil {
			s.t.Error(err)
		}
	})
}

// A deafening panel does not hear the first commands to go off, and notes what it was asked.
type deafening struct {
	*heedful
	deaf atomic.Int32 // commands that it will not hear
}

func (p *deafening) SetPower(ctx context.Context, on bool) error {
	if !on && p.deaf.Add(-1) >= 0 {
		p.note("off, unheard")
		select {
		case <-time.After(100 * time.Millisecond):
			return hal.ErrSilent
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return p.heedful.SetPower(ctx, on)
}

// TestAFireRepeatsItself: two commands that the panel does not answer are followed by a third without a question between them.
func TestAFireRepeatsItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		var p *deafening
		s.panelOf = func() hal.Panel {
			p = &deafening{heedful: &heedful{Panel: s.rig.Panel()}}
			return p
		}
		s.config = func(c *control.Config) { c.Relay = nil } // which would take its supply first
		s.begin()
		time.Sleep(time.Minute)
		p.deaf.Store(2)
		p.take()
		start := time.Now()
		s.rig.SetSmoke(true)
		for s.rig.Snapshot().Panel != hal.PowerOff && time.Since(start) < time.Minute {
			time.Sleep(10 * time.Millisecond)
		}
		got := p.take()
		if i := slices.Index(got, "off, unheard"); i < 0 || !slices.Equal(got[i:], []string{"off, unheard", "off, unheard", "off"}) {
			t.Errorf("in a fire it was asked %v", got)
		}
		s.end()
		s.close()
	})
}

// TestAPanelThatWasOffLongAgo does not open the relay before its time: it may have gone on since.
func TestAPanelThatWasOffLongAgo(t *testing.T) {
	for _, tt := range []struct {
		silent      time.Duration
		least, most time.Duration
	}{
		{0, 0, 100 * time.Millisecond},
		{10 * time.Second, 0, 100 * time.Millisecond},
		{time.Minute, 900 * time.Millisecond, time.Second},
	} {
		path := filepath.Join(t.TempDir(), "journal.db")
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, path, at(t, "05:00:00"))
			h := &hazard{s: s}
			s.relayOf = func() hal.Relay { return hazardRelay{s.rig.Relay(), h} }
			s.begin()
			time.Sleep(time.Minute)
			s.rig.SetPanelFault(sim.Silent, tt.silent > 0)
			time.Sleep(tt.silent)
			h.arm()
			start := time.Now()
			s.rig.SetSmoke(true)
			time.Sleep(2 * time.Second)
			_, opened := h.noted()
			if took := opened.Sub(start); opened.IsZero() || took < tt.least || took > tt.most {
				t.Errorf("silent for %v: the relay opened after %v", tt.silent, took)
			}
			s.end()
			s.close()
		})
	}
}

// A slowRelay takes its time to close and gives it up when the daemon stops.
type slowRelay struct{ hal.Relay }

func (r slowRelay) Set(ctx context.Context, closed bool) error {
	select {
	case <-time.After(3 * time.Second):
		return r.Relay.Set(ctx, closed)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestAStopIsNoFailureOfTheRelay: a write that the daemon gave up as it stopped is not in the record as one that failed.
func TestAStopIsNoFailureOfTheRelay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.relayOf = func() hal.Relay { return slowRelay{s.rig.Relay()} }
		for range 40 { // which of the loops hears first of the stop is left to chance
			s.begin()
			time.Sleep(21 * time.Second) // it is being written, at 0, 10 and 20 s for three seconds, and the loop looks around
			s.end()
			s.close()
		}
		s.begin()
		s.wantIncidents()
		s.end()
		s.close()
	})
}
