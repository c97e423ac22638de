package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"bangtin/internal/control"
	"bangtin/internal/control/command"
	"bangtin/internal/control/local"
	"bangtin/internal/fleet"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/notice"
	"bangtin/internal/site"
	"bangtin/internal/watchdog"
	"bangtin/internal/wire"
	"bangtin/media"
	"bangtin/media/fetch"
	"bangtin/media/mpv"
)

// fontDir is where Debian's package fonts-noto-core puts the pinned fonts.
const fontDir = "/usr/share/fonts/truetype/noto"

// latchFile is the copy of the fire latch, on the data folder.
const latchFile = "fire-latch"

const (
	contentTotal   = 64 << 30 // bytes of content a display may keep
	contentReserve = 1 << 30  // bytes that stay free for the journal and for an update
	inboxEvery     = 2 * time.Second
	libraryEvery   = 5 * time.Second
)

// A display is all its parts, built in the order in which they need each other.
type display struct {
	site    *site.Site
	log     *slog.Logger
	boot    string
	kernel  string // identity of the kernel's run
	key     ed25519.PrivateKey
	clock   *control.Clock
	journal *sqlite.Journal
	keyring *keyring
	store   *media.Store
	library *media.Library
	inbox   *media.Inbox
	fetcher *fetch.Fetcher // nil without [content]
	player  *mpv.Player
	wired   *wired
	orders  *control.Orders
	control *control.Control
	health  *control.Health
	forgets bool // what it writes is lost with this boot: it obeys nothing that must not be done twice

	commands *command.Commands
	lacking  *lacking
	notices  string // the folder of what other parts of the controller tell
}

// display runs the display until ctx ends.
func (m *Main) display(ctx context.Context, s *site.Site) (err error) {
	d := &display{site: s, log: m.logger(), boot: randomName(), health: control.NewHealth(), notices: cmp.Or(m.notices, notice.Dir), lacking: &lacking{what: map[string]string{}}}
	if err := os.MkdirAll(s.Data, 0o750); err != nil {
		return fmt.Errorf("cannot make the data folder: %w", err)
	}
	held, err := lock(d.path(lockFile))
	if err != nil {
		return err
	}
	defer held.Close()
	d.finishEnrolment(ctx, m.Fault)
	if err := d.remember(ctx, m); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.journal.Close()) }()
	if err := d.content(ctx, m); err != nil {
		return err
	}
	if m.nowhere {
		s.Output.Video = site.VideoNull
	}
	d.screen(ctx, m.player)
	if err := d.recall(ctx); err != nil {
		return err
	}
	if m.simulate {
		s.Panel = site.Panel{Driver: site.Sim, Input: s.Panel.Input}
	}
	if err := d.wire(m); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.wired.Close()) }()
	if err := d.wired.unusable(); err != nil {
		d.degrade("hardware-unusable", err)
	}
	if d.site.Relay != nil && d.wired.relay == nil {
		d.degrade("relay-failed", errors.New("cannot use [relay]: nothing cuts the panel's mains in a fire"))
	}
	if err := d.decide(ctx); err != nil {
		return err
	}
	if err := d.command(ctx); err != nil {
		return err
	}
	return d.run(ctx)
}

// remember opens the journal and sets the clock by it.
func (d *display) remember(ctx context.Context, m *Main) error {
	floor, err := time.Parse(time.RFC3339, built)
	if err != nil {
		return fmt.Errorf("cannot read the build time: %w", err)
	}
	d.clock = control.NewClock(d.boot, floor, m.system())
	if err := d.openJournal(ctx, m); err != nil {
		return err
	}
	last, ok, err := d.journal.LastHeartbeat(ctx)
	if err != nil {
		return errors.Join(err, d.journal.Close())
	}
	d.kernel = kernelRun()
	if ok {
		d.clock.Resume(last)
		if last.Kernel != d.kernel && startOfKernel(m.Wall()).Before(time.Unix(last.At, 0)) {
			d.log.Warn("the clock stood still while the power was off")
			d.clock.Doubt()
		}
	}
	return nil
}

// content opens what may be shown. What is missing for it degrades the display and does not end it: it runs with
// the slate, says so, and can still be switched off.
func (d *display) content(ctx context.Context, m *Main) error {
	var err error
	if d.keyring, err = d.loadKeyring(ctx); err != nil {
		return err
	}
	d.store, err = media.OpenStore(media.StoreOptions{
		Dir: d.path("content"), Total: contentTotal, Reserve: contentReserve, Fault: m.Fault,
	})
	if err != nil {
		return err
	}
	fonts, err := media.LoadFonts(fontDir)
	if err != nil {
		d.degrade("fonts-missing", err)
		fonts = &media.Fonts{}
	}
	d.library, err = media.OpenLibrary(ctx, media.LibraryOptions{
		Display: d.site.ID, Trust: d.keyring.standing, Journal: d.journal, Store: d.store, Fonts: fonts, Stamp: d.clock.Stamp, Log: d.log,
	})
	if err != nil {
		return err
	}
	d.inbox = media.NewInbox(d.path("inbox"), d.library, d.log)
	d.inbox.TakeTrust(d.keyring.take)
	d.fetcher = d.overHTTPS()
	return nil
}

// degrade notes what this display has to do without as long as the daemon runs.
func (d *display) degrade(code string, err error) {
	d.log.Error("running degraded", "code", code, "err", err)
	d.lacking.set(code, err.Error())
}

// path is a name below the site's data folder.
func (d *display) path(name string) string { return filepath.Join(d.site.Data, name) }

// playerFolder is the player's runtime folder beside a socket: its own, or without one the daemon's.
func playerFolder(socket string) string { return filepath.Join(filepath.Dir(socket), "player") }

// screen builds the player and the picture it falls back to; it has a plain one of its own. socket is where mpv runs as
// another user, who must be able to read the picture; empty for none.
func (d *display) screen(ctx context.Context, socket string) {
	opt := mpv.Options{
		Player: socket, Runtime: playerFolder(cmp.Or(socket, d.site.Socket)), Fonts: fontDir, Video: mpv.VideoMode(d.site.Output.Video),
		Mode: d.site.Output.Mode, Rotate: d.site.Output.Rotate, Volume: d.site.Output.Volume, Environ: os.Environ(), Log: d.log,
	}
	slate := filepath.Join(opt.Runtime, "slate.png")
	err := os.MkdirAll(opt.Runtime, 0o700)
	if err == nil {
		err = os.WriteFile(slate, d.slatePicture(ctx, opt), 0o640)
	}
	if err != nil {
		d.degrade("slate-missing", err)
		slate = ""
	}
	opt.Slate = slate
	d.player = mpv.New(opt)
}

// recall loads the orders that stand.
func (d *display) recall(ctx context.Context) error {
	var err error
	if d.orders, err = control.LoadOrders(ctx, d.journal, d.clock, d.log); err != nil {
		return err
	}
	latch, fire, err := control.OpenLatchFile(d.path(latchFile))
	if err != nil {
		d.log.Error("the fire latch stands in the journal alone", "err", err)
	}
	d.orders.KeepCopy(latch, fire)
	d.orders.Trusting(d.keyring.holds)
	if err = d.orders.Recheck(ctx); err != nil {
		d.log.Error("a lapsed order is not recorded", "err", err) // it is not obeyed all the same
	}
	return nil
}

// wire builds the hardware.
func (d *display) wire(m *Main) error {
	var err error
	d.wired, err = wireUp(d.site, cmp.Or(m.sys, sysFolder), d.player, d.latched, d.log)
	if err == nil && m.rewire != nil {
		m.rewire(d.wired, d.latched)
	}
	return err
}

// latched is whether a fire was seen that no person has cleared.
func (d *display) latched() bool { return d.orders.Fire() != "" }

// decide builds the decision loop.
func (d *display) decide(ctx context.Context) error {
	schedule := media.Schedule{Lead: d.site.Schedule.PanelLead, Zone: d.site.Location}
	for _, w := range d.site.Schedule.Windows {
		schedule.Windows = append(schedule.Windows, media.Window(w))
	}
	if err := schedule.Validate(); err != nil {
		return err
	}
	var err error
	var heartbeat time.Duration
	if d.site.Broker != nil {
		heartbeat = d.site.Broker.Heartbeat // what the centre does not hear of sooner need not be written sooner
	}
	d.control, err = control.New(ctx, control.Config{
		Lacking: d.lacking.list, Trust: d.keyring.version, Heartbeat: heartbeat, Device: d.site.ID, Gate: d.site.Gate, Version: version, Kernel: d.kernel, Recovered: d.journal.Recovered().String(),
		Schedule: schedule, Brightness: levels(d.site.Schedule.Brightness), Safety: safety(d.site, d.wired.rig != nil), Meter: meter(d.site.Meter),
		SignalLies: d.site.Panel.SignalLies, InsideLies: d.site.Panel.InsideLies, Input: d.site.Panel.Input,
		Key: control.Key{State: wire.PowerWish(d.site.Key.Does), For: d.site.Key.For}, Clock: d.clock, Journal: d.journal, Orders: d.orders,
		Panel: d.wired.panel, Relay: d.wired.relay, Sensors: d.wired.sensors, Expect: d.wired.expect, Player: d.player, Content: d.library,
		Health: d.health, Log: d.log,
	})
	return err
}

// run keeps every part running until ctx ends or one of them fails, which is a bug.
func (d *display) run(ctx context.Context) error {
	link, err := d.fleet()
	if err != nil {
		return err
	}
	d.keyring.settle(d.control.Refused, d.library.Recheck, d.orders.Recheck, func(context.Context) error {
		if link != nil {
			link.Rejudge()
		}
		return nil
	})
	g, ctx := errgroup.WithContext(ctx)
	// Control outlives the player, so that the last showing is recorded.
	deciding, decided := context.WithCancel(context.WithoutCancel(ctx))
	g.Go(func() error { return d.control.Run(deciding) })
	g.Go(func() error { defer decided(); return d.player.Run(ctx) })
	g.Go(func() error { return d.library.Run(ctx, libraryEvery) })
	g.Go(func() error { return d.inbox.Run(ctx, inboxEvery) })
	g.Go(func() error { return d.keepJournal(ctx) })
	if d.fetcher != nil {
		g.Go(func() error { return d.fetcher.Run(ctx) })
	}
	g.Go(func() error { return watchMissing(ctx, d.library, d.lacking, d.onTheWay) })
	g.Go(func() error { return watchNotices(ctx, d.notices, noticesEvery, d.lacking, d.log) })
	g.Go(func() error { return d.commands.Run(ctx) })
	desk := &desk{control: d.control, orders: d.orders, state: d.state, here: func() *local.Here { return d.here(link) }, onlooker: uidOf(onlooker)}
	server := &local.Server{Path: d.site.Socket, Handler: desk, Log: d.log}
	g.Go(func() error { return persist(ctx, d.log, server.Run) })
	g.Go(func() error { return watchdog.Run(ctx, d.control.Ready(), d.health.Late, d.log) })
	if link != nil {
		g.Go(func() error { return link.Run(ctx) })
		g.Go(func() error { return watchBelief(ctx, d.clock.Stamp, link.Rejudge) })
		g.Go(func() error { return d.keepCertificate(ctx) })
	}
	err = g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// persist runs a part that the display can do without, again and again.
func persist(ctx context.Context, log *slog.Logger, part func(context.Context) error) error {
	for {
		err := part(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		log.Error("a part ended and is started again", "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Second):
		}
	}
}

// state is what control knows together with what waits for the centre.
func (d *display) state() wire.State {
	s := d.control.State()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if depth, err := d.journal.Depth(ctx); err == nil {
		s.Outbox.Depth = depth
	}
	return s
}

// here is what a person on site asks beside the state; link is nil for a display without a centre.
func (d *display) here(link *fleet.Fleet) *local.Here {
	status, moment := d.control.Airing()
	h := &local.Here{Device: d.site.ID, Airing: string(status.State), Cause: string(status.Cause), Start: moment.Start, End: moment.End}
	if link != nil {
		l := link.Link()
		h.Link = &local.Link{Up: l.Up, ForS: int64(time.Since(l.Since) / time.Second), Why: l.Why}
	}
	return h
}

// fleet builds the connection to the department; nil for a display without one.
func (d *display) fleet() (*fleet.Fleet, error) {
	b := d.site.Broker
	if b == nil {
		return nil, nil
	}
	return fleet.New(fleet.Config{
		Device: d.site.ID, URL: b.URL, CA: b.CA, Certificate: b.Certificate, Key: b.Key, Boot: d.boot, Version: version,
		Heartbeat: b.Heartbeat, Gather: b.Gather, Now: d.clock.Sure, Floor: d.clock.Floor, Trust: d.keyring.standing, Log: d.log,
	}, fleet.Ports{
		Outbox: d.journal, Orders: &inTray{orders: d.orders, library: d.library, commands: d.commands, keyring: d.keyring, refused: d.control.Refused},
		Recorded: d.journal.Grown(), State: d.control.State, Changed: d.control.Changed(), Answers: d.commands.Answers(),
		Clock:   &signedClock{d.clock, d.control.Refused},
		Refused: func(r fleet.Reason, topic string) { d.control.Refused(string(r), topic) },
	})
}
