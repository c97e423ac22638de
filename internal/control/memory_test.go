package control_test

import (
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
)

// TestARestartForgetsNoProof: what puts the light out restarts the daemon too. What the meter and the panel have told before
// holds for the run after.
func TestARestartForgetsNoProof(t *testing.T) {
	measured := control.Meter{Lit: 30 * physic.Watt, Dark: 5 * physic.Watt}
	for _, tt := range []struct {
		name          string
		meter, then   control.Meter // before and after the restart
		fail          func(*stage)
		cause         journal.Cause
		lost, blind   int64 // at least, of an hour
		incident      string
		begunInFailed bool // nobody ever saw it well
	}{
		{"black", measured, measured, func(s *stage) { s.rig.SetPanelFault(sim.Black, true) },
			journal.CauseContradicted, 3580, 0, "panel-dark-but-on", false},
		{"no picture", measured, measured, func(s *stage) { s.rig.SetPicture(false) },
			journal.CauseNoSignal, 3580, 0, "no-signal", false},
		{"black, and nobody measured it", control.Meter{}, control.Meter{}, func(s *stage) { s.rig.SetPanelFault(sim.Black, true) },
			journal.CauseContradicted, 3580, 0, "panel-dark-but-on", false},
		{"black, and measured anew", measured, control.Meter{Lit: 40 * physic.Watt, Dark: 5 * physic.Watt}, func(s *stage) { s.rig.SetPanelFault(sim.Black, true) },
			journal.CauseContradicted, 0, 3580, "panel-dark-but-on", false},
		{"black by a meter measured anew, and without the picture that it saw", measured, control.Meter{Lit: 40 * physic.Watt, Dark: 5 * physic.Watt},
			func(s *stage) { s.rig.SetPicture(false); s.rig.SetPanelFault(sim.Black, true) },
			journal.CauseNoSignal, 3580, 0, "no-signal", false},
		{"black from the first day on", measured, measured, func(s *stage) { s.rig.SetPanelFault(sim.Black, true) },
			journal.CauseContradicted, 0, 3580, "panel-dark-but-on", true},
		{"no picture from the first day on", measured, measured, func(s *stage) { s.rig.SetPicture(false) },
			journal.CauseNoSignal, 0, 3580, "no-signal", true},
		{"no picture from the first day on, and it lacks its light since", measured, measured,
			func(s *stage) { s.rig.SetPicture(false); s.rig.SetPanelFault(sim.Black, true) },
			journal.CauseNoSignal, 0, 3580, "panel-dark-but-on", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, path, at(t, "08:00:00"))
				s.panelOf = func() hal.Panel { return s.rig.Panel() }
				meter := tt.meter
				s.config = func(c *control.Config) { c.Meter = meter }
				if tt.begunInFailed {
					tt.fail(s)
				}
				s.begin()
				time.Sleep(10 * time.Minute)
				before := s.control.State().Airtime
				lost := s.lost()[tt.cause]
				s.end()
				s.close()
				tt.fail(s)
				meter = tt.then
				s.begin()
				time.Sleep(time.Hour)
				st := s.control.State()
				if got := s.lost()[tt.cause] - lost; got < tt.lost {
					t.Errorf("%d s are lost to %s: %+v", got, tt.cause, st.Airtime)
				}
				if got := st.Airtime.UnverifiedS - before.UnverifiedS; got < tt.blind {
					t.Errorf("%d s are unverified: %+v", got, st.Airtime)
				}
				if got := st.Airtime.DeliveredS - before.DeliveredS; got > 1 { // the second in which the first run ended
					t.Errorf("%d s are on air in the dark: %+v", got, st.Airtime)
				}
				if !slices.Contains(st.Alarms, tt.incident) {
					t.Errorf("alarms are %v", st.Alarms)
				}
				s.end()
				s.close()
			})
		})
	}
}

// TestAMeterInNoCircuit proves nothing where nobody measured what the panel draws.
func TestAMeterInNoCircuit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.panelOf = func() hal.Panel { return s.rig.Panel() }
		s.rig.SetPanelFault(sim.Black, true) // 0.5 W, as of a shunt that is in no circuit
		s.begin()
		time.Sleep(time.Hour)
		if st := s.control.State(); st.Airtime.DeliveredS < 3580 || len(st.Alarms) > 0 {
			t.Errorf("%+v, alarms %v", st.Airtime, st.Alarms)
		}
		s.end()
		s.close()
	})
}
