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

func TestDecideBrightness(t *testing.T) {
	levels := []control.Level{{From: 6 * time.Hour, Percent: 80}, {From: 10 * time.Hour, Percent: 100}, {From: 17*time.Hour + 30*time.Minute, Percent: 20}}
	for _, tt := range []struct {
		name, now string
		levels    []control.Level
		hot       bool
		trust     journal.TimeTrust
		want      int
	}{
		{"nobody asks", "08:00:00", nil, false, journal.Synchronised, control.LeaveBrightness},
		{"morning", "08:00:00", levels, false, journal.Synchronised, 80},
		{"to the second", "10:00:00", levels, false, journal.Synchronised, 100},
		{"a second before", "09:59:59", levels, false, journal.Synchronised, 80},
		{"evening", "17:45:00", levels, false, journal.Floored, 20},
		{"the hour is not known", "08:00:00", levels, false, journal.Untrusted, control.LeaveBrightness},
		{"hot", "08:00:00", levels, true, journal.Synchronised, 30},
		{"hot, and nobody asks", "08:00:00", nil, true, journal.Synchronised, 30},
		{"hot, and dim anyway", "17:45:00", levels, true, journal.Synchronised, 20},
		{"hot, and the hour is not known", "08:00:00", levels, true, journal.Untrusted, 30},
		{"off", "12:00:00", levels, true, journal.Synchronised, control.LeaveBrightness},
	} {
		now := at(t, tt.now)
		got := control.Decide(control.Inputs{Now: now, Trust: tt.trust, Moment: schedule(t).At(now), Content: true, Levels: tt.levels, Hot: tt.hot})
		if got.Brightness != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got.Brightness, tt.want)
		}
	}
	early := []control.Level{{From: 6 * time.Hour, Percent: 80}, {From: 20 * time.Hour, Percent: 5}}
	now := at(t, "03:00:00")
	if got := control.Decide(control.Inputs{Now: now, Trust: journal.Untrusted, Levels: early}); got.Brightness != control.LeaveBrightness {
		t.Errorf("before the first level of an unknown day: %d", got.Brightness)
	}
	order := &control.Override{State: "on", Until: now.Add(time.Hour)}
	if got := control.Decide(control.Inputs{Now: now, Trust: journal.Signed, Moment: schedule(t).At(now), Local: order, Levels: early}); got.Brightness != 5 {
		t.Errorf("before the first level of the day: %d, want that of the evening before", got.Brightness)
	}
}

// bright is a display with brightness by the time of day, or without.
func bright(t *testing.T, levels []control.Level, scene func(s *stage)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "07:58:00"))
		s.panelOf = func() hal.Panel { return s.rig.Panel() }
		s.config = func(c *control.Config) { c.Brightness = levels }
		s.begin()
		time.Sleep(time.Minute)
		scene(s)
		s.end()
		s.close()
	})
}

func (s *stage) wantBrightness(what string, want int) {
	s.t.Helper()
	if got := s.rig.Snapshot().Brightness; got != want {
		s.t.Errorf("%s: brightness is %d, want %d", what, got, want)
	}
}

func TestBrightnessByTimeOfDay(t *testing.T) {
	levels := []control.Level{{From: 6 * time.Hour, Percent: 70}, {From: 8 * time.Hour, Percent: 90}}
	bright(t, levels, func(s *stage) {
		s.wantBrightness("in the morning", 70)
		time.Sleep(time.Minute + 15*time.Second)
		s.wantBrightness("from eight on", 90)
		s.rig.SetBrightness(15)
		time.Sleep(80 * time.Second)
		s.wantBrightness("after somebody with a remote control", 90)
		s.wantIncidents()
		s.rig.SetBrightness(15)
		s.rig.SetPanelFault(sim.Fixed, true)
		time.Sleep(3 * time.Minute)
		if st := s.control.State(); len(st.Alarms) != 1 || st.Alarms[0] != "brightness-disobeyed" || *st.Panel.Brightness != 15 || st.Player.State != "playing" {
			s.t.Errorf("a panel that disobeys: %v, %+v", st.Alarms, st.Panel)
		}
		s.rig.SetPanelFault(sim.Fixed, false)
		time.Sleep(12 * time.Minute)
		s.wantBrightness("after it obeys again", 90)
		s.wantIncidents("brightness-disobeyed", "brightness-disobeyed over")
	})
}

func TestBrightnessIsLeftAlone(t *testing.T) {
	bright(t, nil, func(s *stage) {
		s.rig.SetBrightness(45)
		time.Sleep(10 * time.Minute)
		s.wantBrightness("nobody asked for anything", 45)
		if st := s.control.State(); st.Panel.Brightness == nil || *st.Panel.Brightness != 45 {
			s.t.Errorf("the state says %v", st.Panel.Brightness)
		}
	})
}

// TestHeatDims: from the threshold on, until it is cooler by the band, and what it took is given back.
func TestHeatDims(t *testing.T) {
	for _, tt := range []struct {
		name               string
		levels             []control.Level
		before, hot, after int
	}{
		{"by the time of day", []control.Level{{From: 0, Percent: 80}}, 80, 30, 80},
		{"as somebody left it", nil, 65, 30, 65},
		{"dimmer already", nil, 20, 20, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bright(t, tt.levels, func(s *stage) {
				warm := func(celsius int64, rest time.Duration) {
					s.rig.SetTemperature(sim.CabinetSensor, physic.ZeroCelsius+physic.Temperature(celsius)*physic.Celsius)
					time.Sleep(rest)
				}
				s.rig.SetBrightness(tt.before)
				warm(64, 2*time.Minute)
				s.wantBrightness("warm", tt.before)
				warm(65, 15*time.Second)
				s.wantBrightness("hot", tt.hot)
				warm(61, 2*time.Minute)
				s.wantBrightness("hardly cooler", tt.hot)
				s.rig.SetSensorFault(sim.CabinetSensor, sim.SensorGone)
				warm(25, 2*time.Minute)
				s.wantBrightness("the sensor fails", tt.hot)
				s.rig.SetSensorFault(sim.CabinetSensor, sim.SensorGood)
				warm(60, 15*time.Second)
				s.wantBrightness("cool", tt.after)
				time.Sleep(5 * time.Minute)
				s.wantBrightness("cool for long", tt.after)
				if st := s.control.State(); st.Panel.Power != "on" || st.Want.Rule != "schedule" {
					s.t.Errorf("dimming did more: %+v", st)
				}
				s.wantIncidents("panel-hot", "sensor-faulty-cabinet", "panel-hot over", "sensor-faulty-cabinet over")
			})
		})
	}
}

// TestThePanelsOwnThermometer dims and cuts off as any other, but believes nothing at once that it is told on a line.
func TestThePanelsOwnThermometer(t *testing.T) {
	bright(t, nil, func(s *stage) {
		inside := func(celsius int64, rest time.Duration) {
			s.rig.SetTemperature(sim.PanelSensor, physic.ZeroCelsius+physic.Temperature(celsius)*physic.Celsius)
			time.Sleep(rest)
		}
		s.rig.SetSensorFault(sim.PanelSensor, sim.SensorStuck) // so that only the panel tells
		inside(30, 2*time.Minute)
		inside(66, 80*time.Second)
		s.wantBrightness("hot inside", 30)
		inside(150, 80*time.Second)
		if st := s.control.State(); st.Want.Rule != "schedule" || st.Panel.CelsiusX10 != nil {
			s.t.Errorf("what no panel has: %+v, %+v", st.Want, st.Panel)
		}
		s.wantBrightness("hot inside, as far as anybody knows", 30)
		inside(77, 80*time.Second)
		if st := s.control.State(); st.Want.Rule != "fire" || s.rig.Snapshot().RelayClosed {
			s.t.Errorf("at the cut-off inside: %+v", st.Want)
		}
		inside(30, 10*time.Minute)
		if err := s.control.ClearFire(s.t.Context(), "thử", "root"); err != nil {
			s.t.Error("a thermometer without mains keeps a person from clearing:", err)
		}
		time.Sleep(2 * time.Minute)
		if st := s.control.State(); st.Panel.Power != "on" {
			s.t.Errorf("not on again: %+v", st)
		}
	})
}

// A dimOnly panel does not tell its brightness.
type dimOnly struct{ all }

func (dimOnly) Brightness(context.Context) (int, error) { return 0, hal.ErrUnsupported }

// TestHeatGivesBackAfterARestart: what the heat took is given back by the next run too.
func TestHeatGivesBackAfterARestart(t *testing.T) {
	for _, want := range []int{90, 100} {
		bright(t, nil, func(s *stage) {
			if want == 100 { // nobody knows what it was
				s.panelOf = func() hal.Panel { return dimOnly{s.rig.Panel().(all)} }
				s.end()
				s.close()
				s.begin()
			}
			warm := func(celsius int64, rest time.Duration) {
				s.rig.SetTemperature(sim.CabinetSensor, physic.ZeroCelsius+physic.Temperature(celsius)*physic.Celsius)
				time.Sleep(rest)
			}
			s.rig.SetBrightness(90)
			warm(25, 5*time.Minute)
			warm(66, 2*time.Minute)
			s.wantBrightness("hot", 30)
			for range 2 {
				s.end()
				s.close()
				s.rig.SetSensorFault(sim.CabinetSensor, sim.SensorQuiet) // it takes its time to tell
				s.begin()
				for i := range 120 {
					if i == 30 {
						s.rig.SetSensorFault(sim.CabinetSensor, sim.SensorGood)
					}
					time.Sleep(time.Second)
					s.wantBrightness("hot after a restart", 30)
				}
			}
			s.end()
			s.close()
			warm(25, time.Hour)
			s.begin()
			time.Sleep(5 * time.Minute)
			s.wantBrightness("cool", want)
			s.rig.SetBrightness(50)
			time.Sleep(30 * time.Minute)
			s.end()
			s.close()
			s.begin()
			time.Sleep(30 * time.Minute)
			s.wantBrightness("left so by somebody", 50)
		})
	}
}
