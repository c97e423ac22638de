package sim_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/sim"

	"periph.io/x/conn/v3/physic"
)

// runSensor runs the rig's sensors until the test ends and returns what they send. The channel is unbuffered,
// as in the daemon: a reader that lags holds them up.
func runSensor(t *testing.T, r *sim.Rig) <-chan hal.Reading {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := make(chan hal.Reading)
	done := make(chan error, 1)
	go func() { done <- r.Sensor().Run(ctx, c) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v, want context.Canceled", err)
		}
	})
	return c
}

// pending receives what the sensors have to say at this moment.
func pending(c <-chan hal.Reading) map[string]hal.Reading {
	got := map[string]hal.Reading{}
	for {
		synctest.Wait()
		select {
		case reading := <-c:
			got[reading.Sensor] = reading
		default:
			return got
		}
	}
}

func TestSensorsAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := pending(runSensor(t, sim.NewRig(sim.Config{})))
		now := time.Now()
		for _, want := range []hal.Reading{
			{Sensor: "mains", Kind: hal.Mains, Active: true},
			{Sensor: "smoke", Kind: hal.Smoke},
			{Sensor: "door", Kind: hal.Door},
			{Sensor: "tamper", Kind: hal.Tamper},
			{Sensor: "key", Kind: hal.Key},
			{Sensor: "meter", Kind: hal.Meter, Watts: 500 * physic.MilliWatt},
			{Sensor: "cabinet", Kind: hal.Temperature, Temperature: physic.ZeroCelsius + 25*physic.Celsius},
			{Sensor: "panel", Kind: hal.Temperature, Temperature: physic.ZeroCelsius + 30*physic.Celsius},
		} {
			want.Quality, want.At = hal.QualityGood, now
			if got[want.Sensor] != want {
				t.Errorf("got %+v, want %+v", got[want.Sensor], want)
			}
		}
		if len(got) != 8 {
			t.Errorf("%d sensors, want 8", len(got))
		}
	})
}

// TestSensorsSendChanges: at once, and nothing that did not change.
func TestSensorsSendChanges(t *testing.T) {
	hot := physic.ZeroCelsius + 80*physic.Celsius
	for _, test := range []struct {
		sensor string
		change func(*sim.Rig)
		is     func(hal.Reading) bool
	}{
		{sim.SmokeSensor, func(r *sim.Rig) { r.SetSmoke(true) }, func(x hal.Reading) bool { return x.Active }},
		{sim.TamperSensor, func(r *sim.Rig) { r.SetTamper(true) }, func(x hal.Reading) bool { return x.Active }},
		{sim.KeySensor, func(r *sim.Rig) { r.TurnKey(true) }, func(x hal.Reading) bool { return x.Active }},
		{sim.MeterSensor, func(r *sim.Rig) { r.SetPanelFault(sim.Glows, true) }, func(x hal.Reading) bool { return x.Watts == 120*physic.Watt }},
		{sim.DoorSensor, func(r *sim.Rig) { r.SetDoor(true) }, func(x hal.Reading) bool { return x.Active }},
		{sim.CabinetSensor, func(r *sim.Rig) { r.SetTemperature(sim.CabinetSensor, hot) }, func(x hal.Reading) bool { return x.Temperature == hot }},
		{sim.PanelSensor, func(r *sim.Rig) { r.SetTemperature(sim.PanelSensor, hot) }, func(x hal.Reading) bool { return x.Temperature == hot }},
		{sim.SmokeSensor, func(r *sim.Rig) { r.SetSensorFault(sim.SmokeSensor, sim.SensorGone) },
			func(x hal.Reading) bool {
				return x.Quality == hal.QualityUnknown && x.Reason != "" && x.Kind == hal.Smoke
			}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := sim.NewRig(sim.Config{})
			c := runSensor(t, r)
			pending(c)
			test.change(r)
			got := pending(c)
			if len(got) != 1 || !test.is(got[test.sensor]) {
				t.Errorf("after a change of %s: %+v", test.sensor, got)
			}
		})
	}
}

// TestMainsAndMeter: without mains nothing is drawn, which the meter tells too.
func TestMainsAndMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := sim.NewRig(sim.Config{})
		c := runSensor(t, r)
		pending(c)
		r.SetMains(false)
		got := pending(c)
		if len(got) != 2 || got[sim.MainsSensor].Active || got[sim.MeterSensor].Watts != 0 {
			t.Errorf("without mains: %+v", got)
		}
	})
}

// TestMeterFollowsTheLight: of the real panel, whatever it says of itself.
func TestMeterFollowsTheLight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := sim.NewRig(sim.Config{Lit: 200 * physic.Watt, Standby: 2 * physic.Watt})
		p := r.Panel()
		draws := func(what string, want physic.Power) {
			t.Helper()
			if got := r.Snapshot(); got.Draws != want || got.Lit != (want > 2*physic.Watt) {
				t.Errorf("%s: draws %v, lit %v", what, got.Draws, got.Lit)
			}
		}
		draws("off", 2*physic.Watt)
		switchOn(t, r)
		draws("on", 200*physic.Watt)
		r.SetBrightness(50)
		draws("at half brightness", 130*physic.Watt)
		r.Wear(50)
		draws("worn", 65*physic.Watt)
		r.SetPanelFault(sim.Black, true)
		if got, err := p.Power(t.Context()); got != hal.PowerOn || err != nil {
			t.Errorf("a black panel says %v, %v", got, err)
		}
		draws("black", 2*physic.Watt)
		r.SetPanelFault(sim.Black, false)
		r.SetPanelFault(sim.Glows, true)
		if err := p.SetPower(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		draws("glowing", 65*physic.Watt)
		r.SetMains(false)
		draws("without mains", 0)
	})
}

func TestSensorsRepeatThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := runSensor(t, sim.NewRig(sim.Config{}))
		pending(c)
		for range 3 {
			time.Sleep(10 * time.Second)
			if got := pending(c); len(got) != 8 {
				t.Errorf("%d sensors spoke within 10 s, want 8", len(got))
			}
		}
	})
}

func TestStuckSensor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := sim.NewRig(sim.Config{})
		c := runSensor(t, r)
		pending(c)
		r.SetSensorFault(sim.SmokeSensor, sim.SensorStuck)
		r.SetSmoke(true)
		time.Sleep(10 * time.Second)
		if got := pending(c)[sim.SmokeSensor]; got.Active || got.Quality != hal.QualityGood || got.At.IsZero() {
			t.Errorf("stuck sensor says %+v, want no smoke, in good faith", got)
		}
		r.SetSensorFault(sim.SmokeSensor, sim.SensorGood)
		if got := pending(c)[sim.SmokeSensor]; !got.Active {
			t.Errorf("sensor says %+v, want smoke", got)
		}
	})
}

func TestQuietSensor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := sim.NewRig(sim.Config{})
		c := runSensor(t, r)
		pending(c)
		r.SetSensorFault(sim.MainsSensor, sim.SensorQuiet)
		r.SetMains(false)
		time.Sleep(10 * time.Second)
		if got := pending(c); len(got) != 7 || got[sim.MainsSensor] != (hal.Reading{}) {
			t.Errorf("sensors said %+v, want nothing of mains", got)
		}
	})
}
