package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bangtin/hal"

	"periph.io/x/conn/v3/physic"
)

// A PanelFault is something that can be wrong with the panel. Several can be at once; the one that stands
// first here decides.
type PanelFault int

const (
	Silent     PanelFault = iota // it answers nothing and does nothing
	Refuses                      // it says no to everything
	Blind                        // it obeys, but its power cannot be read back
	StaleState                   // it reports the power it had when the fault began
	Disobeys                     // it acknowledges, but does nothing
	Black                        // its light fails: it is on by all it says, and dark
	Glows                        // it is lit as long as it is fed, whatever it says of itself
	Fixed                        // its brightness stays as it is, though it acknowledges another
	panelFaults
)

func (f PanelFault) String() string {
	switch f {
	case Silent:
		return "silent"
	case Refuses:
		return "refuses"
	case Blind:
		return "blind"
	case StaleState:
		return "stale"
	case Disobeys:
		return "disobeys"
	case Black:
		return "black"
	case Glows:
		return "glows"
	case Fixed:
		return "fixed"
	}
	return "unknown"
}

// SetPanelFault begins or ends a fault.
func (r *Rig) SetPanelFault(f PanelFault, active bool) {
	r.change(func() {
		r.faults[f] = active
		if f == StaleState {
			r.stale = r.power()
		}
	})
}

var errClosed = errors.New("simulated panel is closed")

// Panel returns a driver for the rig's panel, which also implements [hal.Settler], [hal.Dimmer],
// [hal.Thermometer], [hal.InputSwitcher], [hal.Identifier], [hal.SignalDetector], [hal.Speaker], [hal.Diagnoser] and
// [hal.HourMeter].
func (r *Rig) Panel() hal.Panel { return &panel{rig: r} }

// A panel is a driver; all it keeps of its own is whether it was closed.
type panel struct {
	rig    *Rig
	closed bool
}

func (p *panel) SetPower(ctx context.Context, on bool) error {
	err := p.ask(ctx, func(r *Rig) error {
		switch {
		case r.faults[Disobeys]:
		case on:
			r.light()
		default:
			r.darken()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot set panel power: %w", err)
	}
	return nil
}

func (p *panel) Power(ctx context.Context) (hal.Power, error) {
	power := hal.PowerUnknown
	err := p.ask(ctx, func(r *Rig) error {
		switch {
		case r.faults[Blind]:
			return hal.ErrUnsupported
		case r.faults[StaleState]:
			power = r.stale
		default:
			power = r.power()
		}
		return nil
	})
	if err != nil {
		return hal.PowerUnknown, fmt.Errorf("cannot read panel power: %w", err)
	}
	return power, nil
}

func (p *panel) Close() error {
	p.closed = true
	return nil
}

// Settle is the time to warm up, or two seconds to switch off.
func (p *panel) Settle(on bool) time.Duration {
	if on {
		return p.rig.config.WarmUp
	}
	return 2 * time.Second
}

func (p *panel) SetBrightness(ctx context.Context, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("cannot set panel brightness to %d: it goes from 0 to 100", percent)
	}
	err := p.ask(ctx, func(r *Rig) error {
		if !r.faults[Disobeys] && !r.faults[Fixed] {
			r.brightness = percent
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot set panel brightness: %w", err)
	}
	return nil
}

func (p *panel) Brightness(ctx context.Context) (percent int, err error) {
	err = p.ask(ctx, func(r *Rig) error {
		percent = r.brightness
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot read panel brightness: %w", err)
	}
	return percent, nil
}

func (p *panel) Temperature(ctx context.Context) (t physic.Temperature, err error) {
	err = p.ask(ctx, func(r *Rig) error {
		t = r.temperature[PanelSensor]
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot read panel temperature: %w", err)
	}
	return t, nil
}

// SetInput knows hdmi1 to hdmi4, dp, dp2, dvi, vga and ops: every name that any panel has.
func (p *panel) SetInput(ctx context.Context, name string) error {
	err := p.ask(ctx, func(r *Rig) error {
		switch name {
		case "hdmi1", "hdmi2", "hdmi3", "hdmi4", "dp", "dp2", "dvi", "vga", "ops":
		default:
			return hal.ErrUnsupported
		}
		if !r.faults[Disobeys] {
			r.input = name
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot set panel input to %q: %w", name, err)
	}
	return nil
}

func (p *panel) Input(ctx context.Context) (name string, err error) {
	err = p.ask(ctx, func(r *Rig) error {
		name = r.input
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("cannot read panel input: %w", err)
	}
	return name, nil
}

func (p *panel) Serial(ctx context.Context) (string, error) {
	if err := p.ask(ctx, func(*Rig) error { return nil }); err != nil {
		return "", fmt.Errorf("cannot read panel serial number: %w", err)
	}
	return "SIM0000001", nil
}

func (p *panel) Model(ctx context.Context) (string, error) {
	if err := p.ask(ctx, func(*Rig) error { return nil }); err != nil {
		return "", fmt.Errorf("cannot read panel model: %w", err)
	}
	return "simulated panel", nil
}

// ask carries one request to the panel and back: it takes the time that takes, and runs obey under the rig's
// lock if the panel is there, has electricity and is willing.
func (p *panel) ask(ctx context.Context, obey func(*Rig) error) error {
	if p.closed {
		return errClosed
	}
	if err := wait(ctx, p.rig.config.Latency); err != nil {
		return err
	}
	err := p.rig.answer(obey)
	if errors.Is(err, hal.ErrSilent) {
		if ended := wait(ctx, p.rig.config.Reply-p.rig.config.Latency); ended != nil {
			return ended
		}
	}
	return err
}

func (r *Rig) answer(obey func(*Rig) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.fed() || r.faults[Silent]:
		return hal.ErrSilent
	case r.faults[Refuses]:
		return hal.ErrRefused
	}
	return obey(r)
}

// wait waits for d, or returns ctx's error when it ends first or has ended before.
func wait(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
