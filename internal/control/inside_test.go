package control_test

import (
	"testing"
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
		{"it falls fast", []int{90, 90, 80, 80}, 80, 2},
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
