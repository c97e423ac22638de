package control_test

import (
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
)

func TestWhatThePanelMeasuresIsBelieved(t *testing.T) {
	const unknown = -1
	for _, tt := range []struct {
		name    string
		answers []int
		want    int // believed in the end, °C; unknown
		soons   int
	}{
		{"at rest", []int{30, 31, 30}, 30, 0},
		{"one odd answer", []int{30, 90, 30, 30}, 30, 2},
		{"odd answers in turn", []int{30, 90, 30, 90, 30, 90, 30}, 30, 2},
		{"a fire", []int{30, 52, 60, 67, 74, 81}, 81, 3},
		{"a fire beyond all", []int{81, 81, 95, 95, 116, 124}, 124, 3},
		{"hot from the beginning", []int{70, 70}, 70, 1},
		{"one odd answer of a warm one", []int{70, 70, 100}, 70, 2},
		{"it falls fast", []int{60, 60, 90, 90, 80, 80}, 80, 3},
		{"hot as soon as it is on, and no more than that", []int{95, 95, 95, 96, 95, 99, 99}, unknown, 1},
		{"hot as soon as it is on, beyond all", []int{115, 115, 115}, unknown, 1},
		{"hot as soon as it is on, and warming", []int{72, 72, 75, 77}, 77, 1},
		{"hot as soon as it is on, and a fire", []int{80, 80, 95, 95}, 95, 2},
		{"hot as soon as it is on, and cooling", []int{74, 74, 72, 68, 72}, 72, 1},
		{"no thermometer", []int{255, 255, 255}, unknown, 2},
		{"one answer beyond all", []int{30, 116}, unknown, 1},
		{"no thermometer any more", []int{30, 255, 255, 255}, unknown, 2},
		{"nonsense for ever", []int{30, 90, 30, 95, 30, 60, 30, 90}, 30, 2},
	} {
		got, soons := control.Inside(tt.answers...)
		if good := got.Quality == hal.QualityGood; good != (tt.want != unknown) || good && got.Temperature != physic.ZeroCelsius+physic.Temperature(tt.want)*physic.Celsius || soons != tt.soons {
			t.Errorf("%s: %+v, asked again %d times", tt.name, got, soons)
		}
	}
}

// TestAThermometerThatLies: one that tells 95 °C for ever cuts the display off when it begins to, and not again after a
// person has cleared that; where the site file says that it lies it never does.
func TestAThermometerThatLies(t *testing.T) {
	lies := func(s *stage) {
		s.rig.SetSensorFault(sim.PanelSensor, sim.SensorStuck) // so that only the panel tells
		s.rig.SetTemperature(sim.PanelSensor, physic.ZeroCelsius+95*physic.Celsius)
	}
	talk(t, "07:30:00", func(s *stage, _ *talker) {
		time.Sleep(5 * time.Minute)
		lies(s)
		time.Sleep(5 * time.Minute)
		if why := s.orders.Fire(); !strings.Contains(why, `panel.thermometer = "ignore"`) {
			s.t.Errorf("fire %q does not say what to do about a thermometer that lies", why)
		}
		if err := s.control.ClearFire(s.t.Context(), "thử", "root"); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		st := s.control.State()
		if st.Want.Rule != "schedule" || st.Panel.Power != "on" || !slices.Contains(st.Alarms, "sensor-faulty-panel-inside") {
			s.t.Errorf("after a person: %+v, panel %s, alarms %s", st.Want, st.Panel.Power, st.Alarms)
		}
	})
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.panelOf = func() hal.Panel { return s.rig.Panel() }
		s.config = func(c *control.Config) { c.InsideLies = true }
		s.begin()
		time.Sleep(5 * time.Minute)
		lies(s)
		time.Sleep(30 * time.Minute)
		if st := s.control.State(); st.Want.Rule != "schedule" || slices.Contains(st.Alarms, "fire") || st.Panel.CelsiusX10 != nil {
			t.Errorf("not heeded: %+v, %+v, alarms %s", st.Want, st.Panel, st.Alarms)
		}
		s.end()
		s.close()
	})
}

// TestAPanelThatHeatsFast is dark before it is at 90 °C, and everything else is asked meanwhile.
func TestAPanelThatHeatsFast(t *testing.T) {
	talk(t, "07:30:00", func(s *stage, p *talker) {
		s.rig.SetSensorFault(sim.PanelSensor, sim.SensorStuck) // so that only the panel tells
		time.Sleep(5 * time.Minute)
		for c := 52; c < 90; c += 7 {
			s.rig.SetTemperature(sim.PanelSensor, physic.ZeroCelsius+physic.Temperature(c)*physic.Celsius)
			time.Sleep(time.Minute)
		}
		if s.orders.Fire() == "" {
			s.t.Errorf("no fire: %+v", s.control.State().Panel)
		}
	})
}
