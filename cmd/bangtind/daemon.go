package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"bangtin/hal"
	"bangtin/hal/rs232"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/control/local"
	"bangtin/internal/fleet"
	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/site"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
	"bangtin/media"
	"bangtin/media/mpv"
)

// fontDir is where Debian's package fonts-noto-core puts the pinned fonts.
const fontDir = "/usr/share/fonts/truetype/noto"

const (
	contentTotal   = 64 << 30 // bytes of content a display may keep
	contentReserve = 1 << 30  // bytes that stay free for the journal and for an update
	inboxEvery     = 2 * time.Second
	libraryEvery   = 5 * time.Second
)

// A daemon is one display's parts, built in the order in which they need each other.
type daemon struct {
	site    *site.Site
	log     *slog.Logger
	boot    string
	key     ed25519.PrivateKey
	clock   *control.Clock
	journal *sqlite.Journal
	trust   *trust.Document
	library *media.Library
	inbox   *media.Inbox
	player  *mpv.Player
	panel   hal.Panel
	relay   hal.Relay
	sensors []hal.Sensor
	orders  *control.Orders
	control *control.Control
	health  *control.Health
}

// daemon runs the display until ctx ends.
func (m *Main) daemon(ctx context.Context, s *site.Site) (err error) {
	d := &daemon{site: s, log: m.logger(), boot: randomName(), health: control.NewHealth()}
	if err := os.MkdirAll(s.Data, 0o750); err != nil {
		return fmt.Errorf("cannot make the data folder: %w", err)
	}
	held, err := lock(s.Path(lockFile))
	if err != nil {
		return err
	}
	defer held.Close()
	if err := d.remember(ctx, m); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.journal.Close()) }()
	if err := d.content(ctx, m); err != nil {
		return err
	}
	d.hardware(m.simulate)
	defer func() { err = errors.Join(err, d.panel.Close()) }()
	if err := d.decide(ctx); err != nil {
		return err
	}
	return d.run(ctx)
}

// remember opens the journal and sets the clock's floor by it.
func (d *daemon) remember(ctx context.Context, m *Main) error {
	floor, err := time.Parse(time.RFC3339, built)
	if err != nil {
		return fmt.Errorf("cannot read the build time: %w", err)
	}
	d.clock = control.NewClock(d.boot, floor, m.Wall, control.KernelSynchronised)
	if d.key, err = ensureKey(d.site.Path(journalKeyFile)); err != nil {
		return err
	}
	d.journal, err = sqlite.Open(ctx, sqlite.Options{
		Path: d.site.Path(journalFile), Key: d.key, Stamp: d.clock.Stamp, Log: d.log, Fault: m.Fault,
	})
	if err != nil {
		return err
	}
	last, ok, err := d.journal.LastHeartbeat(ctx)
	if err != nil {
		return errors.Join(err, d.journal.Close())
	}
	if ok {
		d.clock.Raise(time.Unix(last.Floor, 0))
		d.clock.Resume(time.Unix(last.At, 0))
	}
	return nil
}

// content opens what may be shown, and the player. Without a trust document nothing can be approved: the display
// runs, obeys nobody, and says so.
func (d *daemon) content(ctx context.Context, m *Main) error {
	var err error
	if d.trust, err = d.loadTrust(); err != nil {
		return err
	}
	store, err := media.OpenStore(media.StoreOptions{
		Dir: d.site.Path("content"), Total: contentTotal, Reserve: contentReserve, Fault: m.Fault,
	})
	if err != nil {
		return err
	}
	fonts, err := media.LoadFonts(fontDir)
	if err != nil {
		return err
	}
	d.library, err = media.OpenLibrary(ctx, media.LibraryOptions{
		Display: d.site.ID, Trust: d.trust, Journal: d.journal, Store: store, Fonts: fonts, Stamp: d.clock.Stamp, Log: d.log,
	})
	if err != nil {
		return err
	}
	d.inbox = media.NewInbox(d.site.Path("inbox"), d.library, store, d.log)
	return nil
}

func (d *daemon) loadTrust() (*trust.Document, error) {
	raw, err := os.ReadFile(d.site.Path(trustFile))
	if errors.Is(err, fs.ErrNotExist) {
		d.log.Error("cannot obey anybody: there is no trust document", "path", d.site.Path(trustFile))
		return &trust.Document{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the trust document: %w", err)
	}
	doc, err := trust.ParseDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot use the trust document %s: %w", d.site.Path(trustFile), err)
	}
	return doc, nil
}

// hardware builds the drivers that the site file names.
func (d *daemon) hardware(simulate bool) {
	if simulate || d.site.Panel.Driver == "sim" {
		rig := sim.NewRig(sim.Config{})
		d.panel, d.relay, d.sensors = rig.Panel(), rig.Relay(), []hal.Sensor{rig.Sensor()}
		return
	}
	switch d.site.Panel.Driver {
	case "mdc":
		d.panel = rs232.NewMDC(rs232.MDCConfig{Port: d.site.Panel.Port, SetID: byte(d.site.Panel.SetID), Log: d.log})
	}
}
