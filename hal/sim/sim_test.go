package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/sim"

	"periph.io/x/conn/v3/physic"
)

// The panel as such is judged by the suite in haltest. Here is what stands around it.

func switchOn(t *testing.T, r *sim.Rig) {
	t.Helper()
	p := r.Panel()
	if err := p.SetPower(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	time.Sleep(p.(hal.Settler).Settle(true))
	if got := r.Snapshot().Panel; got != hal.PowerOn {
		t.Fatalf("panel is %v, want on", got)
	}
}

func TestWarmUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := sim.NewRig(sim.Config{WarmUp: 10 * time.Second, Latency: -1})
		p := r.Panel()
		if err := p.SetPower(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			after time.Duration
			want  hal.Power
		}{{0, hal.PowerWarming}, {9999 * time.Millisecond, hal.PowerWarming}, {time.Millisecond, hal.PowerOn}} {
			time.Sleep(step.after)
			if got, err := p.Power(t.Context()); err != nil || got != step.want {
				t.Errorf("Power: %v, %v, want %v", got, err, step.want)
			}
		}
	})
}

// TestSupply: the panel needs mains and relay, answers nothing without them, and comes back as configured.
func TestSupply(t *testing.T) {
	mains := func(r *sim.Rig, fed bool) { r.SetMains(fed) }
	relay := func(r *sim.Rig, fed bool) { r.Relay().Set(context.Background(), fed) }
	for _, test := range []struct {
		name  string
		cut   func(*sim.Rig, bool)
		after sim.AfterMains
		want  hal.Power
	}{
		{"mains, stays off", mains, sim.StaysOff, hal.PowerOff},
		{"mains, returns", mains, sim.ReturnsAsWas, hal.PowerOn},
		{"relay, stays off", relay, sim.StaysOff, hal.PowerOff},
		{"relay, returns", relay, sim.ReturnsAsWas, hal.PowerOn},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := sim.NewRig(sim.Config{AfterMains: test.after})
				switchOn(t, r)
				p := r.Panel()
				test.cut(r, false)
				if got := r.Snapshot().Panel; got != hal.PowerOff {
					t.Errorf("panel without supply is %v", got)
				}
				if got, err := p.Power(t.Context()); got != hal.PowerUnknown || !errors.Is(err, hal.ErrSilent) {
					t.Errorf("Power without supply: %v, %v, want unknown and ErrSilent", got, err)
				}
				if err := p.SetPower(t.Context(), true); !errors.Is(err, hal.ErrSilent) {
					t.Errorf("SetPower without supply: %v, want ErrSilent", err)
				}
				test.cut(r, true)
				time.Sleep(time.Minute)
				if got, err := p.Power(t.Context()); got != test.want || err != nil {
					t.Errorf("Power after the supply is back: %v, %v, want %v", got, err, test.want)
				}
			})
		})
	}
}

// TestBothFeedsAreNeeded: the panel returns only when the second of them is back.
func TestBothFeedsAreNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := sim.NewRig(sim.Config{AfterMains: sim.ReturnsAsWas})
		switchOn(t, r)
		r.SetMains(false)
		if err := r.Relay().Set(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		r.SetMains(true)
		time.Sleep(time.Minute)
		if got := r.Snapshot().Panel; got != hal.PowerOff {
			t.Errorf("panel behind an open relay is %v", got)
		}
		if err := r.Relay().Set(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := r.Snapshot().Panel; got != hal.PowerOn {
			t.Errorf("panel is %v, want on", got)
		}
	})
}

func TestOffBeforeTheCutStaysOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := sim.NewRig(sim.Config{AfterMains: sim.ReturnsAsWas})
		r.SetMains(false)
		r.SetMains(true)
		time.Sleep(time.Minute)
		if got := r.Snapshot().Panel; got != hal.PowerOff {
			t.Errorf("panel is %v, want off", got)
		}
	})
}

// TestStaleState is the one fault a driver cannot see through.
func TestStaleState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := sim.NewRig(sim.Config{})
		switchOn(t, r)
		r.SetPanelFault(sim.StaleState, true)
		r.LosePower()
		if got, err := r.Panel().Power(t.Context()); got != hal.PowerOn || err != nil {
			t.Errorf("Power of a stale panel: %v, %v, want on", got, err)
		}
		r.SetPanelFault(sim.StaleState, false)
		if got, err := r.Panel().Power(t.Context()); got != hal.PowerOff || err != nil {
			t.Errorf("Power: %v, %v, want off", got, err)
		}
	})
}

func TestRelayRefusesAnEndedContext(t *testing.T) {
	r := sim.NewRig(sim.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Relay().Set(ctx, false); !errors.Is(err, context.Canceled) {
		t.Errorf("Set: %v, want context.Canceled", err)
	}
	if !r.Snapshot().RelayClosed {
		t.Error("the relay opened")
	}
}

func TestSnapshotTellsAll(t *testing.T) {
	r := sim.NewRig(sim.Config{})
	r.SetMains(false)
	r.SetDoor(true)
	r.SetTemperature(sim.CabinetSensor, physic.ZeroCelsius+80*physic.Celsius)
	r.SetPanelFault(sim.Refuses, true)
	r.SetSensorFault(sim.SmokeSensor, sim.SensorGone)
	got := r.Snapshot().String()
	for _, want := range []string{"panel off", "mains lost", "relay closed", "door open", "smoke no", "cabinet 80°C", "panel refuses", "smoke sensor gone"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}

// TestPanelTellsMore is what the suite in haltest does not ask of every panel.
func TestPanelTellsMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := sim.NewRig(sim.Config{})
		switchOn(t, r)
		p := r.Panel()
		r.SetPicture(false)
		r.SetFaults("fan", "lamp")
		time.Sleep(3 * time.Hour)
		if present, err := p.(hal.SignalDetector).Signal(t.Context()); present || err != nil {
			t.Errorf("Signal: %v, %v", present, err)
		}
		if faults, err := p.(hal.Diagnoser).Diagnose(t.Context()); len(faults) != 2 || err != nil {
			t.Errorf("Diagnose: %v, %v", faults, err)
		}
		if hours, err := p.(hal.HourMeter).Hours(t.Context()); hours != 1003 || err != nil {
			t.Errorf("Hours: %v, %v", hours, err)
		}
		if err := p.(hal.Speaker).SetVolume(t.Context(), 20); err != nil {
			t.Error(err)
		}
		if err := p.(hal.Speaker).SetVolume(t.Context(), 101); err == nil {
			t.Error("louder than loud")
		}
		if got, err := p.(hal.Speaker).Volume(t.Context()); got != 20 || err != nil {
			t.Errorf("Volume: %v, %v", got, err)
		}
		if err := p.(hal.Speaker).SetMute(t.Context(), true); err != nil {
			t.Error(err)
		}
		if got, err := p.(hal.Speaker).Muted(t.Context()); !got || err != nil {
			t.Errorf("Muted: %v, %v", got, err)
		}
		r.LosePower()
		time.Sleep(time.Hour)
		if hours, err := p.(hal.HourMeter).Hours(t.Context()); hours != 1003 || err != nil {
			t.Errorf("Hours of a panel that is off: %v, %v", hours, err)
		}
		r.SetPanelFault(sim.Fixed, true)
		if err := p.(hal.Dimmer).SetBrightness(t.Context(), 40); err != nil || r.Snapshot().Brightness != 100 {
			t.Errorf("brightness is %d, %v", r.Snapshot().Brightness, err)
		}
	})
}
