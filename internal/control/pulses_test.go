package control_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
)

// A counter is an energy meter with pulses behind a rig's panel: each so much energy, and what they say of the power is
// what hal/gpio makes of them.
type counter struct {
	rig         *sim.Rig
	lit, dark   float64 // watts of the panel
	pulse       float64 // joules
	left        float64 // joules until the first pulse
	first, last time.Time
	mean        float64
}

// Run implements hal.Sensor.
func (c *counter) Run(ctx context.Context, readings chan<- hal.Reading) error {
	for i := 1; ; i++ {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
		c.draw()
		if i%10 > 0 {
			continue
		}
		select {
		case readings <- c.reading():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// draw lets a second pass.
func (c *counter) draw() {
	watts := c.dark
	if c.rig.Snapshot().Lit {
		watts = c.lit
	}
	if c.left -= watts; c.left > 0 {
		return
	}
	c.left += c.pulse
	c.first, c.last = c.last, time.Now()
	if !c.first.IsZero() {
		c.mean = c.pulse / c.last.Sub(c.first).Seconds()
	}
}

func (c *counter) reading() hal.Reading {
	r := hal.Reading{Sensor: "kwh", Kind: hal.Meter, At: c.last, Reason: "no two pulses"}
	most := c.mean
	if now := time.Now(); now.After(c.last) {
		most = min(c.mean, c.pulse/now.Sub(c.last).Seconds())
	}
	if c.mean == 0 || most*20 < c.mean && most*2 < c.dark {
		return r
	}
	r.Quality, r.Reason, r.Watts = hal.QualityGood, "", physic.Power(most*float64(physic.Watt))
	r.From, r.Pulse = c.first, physic.Energy(c.pulse*float64(physic.Joule))
	return r
}

// counted is a display with such a meter from 10:40 on: lit until 11:00, dark for an hour and lit again from 11:58:30 on, which is a window that begins at noon.
func counted(t *testing.T, c *counter, measured control.Meter, scene func(s *stage)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "10:40:00"))
		s.panelOf = func() hal.Panel { return s.rig.Panel() }
		c.rig, c.pulse = s.rig, 3600
		s.config = func(cfg *control.Config) {
			cfg.Meter, cfg.Sensors = measured, append(cfg.Sensors, c)
			cfg.Schedule.Windows[1].From = 12 * time.Hour
		}
		s.begin()
		time.Sleep(s.until("11:58:00"))
		scene(s)
		s.end()
		s.close()
	})
}

// until is how long it is until a time of day.
func (s *stage) until(clock string) time.Duration { return at(s.t, clock).Sub(s.now()) }

// TestASlowMeterHasNoWordAgainstAPanelJustSwitchedOn: the pulses of a small panel are minutes apart, and the first of a window
// tells of the hours before it. Until the meter can have said anything of the panel as it is now, what it says is not
// against it, nor against one just switched off.
func TestASlowMeterHasNoWordAgainstAPanelJustSwitchedOn(t *testing.T) {
	for _, tt := range []struct {
		name      string
		lit, dark float64
		measured  control.Meter
		left      float64 // joules to the first pulse
	}{
		{"60 W", 60, 0.5, control.Meter{Lit: 30 * physic.Watt, Dark: 5 * physic.Watt}, 100},
		{"20 W", 20, 0.4, control.Meter{Lit: 15 * physic.Watt, Dark: 2 * physic.Watt}, 1},
		{"20 W, another phase", 20, 1.3, control.Meter{Lit: 15 * physic.Watt, Dark: 2 * physic.Watt}, 3599},
		{"12 W", 12, 0.5, control.Meter{Lit: 10 * physic.Watt, Dark: physic.Watt}, 1000},
		{"12 W, and hardly less in standby", 12, 0.5, control.Meter{Lit: 10 * physic.Watt, Dark: 8 * physic.Watt}, 1},
		{"the same, another phase", 12, 0.5, control.Meter{Lit: 10 * physic.Watt, Dark: 8 * physic.Watt}, 1200},
		{"40 W, that nobody measured", 40, 0.3, control.Meter{}, 500},
	} {
		t.Run(tt.name, func(t *testing.T) {
			counted(t, &counter{lit: tt.lit, dark: tt.dark, left: tt.left}, tt.measured, func(s *stage) {
				before := s.control.State().Airtime
				time.Sleep(s.until("12:20:00"))
				after := s.control.State().Airtime
				if got := after.DeliveredS - before.DeliveredS; got < 1199 || got > 1200 {
					s.t.Errorf("%d s of 1200 are delivered: %+v", got, after)
				}
				s.wantIncidents()
			})
		})
	}
}

// TestASlowMeterTellsOfAPanelThatStaysDark: it takes the time of a pulse at the most that a dark panel draws, and then all
// of it is taken back.
func TestASlowMeterTellsOfAPanelThatStaysDark(t *testing.T) {
	for _, tt := range []struct {
		name     string
		dark     float64
		measured control.Meter
		found    string // by when
	}{
		{"0.5 W", 0.5, control.Meter{Lit: 30 * physic.Watt, Dark: 5 * physic.Watt}, "12:13:00"},
		{"4 W, whose pulses are heard", 4, control.Meter{Lit: 30 * physic.Watt, Dark: 5 * physic.Watt}, "12:30:00"},
		{"that nobody measured", 0.5, control.Meter{}, "12:31:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			counted(t, &counter{lit: 60, dark: tt.dark, left: 700}, tt.measured, func(s *stage) {
				s.rig.SetPanelFault(sim.Black, true)
				before := s.control.State().Airtime
				time.Sleep(s.until("12:05:00"))
				if got := s.lost()[journal.CauseContradicted]; got != 0 {
					s.t.Errorf("%d s are lost before the meter can have known", got)
				}
				time.Sleep(s.until(tt.found))
				if got := s.lost()[journal.CauseContradicted]; got == 0 {
					s.t.Error("nothing is found")
				}
				time.Sleep(s.until("12:40:00"))
				after := s.control.State().Airtime
				if got := s.lost()[journal.CauseContradicted]; got < 2399 || after.DeliveredS != before.DeliveredS {
					s.t.Errorf("%d s of 2400 are lost to it: %+v", got, after)
				}
				s.wantIncidents("panel-dark-but-on")
			})
		})
	}
}

// TestASlowMeterVerifiesABlindPanelLater: until it can have said anything, nobody knows.
func TestASlowMeterVerifiesABlindPanelLater(t *testing.T) {
	counted(t, &counter{lit: 20, dark: 0.5, left: 1}, control.Meter{Lit: 15 * physic.Watt, Dark: 2 * physic.Watt}, func(s *stage) {
		s.rig.SetPanelFault(sim.Blind, true)
		before := s.control.State().Airtime
		time.Sleep(s.until("12:20:00"))
		after := s.control.State().Airtime
		unverified, lost := after.UnverifiedS-before.UnverifiedS, s.lost()
		if unverified < 30 || unverified > 360 || lost[journal.CausePanelOff]+lost[journal.CauseContradicted] > 0 {
			s.t.Errorf("%d s are unverified: %+v", unverified, after)
		}
		if got := after.DeliveredS - before.DeliveredS; got+unverified < 1199 {
			s.t.Errorf("%d s are delivered and %d unverified: %+v", got, unverified, after)
		}
	})
}
