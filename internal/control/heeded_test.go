package control_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
)

// A feeler is a sensor that says what it was given last, every second; nothing while that has no name.
type feeler struct {
	mu sync.Mutex
	r  hal.Reading
}

func (f *feeler) say(r hal.Reading) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.r = r
}

func (f *feeler) Run(ctx context.Context, readings chan<- hal.Reading) error {
	for {
		f.mu.Lock()
		r := f.r
		f.mu.Unlock()
		if r.At.IsZero() {
			r.At = time.Now()
		}
		if r.Sensor != "" {
			select {
			case readings <- r:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// felt runs a scene with a feeler beside the rig's sensors, eight in the morning.
func felt(t *testing.T, config func(*control.Config), scene func(*stage, *feeler)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		f := &feeler{}
		s.config = func(c *control.Config) {
			c.Sensors = append(c.Sensors, f)
			if config != nil {
				config(c)
			}
		}
		s.begin()
		scene(s, f)
		s.end()
		s.close()
	})
}

func warm(sensor string, c int64) hal.Reading {
	return hal.Reading{Sensor: sensor, Kind: hal.Temperature, Quality: hal.QualityGood, Temperature: physic.ZeroCelsius + physic.Temperature(c)*physic.Celsius}
}

// TestAHotProcessorIsNoFire: it is told and nothing else. The sensors that protect do.
func TestAHotProcessorIsNoFire(t *testing.T) {
	felt(t, func(c *control.Config) { c.Safety.Sensors = []string{"back"} }, func(s *stage, f *feeler) {
		f.say(warm("board", 90))
		time.Sleep(time.Minute)
		st := s.control.State()
		if st.Want.Rule != "schedule" || len(st.Alarms) > 0 {
			s.t.Errorf("a processor at 90 °C: %+v, alarms %v", st.Want, st.Alarms)
		}
		told := false
		for _, r := range st.Temperatures {
			told = told || r.Sensor == "board" && r.Celsius != nil && *r.Celsius == 90
		}
		if !told {
			s.t.Errorf("it is not told: %v", st.Temperatures)
		}
		f.say(warm("back", 80))
		time.Sleep(3 * time.Second)
		if st := s.control.State(); st.Want.Panel != "off" || s.orders.Fire() == "" {
			s.t.Errorf("at 80 °C: %+v", st.Want)
		}
	})
}

// watts is what a meter measured at a moment.
func watts(w float64, at time.Time) hal.Reading {
	return hal.Reading{Sensor: "meter", Kind: hal.Meter, Quality: hal.QualityGood, Watts: physic.Power(w * float64(physic.Watt)), At: at}
}

// metered is felt without the rig's own meter.
func metered(t *testing.T, m control.Meter, scene func(*stage, *feeler)) {
	t.Helper()
	felt(t, func(c *control.Config) { c.Meter = m }, func(s *stage, f *feeler) {
		s.rig.SetSensorFault(sim.MeterSensor, sim.SensorQuiet)
		scene(s, f)
	})
}

// TestADarkPanelSinceTheLastPulse: what decays after the last pulse proves no light.
func TestADarkPanelSinceTheLastPulse(t *testing.T) {
	metered(t, control.Meter{Lit: 60 * physic.Watt, Dark: 5 * physic.Watt}, func(s *stage, f *feeler) {
		f.say(watts(120, time.Time{}))
		time.Sleep(30 * time.Minute)
		last := time.Now()
		for minute := 1.0; minute < 13; minute++ {
			f.say(watts(60/minute, last))
			time.Sleep(time.Minute)
		}
		f.say(watts(4, last))
		time.Sleep(2 * time.Minute)
		if got := s.lost()[journal.CauseContradicted]; got < 830 || got > 850 {
			s.t.Errorf("%d s are lost of 14 dark minutes", got)
		}
	})
}

// TestAMeterThatNeverSpoke proves nothing: its cable may be cut.
func TestAMeterThatNeverSpoke(t *testing.T) {
	metered(t, control.Meter{}, func(s *stage, f *feeler) {
		f.say(watts(0, time.Time{}))
		time.Sleep(3 * time.Hour)
		if got := s.lost()[journal.CauseContradicted]; got != 0 {
			s.t.Errorf("%d s are lost", got)
		}
	})
}

// TestABlindPanelThatLosesTheMains: what its meter had verified stays.
func TestABlindPanelThatLosesTheMains(t *testing.T) {
	metered(t, control.Meter{Lit: 60 * physic.Watt, Dark: 5 * physic.Watt}, func(s *stage, f *feeler) {
		s.rig.SetPanelFault(sim.Blind, true)
		f.say(watts(120, time.Time{}))
		time.Sleep(time.Hour)
		f.say(watts(0, time.Time{}))
		s.rig.SetMains(false)
		time.Sleep(10 * time.Minute)
		if a := s.control.State().Airtime; a.DeliveredS < 3580 || a.DeliveredS > 3605 {
			s.t.Errorf("after an hour: %+v", a)
		}
	})
}

// TestASmokeDetectorThatNeverSpoke: it is missed from the start, and a person clears a fire in spite of it only by saying so.
func TestASmokeDetectorThatNeverSpoke(t *testing.T) {
	expect := func(c *control.Config) {
		c.Sensors = c.Sensors[1:] // without the rig's
		c.Expect = []hal.Reading{{Sensor: "smoke", Kind: hal.Smoke}, {Sensor: "cabinet", Kind: hal.Temperature}, {Sensor: "meter", Kind: hal.Meter}}
	}
	felt(t, expect, func(s *stage, f *feeler) {
		f.say(warm("cabinet", 80))
		time.Sleep(2 * time.Minute)
		f.say(warm("cabinet", 30))
		time.Sleep(2 * time.Second)
		if err := s.control.ClearFire(s.t.Context(), "thử", "root"); err == nil || !strings.Contains(err.Error(), "nothing heard yet") {
			s.t.Errorf("cleared without a word of the smoke detector: %v", err)
		}
		s.wantIncidents("fire", "panel-hot", "sensor-faulty-smoke", "panel-hot over")
		f.say(warm("cabinet", 80))
		time.Sleep(2 * time.Second)
		if err := s.control.ClearFireDespiteSilentSmoke(s.t.Context(), "thử", "root"); err == nil {
			s.t.Error("cleared in the heat")
		}
		f.say(warm("cabinet", 30))
		time.Sleep(2 * time.Second)
		if err := s.control.ClearFireDespiteSilentSmoke(s.t.Context(), "thử", "root"); err != nil {
			s.t.Error(err)
		}
		if got := s.bodies(journal.KindOrder); len(got) != 1 || !strings.Contains(got[0], "though a smoke detector is silent: thử") {
			s.t.Errorf("on record is %q", got)
		}
	})
}

// bodies lists those of a kind.
func (s *stage) bodies(kind journal.Kind) []string {
	s.t.Helper()
	all, err := s.journal.Pending(s.t.Context(), 10000)
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, r := range all {
		if r.Kind == kind {
			out = append(out, string(r.Body))
		}
	}
	return out
}
