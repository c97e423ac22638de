package sim

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Signal tells whether there is a picture on the input.
func (p *panel) Signal(ctx context.Context) (present bool, err error) {
	err = p.ask(ctx, func(r *Rig) error {
		present = !r.noPicture
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("cannot read panel signal: %w", err)
	}
	return present, nil
}

// Diagnose tells what was set by SetFaults.
func (p *panel) Diagnose(ctx context.Context) (faults []string, err error) {
	err = p.ask(ctx, func(r *Rig) error {
		faults = slices.Clone(r.ill)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot diagnose panel: %w", err)
	}
	return faults, nil
}

func (p *panel) Hours(ctx context.Context) (hours int, err error) {
	err = p.ask(ctx, func(r *Rig) error {
		hours = int(r.hours() / time.Hour)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot read panel hours: %w", err)
	}
	return hours, nil
}

func (p *panel) SetVolume(ctx context.Context, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("cannot set panel volume to %d: it goes from 0 to 100", percent)
	}
	err := p.ask(ctx, func(r *Rig) error {
		if !r.faults[Disobeys] {
			r.volume = percent
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot set panel volume: %w", err)
	}
	return nil
}

func (p *panel) Volume(ctx context.Context) (percent int, err error) {
	err = p.ask(ctx, func(r *Rig) error {
		percent = r.volume
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot read panel volume: %w", err)
	}
	return percent, nil
}

func (p *panel) SetMute(ctx context.Context, muted bool) error {
	err := p.ask(ctx, func(r *Rig) error {
		if !r.faults[Disobeys] {
			r.muted = muted
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot mute panel: %w", err)
	}
	return nil
}

func (p *panel) Muted(ctx context.Context) (muted bool, err error) {
	err = p.ask(ctx, func(r *Rig) error {
		muted = r.muted
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("cannot read whether panel is muted: %w", err)
	}
	return muted, nil
}
