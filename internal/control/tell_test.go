package control_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/wire"
)

// of is the sensor of a state with that name, in one line; empty where there is none.
func of(s wire.State, name string) string {
	for _, x := range s.Sensors {
		if x.Name != name {
			continue
		}
		value := "-"
		if x.Value != nil {
			value = fmt.Sprint(*x.Value)
		}
		return x.Kind + " " + value + x.Unit + " " + x.Quality
	}
	return ""
}

// said takes the states that were worth sending at once.
func (s *stage) said() int {
	n := 0
	select {
	case <-s.control.Changed():
		n++
	default:
	}
	return n
}

// saidFor counts them for so long, looking twelve times a second.
func (s *stage) saidFor(d time.Duration, do func(i int)) int {
	n := s.said()
	for i := range int(d / time.Second) {
		do(i)
		for range 12 {
			time.Sleep(time.Second / 12)
			n += s.said()
		}
	}
	return n
}

// TestTheStateTellsItsSensors: each with its unit, what the panel sees and the relay among them, and no value that nobody
// can believe.
func TestTheStateTellsItsSensors(t *testing.T) {
	measured(t, func(s *stage) {
		time.Sleep(time.Minute)
		st := s.control.State()
		want := map[string]string{
			sim.MainsSensor: "mains 1 good", sim.SmokeSensor: "smoke 0 good", sim.DoorSensor: "door 0 good", sim.TamperSensor: "tamper 0 good",
			sim.KeySensor: "key 0 good", sim.CabinetSensor: "temperature 25°C good", sim.MeterSensor: of(st, sim.MeterSensor),
			sim.PanelSensor: "temperature 30°C good", "panel-inside": "temperature 30°C good", "panel-signal": "signal 1 good", "relay": "relay 1 good",
		}
		var w float64
		if _, err := fmt.Sscanf(want[sim.MeterSensor], "meter %fW good", &w); err != nil || w < 30 {
			s.t.Errorf("the meter says %q", want[sim.MeterSensor])
		}
		for name, say := range want {
			if got := of(st, name); got != say {
				s.t.Errorf("%s says %q, want %q", name, got, say)
			}
		}
		if len(st.Sensors) != len(want) {
			s.t.Errorf("%d sensors, want %d: %+v", len(st.Sensors), len(want), st.Sensors)
		}
		s.rig.SetSensorFault(sim.MeterSensor, sim.SensorGone)
		s.rig.SetPicture(false)
		s.rig.SetDoor(true)
		time.Sleep(2 * time.Minute)
		st = s.control.State()
		for name, say := range map[string]string{sim.MeterSensor: "meter - unknown", "panel-signal": "signal 0 good", sim.DoorSensor: "door 1 good"} {
			if got := of(st, name); got != say {
				s.t.Errorf("%s says %q, want %q", name, got, say)
			}
		}
		if packed, err := wire.EncodeState(st); err != nil {
			s.t.Error(err)
		} else if _, err := wire.ParseState(packed); err != nil {
			s.t.Error(err)
		}
		if err := s.orders.Local(s.t.Context(), wire.WishOff, time.Hour, "thử", "root"); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if got := of(s.control.State(), "panel-signal"); got != "" {
			s.t.Errorf("a panel that is off sees %q", got)
		}
	})
}

// TestWhatSensorsSayIsRarelyNews: a value that moves makes no state; a door does at once, and one that rattles one a minute,
// the last of which tells how it came to rest.
func TestWhatSensorsSayIsRarelyNews(t *testing.T) {
	measured(t, func(s *stage) {
		s.saidFor(5*time.Minute, func(int) {})
		if n := s.saidFor(10*time.Minute, func(i int) {
			s.rig.SetTemperature(sim.CabinetSensor, physic.ZeroCelsius+physic.Temperature(25+i%20)*physic.Celsius)
		}); n > 0 {
			s.t.Errorf("%d states for a temperature that moves", n)
		}
		if n := s.saidFor(10*time.Minute, func(i int) { s.rig.SetBrightness(50 + i%50) }); n > 0 {
			s.t.Errorf("%d states for watts that move", n)
		}
		s.rig.SetPanelFault(sim.Black, true)
		if n := s.saidFor(30*time.Second, func(int) {}); n != 1 {
			s.t.Errorf("%d states for watts that fall to standby", n)
		}
		s.rig.SetPanelFault(sim.Black, false)
		s.saidFor(5*time.Minute, func(int) {})
		s.rig.TurnKey(true)
		if n := s.saidFor(3*time.Second, func(int) {}); n != 1 {
			s.t.Errorf("%d states for a turned key", n)
		}
		if n := s.saidFor(10*time.Minute, func(i int) { s.rig.TurnKey(i%2 == 0) }); n < 9 || n > 11 {
			s.t.Errorf("%d states in ten minutes of a key that rattles", n)
		}
		s.rig.TurnKey(true)
		if n := s.saidFor(2*time.Minute, func(int) {}); n > 1 || of(s.control.State(), sim.KeySensor) != "key 1 good" {
			s.t.Errorf("%d states after it", n)
		}
		s.rig.SetSensorFault(sim.CabinetSensor, sim.SensorGone)
		if n := s.saidFor(40*time.Second, func(int) {}); n != 1 {
			s.t.Errorf("%d states for a thermometer that is gone", n)
		}
	})
}

// TestWhatHasNoRoomIsLeftOut: the state is bounded whatever hangs on the controller, and what guards people comes first.
func TestWhatHasNoRoomIsLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.panelOf = func() hal.Panel { return s.rig.Panel() }
		s.config = func(c *control.Config) {
			c.Sensors = append(c.Sensors, many(100))
			c.Relay = stuck{}
		}
		s.begin()
		time.Sleep(2 * time.Minute)
		st := s.control.State()
		if len(st.Sensors) != wire.MaxSensors {
			t.Errorf("%d sensors", len(st.Sensors))
		}
		var kinds []string
		for _, x := range st.Sensors {
			kinds = append(kinds, x.Kind)
		}
		first := []string{"signal", "relay", "smoke", "mains", "door", "tamper", "key", "meter", "temperature"}
		if got := slices.Compact(slices.Clone(kinds)); !slices.Equal(got[:min(len(got), 9)], first) {
			t.Errorf("in the order %v", got)
		}
		if got := of(st, "relay"); got != "relay - unknown" {
			t.Errorf("a relay that does not move says %q", got)
		}
		if packed, err := wire.EncodeState(st); err != nil {
			t.Error(err)
		} else if _, err := wire.ParseState(packed); err != nil {
			t.Error(err)
		}
		s.end()
		s.close()
	})
}

// many is a row of fans of which each tells at length why it says nothing.
type many int

func (m many) Run(ctx context.Context, readings chan<- hal.Reading) error {
	for {
		for i := range int(m) {
			r := hal.Reading{Sensor: fmt.Sprintf("fan-%03d", i), Kind: hal.Fan, Reason: fmt.Sprintf("%0900d", i)}
			select {
			case readings <- r:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-time.After(10 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stuck is a relay whose feedback contact does not move.
type stuck struct{}

func (stuck) Set(context.Context, bool) error { return errors.New("the feedback contact did not move") }
