package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"time"

	"bangtin/image/initrd/slate"
	"bangtin/image/layout"
)

const (
	framebuffer = "/dev/fb0"
	// framebufferLink points at the device whose framebuffer is the first: another one when a card's driver takes over
	// from the firmware's picture.
	framebufferLink = "/sys/class/graphics/fb0"
	terminal        = "/dev/tty0"
	cards           = "/sys/class/drm/card[0-9]*"
	// displayLimit is how long the root may have to wait for the slate. Loading i915 and finding a panel by EDID is said
	// to take one second or two, in which a root on NVMe is long there; what the root starts could not show anything
	// before either. A driver that hangs costs all of it. In an emulated machine on a loaded one virtio-gpu took more
	// than 3 s.
	displayLimit = 10 * time.Second
	// look is how often a new framebuffer is looked for.
	look = 20 * time.Millisecond
)

// A display shows the slate on whatever framebuffer there is, from the firmware's own to that of the card's driver.
type display struct {
	picture image.Image // none: nothing is shown
	shown   string      // what framebufferLink pointed at when the slate was last shown
}

// show loads the drivers of displays and shows the slate. It ends when the last framebuffer has it, or with ctx. A
// display is no condition of starting: the error is to be told, and no more.
func show(ctx context.Context) error {
	d := display{}
	var all []error
	picture, err := readSlate()
	if err != nil {
		all = append(all, err)
	}
	d.picture = picture
	if picture != nil {
		all = append(all, slate.Silence(terminal))
	}
	all = append(all, d.draw()) // the firmware's, if it has one
	all = append(all, loadModules(layout.DisplayModules))
	for !d.done() && ctx.Err() == nil {
		if err := d.draw(); err != nil {
			return errors.Join(append(all, err)...)
		}
		select {
		case <-ctx.Done():
		case <-time.After(look):
		}
	}
	return errors.Join(all...)
}

func readSlate() (image.Image, error) {
	f, err := os.Open(layout.Slate)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the slate: %w", err)
	}
	defer f.Close()
	return slate.Read(f)
}

// draw shows the slate on a framebuffer that does not have it yet.
func (d *display) draw() error {
	link := firstFramebuffer()
	if link == "" || link == d.shown || d.picture == nil {
		return nil
	}
	if err := slate.Show(framebuffer, d.picture); err != nil {
		return err
	}
	d.shown = link
	return nil
}

// done tells, once the drivers are loaded, whether nothing is left to do: no card, or its framebuffer has the slate. The
// firmware's framebuffer belongs to no card.
func (d *display) done() bool {
	found, err := filepath.Glob(cards)
	if err != nil || len(found) == 0 || d.picture == nil {
		return true
	}
	entries, err := filepath.Glob("/sys/class/graphics/fb0/device/drm/card[0-9]*")
	if err != nil || len(entries) == 0 {
		return false
	}
	return firstFramebuffer() == d.shown
}

// firstFramebuffer names the device of the first framebuffer, or nothing where there is none.
func firstFramebuffer() string {
	link, err := os.Readlink(framebufferLink)
	if err != nil {
		return ""
	}
	return link
}
