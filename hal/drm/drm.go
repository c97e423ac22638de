// Package drm is the panel that nobody can talk to: neither a serial line nor CEC. All that can be done about its
// power is to end the picture on the cable, upon which most panels sleep after a minute by themselves, and to begin
// it again. What the panel makes of it is not known: its power cannot be read back.
//
// The kernel's mode setting (DRM/KMS) has one master at a time, so the player lets go of the output first.
package drm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"bangtin/hal"
)

// letGo is how long the player may take to let go of the output. It ends mpv, which takes well under a second, or
// kills it after the 5 s that a hanging one is given.
const letGo = 10 * time.Second

// A Screen is whoever shows the picture.
type Screen interface {
	// Release lets go of the output and returns once it did.
	Release(ctx context.Context) error
	// Take puts the picture on the output again. It returns at once.
	Take()
}

// A Panel implements [hal.Panel] by ending and beginning the output of every card of this controller.
type Panel struct {
	screen Screen
	root   string
	log    *slog.Logger
	cards  []*card // held while the output is off: when the last one lets go the kernel lights its console
	closed bool
}

// New returns the panel behind the cards in the folder root, usually /dev/dri. It does no input or output.
func New(root string, screen Screen, log *slog.Logger) *Panel {
	return &Panel{screen: screen, root: root, log: log}
}

// errClosed is what a closed Panel answers.
var errClosed = errors.New("panel is closed")

// SetPower implements [hal.Panel]. Off takes as long as the player needs to let go.
func (p *Panel) SetPower(ctx context.Context, on bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.closed {
		return errClosed
	}
	if on {
		err := p.let()
		p.screen.Take()
		return err
	}
	if len(p.cards) > 0 {
		return nil
	}
	releasing, cancel := context.WithTimeout(ctx, letGo)
	defer cancel()
	if err := p.screen.Release(releasing); err != nil {
		return fmt.Errorf("cannot switch the output off: %w", err)
	}
	if err := p.darken(); err != nil {
		return fmt.Errorf("cannot switch the output off: %w", err)
	}
	return nil
}

// darken takes all cards and ends their output. What has no output, such as a card that only computes, is left alone.
func (p *Panel) darken() error {
	paths, err := filepath.Glob(filepath.Join(p.root, "card[0-9]*"))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("no card in %s: %w", p.root, hal.ErrPortGone)
	}
	ended := 0
	for _, path := range paths {
		c, err := openCard(path)
		if err != nil {
			return errors.Join(err, p.let())
		}
		ran, err := c.darken()
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", path, err), c.close(), p.let())
		}
		p.cards = append(p.cards, c)
		ended += ran
	}
	p.log.Info("output switched off", "outputs", ended)
	return nil
}

// let gives the cards back.
func (p *Panel) let() error {
	var all []error
	for _, c := range p.cards {
		all = append(all, c.close())
	}
	p.cards = nil
	return errors.Join(all...)
}

// Power implements [hal.Panel]: it wraps [hal.ErrUnsupported], always.
func (p *Panel) Power(ctx context.Context) (hal.Power, error) {
	if err := ctx.Err(); err != nil {
		return hal.PowerUnknown, err
	}
	if p.closed {
		return hal.PowerUnknown, errClosed
	}
	return hal.PowerUnknown, fmt.Errorf("cannot read the power of a panel that only has a picture: %w", hal.ErrUnsupported)
}

// Close implements [hal.Panel]. The kernel puts its console on an output that was off.
func (p *Panel) Close() error {
	p.closed = true
	return p.let()
}
