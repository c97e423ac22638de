package haltest

import (
	"context"
	"errors"
	"slices"
	"time"

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
	if d, ok := p.(hal.SignalDetector); ok {
		calls["Signal"] = func() error { _, err := d.Signal(ctx); return err }
	}
	if s, ok := p.(hal.Speaker); ok {
		calls["SetVolume"] = func() error { return s.SetVolume(ctx, 20) }
		calls["Volume"] = func() error { _, err := s.Volume(ctx); return err }
		calls["SetMute"] = func() error { return s.SetMute(ctx, true) }
		calls["Muted"] = func() error { _, err := s.Muted(ctx); return err }
	}
	if d, ok := p.(hal.Diagnoser); ok {
		calls["Diagnose"] = func() error { _, err := d.Diagnose(ctx); return err }
	}
	if h, ok := p.(hal.HourMeter); ok {
		calls["Hours"] = func() error { _, err := h.Hours(ctx); return err }
	}
	return calls
}

// checkCapabilities runs on a panel that is on: some answer nothing but power in standby.
func checkCapabilities(t T, b Bench) {
	p := open(t, b)
	command(t, p, true)
	eventually(t, b, p, hal.PowerOn)
	capabilitiesWork(t, p)
}

// restore sets a value back to what was read at first, when the check has ended: a real panel stays as it was found.
func restore[V any](t T, what string, found V, err error, set func(context.Context, V) error) {
	t.Helper()
	if err != nil {
		t.Logf("%s cannot be set back afterwards, it does not read: %v", what, err)
		return
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), restoring)
		defer cancel()
		if err := set(ctx, found); err != nil {
			t.Logf("%s was %v and is not set back: %v", what, found, err)
		}
	})
}

// restoring is how long setting one value back may take: two tries of every protocol and its rests.
const restoring = 15 * time.Second

// capabilitiesWork accepts that a panel refuses what its model lacks.
func capabilitiesWork(t T, p hal.Panel) {
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
	if s, ok := p.(hal.Speaker); ok {
		speakerWorks(t, s)
	}
	healthWorks(t, p)
}

func dimmerWorks(t T, d hal.Dimmer) {
	t.Helper()
	for _, percent := range []int{-1, 101} {
		if err := d.SetBrightness(t.Context(), percent); err == nil {
			t.Errorf("SetBrightness(%d) did not fail", percent)
		}
	}
	found, err := d.Brightness(t.Context())
	restore(t, "brightness", found, err, d.SetBrightness)
	for _, percent := range []int{0, 70, 100} {
		if err := d.SetBrightness(t.Context(), percent); lacks(t, "SetBrightness", err) {
			return
		}
		if got, err := d.Brightness(t.Context()); err != nil || got != percent {
			t.Errorf("Brightness is %d (error %v), want %d", got, err, percent)
		}
	}
}

func thermometerWorks(t T, m hal.Thermometer) {
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

func switcherWorks(t T, s hal.InputSwitcher) {
	t.Helper()
	if err := s.SetInput(t.Context(), "no such input"); !errors.Is(err, hal.ErrUnsupported) {
		t.Errorf("SetInput of an unknown name: %v, want ErrUnsupported", err)
	}
	found, err := s.Input(t.Context())
	restore(t, "input", found, err, s.SetInput)
	for _, name := range []string{"hdmi2", "hdmi1"} {
		if err := s.SetInput(t.Context(), name); lacks(t, "SetInput", err) {
			return
		}
		if got, err := s.Input(t.Context()); err != nil || got != name {
			t.Errorf("Input is %q (error %v), want %q", got, err, name)
		}
	}
}

func identifierWorks(t T, i hal.Identifier) {
	t.Helper()
	if serial, err := i.Serial(t.Context()); !lacks(t, "Serial", err) && serial == "" {
		t.Errorf("Serial is empty")
	}
	if model, err := i.Model(t.Context()); !lacks(t, "Model", err) && model == "" {
		t.Errorf("Model is empty")
	}
}

func speakerWorks(t T, s hal.Speaker) {
	t.Helper()
	for _, percent := range []int{-1, 101} {
		if err := s.SetVolume(t.Context(), percent); err == nil {
			t.Errorf("SetVolume(%d) did not fail", percent)
		}
	}
	found, err := s.Volume(t.Context())
	restore(t, "volume", found, err, s.SetVolume)
	for _, percent := range []int{0, found, found / 2} { // never louder than it was
		if err := s.SetVolume(t.Context(), percent); lacks(t, "SetVolume", err) {
			break
		}
		if got, err := s.Volume(t.Context()); err != nil || got != percent {
			t.Errorf("Volume is %d (error %v), want %d", got, err, percent)
		}
	}
	muted, err := s.Muted(t.Context())
	restore(t, "mute", muted, err, s.SetMute)
	for _, muted := range []bool{true, false} {
		if err := s.SetMute(t.Context(), muted); lacks(t, "SetMute", err) {
			return
		}
		if got, err := s.Muted(t.Context()); err != nil || got != muted {
			t.Errorf("Muted is %v (error %v), want %v", got, err, muted)
		}
	}
}

// healthWorks is about what a panel says of itself. Whether it is true can only be told of a panel whose truth is known.
func healthWorks(t T, p hal.Panel) {
	t.Helper()
	if d, ok := p.(hal.SignalDetector); ok {
		present, err := d.Signal(t.Context())
		if !lacks(t, "Signal", err) {
			t.Logf("signal: %v", present)
		}
	}
	if d, ok := p.(hal.Diagnoser); ok {
		faults, err := d.Diagnose(t.Context())
		if !lacks(t, "Diagnose", err) {
			t.Logf("faults: %q", faults)
		}
		if len(faults) > 16 || slices.Contains(faults, "") {
			t.Errorf("Diagnose is %q, want at most 16 faults and a word for each", faults)
		}
	}
	if h, ok := p.(hal.HourMeter); ok {
		hours, err := h.Hours(t.Context())
		if !lacks(t, "Hours", err) && (hours < 0 || hours > 200_000) {
			t.Errorf("Hours is %d, which no panel has lived", hours)
		}
	}
}

// lacks tells whether a panel said that it has no such function. Every other error fails the check.
func lacks(t T, method string, err error) bool {
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
