package haltest

import (
	"context"
	"errors"
	"testing"

	"bangtin/hal"

	"periph.io/x/conn/v3/physic"
)

// capabilities lists a harmless call of each method a panel has beyond [hal.Panel].
func capabilities(ctx context.Context, p hal.Panel) map[string]func() error {
	calls := map[string]func() error{}
	if d, ok := p.(hal.Dimmer); ok {
		calls["SetBrightness"] = func() error { return d.SetBrightness(ctx, 50) }
		calls["Brightness"] = func() error { _, err := d.Brightness(ctx); return err }
	}
	if d, ok := p.(hal.Thermometer); ok {
		calls["Temperature"] = func() error { _, err := d.Temperature(ctx); return err }
	}
	if s, ok := p.(hal.InputSwitcher); ok {
		calls["SetInput"] = func() error { return s.SetInput(ctx, "hdmi1") }
		calls["Input"] = func() error { _, err := s.Input(ctx); return err }
	}
	if i, ok := p.(hal.Identifier); ok {
		calls["Serial"] = func() error { _, err := i.Serial(ctx); return err }
		calls["Model"] = func() error { _, err := i.Model(ctx); return err }
	}
	return calls
}

// checkCapabilities runs on a panel that is on: some answer nothing but power in standby.
func checkCapabilities(t *testing.T, b Bench) {
	p := open(t, b)
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
	capabilitiesWork(t, p)
}

// capabilitiesWork accepts that a panel refuses what its model lacks.
func capabilitiesWork(t *testing.T, p hal.Panel) {
	t.Helper()
	if d, ok := p.(hal.Dimmer); ok {
		dimmerWorks(t, d)
	}
	if m, ok := p.(hal.Thermometer); ok {
		thermometerWorks(t, m)
	}
	if s, ok := p.(hal.InputSwitcher); ok {
		switcherWorks(t, s)
	}
	if i, ok := p.(hal.Identifier); ok {
		identifierWorks(t, i)
	}
}

func dimmerWorks(t *testing.T, d hal.Dimmer) {
	t.Helper()
	for _, percent := range []int{-1, 101} {
		if err := d.SetBrightness(t.Context(), percent); err == nil {
			t.Errorf("SetBrightness(%d) did not fail", percent)
		}
	}
	for _, percent := range []int{0, 70, 100} {
		if err := d.SetBrightness(t.Context(), percent); lacks(t, "SetBrightness", err) {
			return
		}
		if got, err := d.Brightness(t.Context()); err != nil || got != percent {
			t.Errorf("Brightness is %d (error %v), want %d", got, err, percent)
		}
	}
}

func thermometerWorks(t *testing.T, m hal.Thermometer) {
	t.Helper()
	got, err := m.Temperature(t.Context())
	if lacks(t, "Temperature", err) {
		return
	}
	low, high := physic.ZeroCelsius-20*physic.Celsius, physic.ZeroCelsius+90*physic.Celsius
	if got < low || got > high {
		t.Errorf("Temperature is %v, which no panel on a bench has", got)
	}
}

func switcherWorks(t *testing.T, s hal.InputSwitcher) {
	t.Helper()
	if err := s.SetInput(t.Context(), "no such input"); !errors.Is(err, hal.ErrUnsupported) {
		t.Errorf("SetInput of an unknown name: %v, want ErrUnsupported", err)
	}
	for _, name := range []string{"hdmi2", "hdmi1"} {
		if err := s.SetInput(t.Context(), name); lacks(t, "SetInput", err) {
			return
		}
		if got, err := s.Input(t.Context()); err != nil || got != name {
			t.Errorf("Input is %q (error %v), want %q", got, err, name)
		}
	}
}

func identifierWorks(t *testing.T, i hal.Identifier) {
	t.Helper()
	if serial, err := i.Serial(t.Context()); !lacks(t, "Serial", err) && serial == "" {
		t.Error("Serial is empty")
	}
	if model, err := i.Model(t.Context()); !lacks(t, "Model", err) && model == "" {
		t.Error("Model is empty")
	}
}

// lacks tells whether a panel said that it has no such function. Every other error fails the check.
func lacks(t *testing.T, method string, err error) bool {
	t.Helper()
	if err == nil {
		return false
	}
	if errors.Is(err, hal.ErrRefused) || errors.Is(err, hal.ErrUnsupported) {
		t.Logf("this panel has no %s: %v", method, err)
	} else {
		t.Errorf("%s: %v", method, err)
	}
	return true
}
