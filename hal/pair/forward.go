package pair

import (
	"context"
	"fmt"
	"time"

	"bangtin/hal"

	"periph.io/x/conn/v3/physic"
)

// forward has the primary's capability C do something, if it has it and is not known to be unreachable.
func forward[C any](ctx context.Context, p *Panel, what string, do func(context.Context, C) error) error {
	c, ok := p.primary.(C)
	if !ok {
		return fmt.Errorf("cannot %s: %w", what, hal.ErrUnsupported)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cannot %s: %w", what, err)
	}
	if !p.worthTrying() {
		return fmt.Errorf("cannot %s, not tried before %s: %w", what, p.retryAt.Format(time.TimeOnly), p.lastErr)
	}
	return p.ask(ctx, func(ctx context.Context) error { return do(ctx, c) })
}

// value is forward for what returns a value.
func value[C, V any](ctx context.Context, p *Panel, what string, get func(C, context.Context) (V, error)) (v V, err error) {
	err = forward(ctx, p, what, func(ctx context.Context, c C) (err error) {
		v, err = get(c, ctx)
		return err
	})
	return v, err
}

// SetBrightness implements [hal.Dimmer].
func (p *Panel) SetBrightness(ctx context.Context, percent int) error {
	return forward(ctx, p, "set panel brightness", func(ctx context.Context, d hal.Dimmer) error { return d.SetBrightness(ctx, percent) })
}

// Brightness implements [hal.Dimmer].
func (p *Panel) Brightness(ctx context.Context) (int, error) {
	return value(ctx, p, "read panel brightness", hal.Dimmer.Brightness)
}

// Temperature implements [hal.Thermometer].
func (p *Panel) Temperature(ctx context.Context) (physic.Temperature, error) {
	return value(ctx, p, "read panel temperature", hal.Thermometer.Temperature)
}

// SetInput implements [hal.InputSwitcher].
func (p *Panel) SetInput(ctx context.Context, name string) error {
	return forward(ctx, p, "set panel input", func(ctx context.Context, s hal.InputSwitcher) error { return s.SetInput(ctx, name) })
}

// Input implements [hal.InputSwitcher].
func (p *Panel) Input(ctx context.Context) (string, error) {
	return value(ctx, p, "read panel input", hal.InputSwitcher.Input)
}

// Signal implements [hal.SignalDetector].
func (p *Panel) Signal(ctx context.Context) (bool, error) {
	return value(ctx, p, "read panel signal", hal.SignalDetector.Signal)
}

// SetVolume implements [hal.Speaker].
func (p *Panel) SetVolume(ctx context.Context, percent int) error {
	return forward(ctx, p, "set panel volume", func(ctx context.Context, s hal.Speaker) error { return s.SetVolume(ctx, percent) })
}

// Volume implements [hal.Speaker].
func (p *Panel) Volume(ctx context.Context) (int, error) {
	return value(ctx, p, "read panel volume", hal.Speaker.Volume)
}

// SetMute implements [hal.Speaker].
func (p *Panel) SetMute(ctx context.Context, muted bool) error {
	return forward(ctx, p, "mute panel", func(ctx context.Context, s hal.Speaker) error { return s.SetMute(ctx, muted) })
}

// Muted implements [hal.Speaker].
func (p *Panel) Muted(ctx context.Context) (bool, error) {
	return value(ctx, p, "read whether the panel is muted", hal.Speaker.Muted)
}

// Diagnose implements [hal.Diagnoser].
func (p *Panel) Diagnose(ctx context.Context) ([]string, error) {
	return value(ctx, p, "diagnose panel", hal.Diagnoser.Diagnose)
}

// Hours implements [hal.HourMeter].
func (p *Panel) Hours(ctx context.Context) (int, error) {
	return value(ctx, p, "read panel hours", hal.HourMeter.Hours)
}

// Serial implements [hal.Identifier].
func (p *Panel) Serial(ctx context.Context) (string, error) {
	return value(ctx, p, "read panel serial number", hal.Identifier.Serial)
}

// Model implements [hal.Identifier].
func (p *Panel) Model(ctx context.Context) (string, error) {
	return value(ctx, p, "read panel model", hal.Identifier.Model)
}
