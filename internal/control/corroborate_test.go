package control_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

func TestMeterSays(t *testing.T) {
	good := func(w physic.Power) hal.Reading {
		return hal.Reading{Kind: hal.Meter, Quality: hal.QualityGood, Watts: w}
	}
	measured := control.Meter{Lit: 60 * physic.Watt, Dark: 5 * physic.Watt}
	for _, tt := range []struct {
		name  string
		meter control.Meter
		r     hal.Reading
		want  control.Draw
	}{
		{"lit", measured, good(60 * physic.Watt), control.DrawLit},
		{"standby", measured, good(5 * physic.Watt), control.DrawDark},
		{"between", measured, good(30 * physic.Watt), control.DrawUnknown},
		{"nothing", measured, good(0), control.DrawDark},
		{"faulty", measured, hal.Reading{Kind: hal.Meter}, control.DrawUnknown},
		{"faulty with a value", measured, hal.Reading{Kind: hal.Meter, Watts: 100 * physic.Watt}, control.DrawUnknown},
		{"no meter", measured, hal.Reading{}, control.DrawUnknown},
		{"below nothing", measured, good(-physic.Watt), control.DrawUnknown},
		{"another sensor", measured, hal.Reading{Kind: hal.Temperature, Quality: hal.QualityGood}, control.DrawUnknown},
		{"nobody measured, much", control.Meter{}, good(500 * physic.Watt), control.DrawUnknown},
		{"nobody measured, little", control.Meter{}, good(2 * physic.Watt), control.DrawDark},
		{"nobody measured, a small panel", control.Meter{}, good(3 * physic.Watt), control.DrawUnknown},
		{"only lit measured", control.Meter{Lit: 60 * physic.Watt}, good(physic.Watt), control.DrawUnknown},
	} {
		if got := tt.meter.Says(tt.r); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCorroborate(t *testing.T) {
	now := time.Now()
	on := control.PanelSeen{Power: hal.PowerOn, ReadAt: now.Add(-5 * time.Second)}
	off := control.PanelSeen{Power: hal.PowerOff, ReadAt: now.Add(-5 * time.Second)}
	with := func(p control.PanelSeen, change func(*control.PanelSeen)) control.PanelSeen {
		change(&p)
		return p
	}
	unseen := func(p *control.PanelSeen) {
		p.Told.Signal = control.Signal{At: now.Add(-time.Second), SeenAt: now.Add(-time.Minute)}
	}
	blindOn := control.PanelSeen{Blind: true, Obeyed: true}
	blindOff := control.PanelSeen{Blind: true, OffAt: now.Add(-time.Hour)}
	for _, tt := range []struct {
		name   string
		wantOn bool
		panel  control.PanelSeen
		draw   control.Draw
		want   control.Finding
	}{
		{"on and lit", true, on, control.DrawLit, control.Agreed},
		{"on and nobody knows", true, on, control.DrawUnknown, control.Agreed},
		{"on and dark", true, on, control.DrawDark, control.DarkButOn},
		{"on and dark, though nobody wants it on", false, on, control.DrawDark, control.DarkButOn},
		{"off and dark", false, off, control.DrawDark, control.Agreed},
		{"off and nobody knows", false, off, control.DrawUnknown, control.Agreed},
		{"off and lit", false, off, control.DrawLit, control.LitButOff},
		{"off by itself, and lit", true, off, control.DrawLit, control.LitButOff},
		{"read too long ago", true, with(on, func(p *control.PanelSeen) { p.ReadAt = now.Add(-time.Minute) }), control.DrawDark, control.Agreed},
		{"still settling", true, with(on, func(p *control.PanelSeen) { p.SettlesAt = now.Add(time.Second) }), control.DrawDark, control.Agreed},
		{"warming", true, with(on, func(p *control.PanelSeen) { p.Power = hal.PowerWarming }), control.DrawDark, control.Agreed},
		{"silent", true, with(on, func(p *control.PanelSeen) { p.Power = hal.PowerUnknown }), control.DrawDark, control.Agreed},
		{"blind, told on, lit", true, blindOn, control.DrawLit, control.Agreed},
		{"blind, told on, dark", true, blindOn, control.DrawDark, control.DarkButOn},
		{"blind, told on, nobody knows", true, blindOn, control.DrawUnknown, control.Agreed},
		{"blind, told off, lit", false, blindOff, control.DrawLit, control.LitButOff},
		{"blind, told off, dark", false, blindOff, control.DrawDark, control.Agreed},
		{"blind, never told", false, control.PanelSeen{Blind: true}, control.DrawLit, control.Agreed},
		{"blind, and did not take it", true, control.PanelSeen{Blind: true}, control.DrawDark, control.Agreed},
		{"no signal", true, with(on, unseen), control.DrawLit, control.SignalLost},
		{"no signal and dark: the light first", true, with(on, unseen), control.DrawDark, control.DarkButOn},
		{"no signal while off", false, with(off, unseen), control.DrawDark, control.Agreed},
		{"no signal, long ago", true, with(on, func(p *control.PanelSeen) { p.Told.Signal.At = now.Add(-2 * time.Hour) }), control.DrawLit, control.SignalLost},
		{"signal", true, with(on, func(p *control.PanelSeen) { p.Told.Signal = control.Signal{Present: true, At: now, SeenAt: now} }), control.DrawLit, control.Agreed},
		{"blind, no signal", true, with(blindOn, unseen), control.DrawUnknown, control.SignalLost},
	} {
		if got := control.Corroborate(now, tt.wantOn, tt.panel, tt.draw); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// measured is a display whose panel can do everything, and whose watts somebody measured.
func measured(t *testing.T, scene func(s *stage)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.panelOf = func() hal.Panel { return s.rig.Panel() }
		s.config = func(c *control.Config) { c.Meter = control.Meter{Lit: 30 * physic.Watt, Dark: 5 * physic.Watt} }
		s.begin()
		time.Sleep(time.Minute)
		scene(s)
		s.end()
		s.close()
	})
}

// incidents lists what was opened and closed.
func (s *stage) incidents() []string {
	s.t.Helper()
	time.Sleep(5 * time.Second) // until they are written
	records, err := s.journal.Pending(s.t.Context(), 10000)
	if err != nil {
		s.t.Fatal(err)
	}
	var all []string
	for _, r := range records {
		if r.Kind != journal.KindIncident {
			continue
		}
		var inc journal.Incident
		if err := json.Unmarshal(r.Body, &inc); err != nil {
			s.t.Fatal(err)
		}
		if inc.Over {
			inc.Code += " over"
		}
		all = append(all, inc.Code)
	}
	return all
}

func (s *stage) wantIncidents(want ...string) {
	s.t.Helper()
	if got := s.incidents(); !slices.Equal(got, want) {
		s.t.Errorf("incidents are %s, want %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

// TestContradictions: ten minutes of each, what is lost to it, and what a person hears.
func TestContradictions(t *testing.T) {
	for _, tt := range []struct {
		name        string
		begin, end  func(*stage)
		cause       journal.Cause
		least, most int64 // of the ten minutes, with what the last proof before does not cover
		incidents   []string
	}{
		{"black", func(s *stage) { s.rig.SetPanelFault(sim.Black, true) }, func(s *stage) { s.rig.SetPanelFault(sim.Black, false) },
			journal.CauseContradicted, 598, 612, []string{"panel-dark-but-on", "panel-dark-but-on over"}},
		{"no picture on the input", func(s *stage) { s.rig.SetPicture(false) }, func(s *stage) { s.rig.SetPicture(true) },
			journal.CauseNoSignal, 598, 665, []string{"no-signal", "no-signal over"}},
		{"stale, and without power", func(s *stage) { s.rig.SetPanelFault(sim.StaleState, true); s.rig.LosePower() }, func(s *stage) { s.rig.SetPanelFault(sim.StaleState, false) },
			journal.CauseContradicted, 598, 611, []string{"panel-dark-but-on", "panel-dark-but-on over"}},
		{"meter gone", func(s *stage) { s.rig.SetSensorFault(sim.MeterSensor, sim.SensorGone) }, func(s *stage) { s.rig.SetSensorFault(sim.MeterSensor, sim.SensorGood) },
			journal.CauseContradicted, 0, 0, nil},
		{"meter quiet", func(s *stage) { s.rig.SetSensorFault(sim.MeterSensor, sim.SensorQuiet) }, func(s *stage) { s.rig.SetSensorFault(sim.MeterSensor, sim.SensorGood) },
			journal.CauseContradicted, 0, 0, nil},
		{"dim, not dark", func(s *stage) { s.rig.SetBrightness(0) }, func(s *stage) { s.rig.SetBrightness(100) },
			journal.CauseContradicted, 0, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			measured(t, func(s *stage) {
				time.Sleep(2 * time.Minute)
				before := s.control.State().Airtime
				tt.begin(s)
				time.Sleep(10 * time.Minute)
				during := s.control.State()
				tt.end(s)
				time.Sleep(3 * time.Minute)
				after := s.control.State().Airtime
				if got := s.lost()[tt.cause]; got < tt.least || got > tt.most {
					s.t.Errorf("%d s are lost to %s: %+v", got, tt.cause, after)
				}
				if owed := after.RequiredS - before.RequiredS; owed < 779 || owed > 781 {
					s.t.Errorf("%d s were owed in 13 minutes", owed)
				}
				if lit := tt.most == 0; (during.Dark() == "") != lit {
					s.t.Errorf("the state says of its darkness %q", during.Dark())
				}
				s.wantIncidents(tt.incidents...)
			})
		})
	}
}

// TestAMeterMayWaitForItsPulses: after a start in standby the next pulses are minutes apart, which is no fault for two hours.
func TestAMeterMayWaitForItsPulses(t *testing.T) {
	measured(t, func(s *stage) {
		s.rig.SetSensorFault(sim.MeterSensor, sim.SensorGone)
		time.Sleep(119 * time.Minute)
		s.wantIncidents()
		time.Sleep(2 * time.Minute)
		s.wantIncidents("sensor-faulty-meter")
		s.rig.SetSensorFault(sim.MeterSensor, sim.SensorGood)
		time.Sleep(time.Minute)
		s.wantIncidents("sensor-faulty-meter", "sensor-faulty-meter over")
	})
}

// TestAMeterIsSilentAtNight: a panel in standby draws so little that its pulses are hours apart. That is no fault until the
// panel has been on again for two hours, and one that was a fault before is not over by that.
func TestAMeterIsSilentAtNight(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "21:50:00"))
		s.begin()
		time.Sleep(time.Minute)
		s.rig.SetSensorFault(sim.MeterSensor, sim.SensorGone)
		dark := time.Duration(0)
		for ; dark < 3*time.Hour || s.control.State().Want.Panel == "off"; time.Sleep(time.Minute) {
			if s.control.State().Want.Panel == "off" {
				dark += time.Minute
			}
		}
		s.wantIncidents()
		time.Sleep(2 * time.Hour)
		s.wantIncidents("sensor-faulty-meter")
		time.Sleep(15 * time.Hour)
		s.wantIncidents("sensor-faulty-meter")
		s.end()
		s.close()
	})
}

// TestBrieflyDarkIsNothing: a meter's word is a minute old.
func TestBrieflyDarkIsNothing(t *testing.T) {
	measured(t, func(s *stage) {
		for range 5 {
			s.rig.SetPanelFault(sim.Black, true)
			time.Sleep(50 * time.Second)
			s.rig.SetPanelFault(sim.Black, false)
			time.Sleep(20 * time.Second)
		}
		if got := s.lost()[journal.CauseContradicted]; got != 0 {
			s.t.Errorf("%d s are lost", got)
		}
		s.wantIncidents()
	})
}

// TestAMeterVerifiesABlindPanel: it is on air while the meter says lit, unverified while that says nothing, and lost
// while it says dark.
func TestAMeterVerifiesABlindPanel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.rig.SetPanelFault(sim.Blind, true)
		s.panelOf = func() hal.Panel { return s.rig.Panel() }
		s.config = func(c *control.Config) { c.Meter = control.Meter{Lit: 30 * physic.Watt, Dark: 5 * physic.Watt} }
		s.begin()
		time.Sleep(10 * time.Minute)
		if a := s.control.State().Airtime; a.DeliveredS < 585 || a.UnverifiedS > 10 {
			t.Errorf("lit by the meter: %+v", a)
		}
		s.rig.SetSensorFault(sim.MeterSensor, sim.SensorGone)
		time.Sleep(10 * time.Minute)
		if a := s.control.State().Airtime; a.UnverifiedS < 595 || a.UnverifiedS > 615 {
			t.Errorf("without a meter: %+v", a)
		}
		s.rig.SetSensorFault(sim.MeterSensor, sim.SensorGood)
		time.Sleep(time.Minute)
		s.rig.LosePower()
		time.Sleep(4 * time.Minute) // it is told again after five
		if got := s.lost()[journal.CausePanelOff]; got < 235 || got > 245 {
			t.Errorf("%d s are lost to a panel that lost its power: %+v", got, s.control.State().Airtime)
		}
		s.end()
		s.close()
	})
}

// TestABlindPanelThatGlowsIsToldAgain: wanted off, told off, and it draws what a lit one does.
func TestABlindPanelThatGlowsIsToldAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.rig.SetPanelFault(sim.Blind, true)
		s.config = func(c *control.Config) { c.Meter = control.Meter{Lit: 30 * physic.Watt, Dark: 5 * physic.Watt} }
		s.begin()
		time.Sleep(time.Minute)
		s.rig.SetPanelFault(sim.Disobeys, true)
		if err := s.orders.Local(s.t.Context(), wire.WishOff, time.Hour, "thử", "root"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		s.panel.take()
		time.Sleep(4 * time.Minute)
		if got := s.panel.take(); len(got) < 3 || len(got) > 5 || slices.Contains(got, "on") {
			t.Errorf("in four minutes it was told %v", got)
		}
		s.rig.SetPanelFault(sim.Disobeys, false)
		time.Sleep(2 * time.Minute)
		if r := s.rig.Snapshot(); r.Lit {
			t.Errorf("it is still lit: %s", r)
		}
		s.panel.take()
		time.Sleep(4 * time.Minute)
		if got := s.panel.take(); len(got) > 1 {
			t.Errorf("dark, and told again: %v", got)
		}
		s.wantIncidents("panel-lit-but-off", "panel-lit-but-off over")
		s.end()
		s.close()
	})
}

// TestWhatThePanelTells comes into the state and is forgotten when it goes off; faults are incidents.
func TestWhatThePanelTells(t *testing.T) {
	measured(t, func(s *stage) {
		time.Sleep(6 * time.Minute)
		st := s.control.State()
		if st.Panel.CelsiusX10 == nil || *st.Panel.CelsiusX10 != 300 || st.Panel.OnSeconds != 1000*3600 || st.Panel.Brightness == nil || *st.Panel.Brightness != 100 {
			s.t.Errorf("the panel tells %+v", st.Panel)
		}
		s.rig.SetFaults("lamp", "fan")
		s.rig.SetTamper(true)
		time.Sleep(6 * time.Minute)
		if st := s.control.State(); !slices.Equal(st.Alarms, []string{"panel-fault", "tamper"}) {
			s.t.Errorf("alarms are %v", st.Alarms)
		}
		s.rig.SetFaults()
		s.rig.SetTamper(false)
		time.Sleep(6 * time.Minute)
		s.rig.SetPanelFault(sim.Silent, true)
		time.Sleep(10 * time.Minute)
		if st := s.control.State(); !slices.Equal(st.Alarms, []string{"panel-silent"}) {
			s.t.Errorf("alarms of a silent panel are %v", st.Alarms)
		}
		s.rig.SetPanelFault(sim.Silent, false)
		if err := s.orders.Local(s.t.Context(), wire.WishOff, time.Hour, "thử", "root"); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		st = s.control.State()
		if st.Panel.CelsiusX10 != nil || st.Panel.Brightness != nil || st.Panel.OnSeconds == 0 || len(st.Alarms) > 0 {
			s.t.Errorf("a panel that is off tells %+v, alarms %v", st.Panel, st.Alarms)
		}
		s.wantIncidents("tamper", "panel-fault", "tamper over", "panel-fault over", "panel-silent", "panel-silent over")
	})
}

// TestNoSignalIsLostFromTheLastSight: what was claimed between the last time the panel saw a picture and the moment it was
// asked again is taken back, whenever in between the picture went.
func TestNoSignalIsLostFromTheLastSight(t *testing.T) {
	measured(t, func(s *stage) {
		for phase := range 8 {
			time.Sleep(2*time.Minute + time.Duration(phase)*7*time.Second)
			before := s.lost()[journal.CauseNoSignal]
			s.rig.SetPicture(false)
			time.Sleep(2 * time.Minute)
			if got := s.lost()[journal.CauseNoSignal] - before; got < 119 || got > 120+36 {
				s.t.Errorf("phase %d: %d s of two minutes are lost", phase, got)
			}
			s.rig.SetPicture(true)
		}
	})
}
