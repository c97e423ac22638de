package chaos_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/control/command"
	"bangtin/internal/fleet"
	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/pki"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
	"bangtin/media"
)

// settings are what a display's process is told.
type settings struct {
	ID      string
	Dir     string
	Broker  string // through the display's own proxy
	Content string
	Files   pki.Files
	Trust   string // path of the trust document
	Seed    []byte // of the journal's key
	Backlog int    // records that its first run begins with
	Rate    time.Duration
}

func (s *settings) path(name string) string { return filepath.Join(s.Dir, name) }

// A display is what cmd/bangtind joins, with the rig, the player and the library simulated, and in more of a hurry: a
// link that is cut every few seconds is back in a second, where the daemon would wait for a minute.
type display struct {
	settings
	log     *slog.Logger
	boot    string
	kernel  string
	clock   *control.Clock
	journal *sqlite.Journal
	orders  *control.Orders
	control *control.Control
	player  *showman
	health  *control.Health

	commands *command.Commands
	effects  *os.File
}

func runDisplay(ctx context.Context, path string) (err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := &display{boot: rand.Text(), player: newShowman(), health: control.NewHealth()}
	d.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := json.Unmarshal(raw, &d.settings); err != nil {
		return err
	}
	if d.effects, err = os.OpenFile(d.path("effects"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	d.player.effect = d.effect
	d.kernel = d.readKernel()
	if err := d.remember(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.journal.Close()) }()
	if err := d.decide(ctx); err != nil {
		return err
	}
	return d.run(ctx)
}

// readKernel is the identity of the machine's run, which outlives the display's.
func (d *display) readKernel() string {
	raw, err := os.ReadFile(d.path("kernel"))
	if err != nil {
		return "kernel-0"
	}
	return string(raw)
}

// effect notes that something was done, in a way that a killed process does not take back.
func (d *display) effect(what string) {
	if _, err := d.effects.WriteString(what + "\n"); err != nil {
		panic(err)
	}
}

func (d *display) remember(ctx context.Context) error {
	start := time.Now()
	d.clock = control.NewClock(d.boot, start.AddDate(0, 0, -1), control.System{
		Wall: time.Now, Mono: func() time.Duration { return time.Since(start) }, Synced: func() bool { return true },
	})
	var err error
	d.journal, err = sqlite.Open(ctx, sqlite.Options{
		Path: d.path("journal.db"), Key: ed25519.NewKeyFromSeed(d.Seed), Stamp: d.clock.Stamp, Log: d.log,
	})
	if err != nil {
		return err
	}
	if s := d.journal.Recovered().String(); s != "" {
		return fmt.Errorf("SIGKILL damaged the journal: %s", s)
	}
	last, known, err := d.journal.LastHeartbeat(ctx)
	if known {
		d.clock.Resume(last)
	}
	return err
}

func (d *display) decide(ctx context.Context) error {
	var err error
	if d.orders, err = control.LoadOrders(ctx, d.journal, d.clock, d.log); err != nil {
		return err
	}
	rig := sim.NewRig(sim.Config{WarmUp: 300 * time.Millisecond})
	d.control, err = control.New(ctx, control.Config{
		Device: d.ID, Gate: "Cửa khẩu", Version: "chaos", Kernel: d.kernel, Heartbeat: 2 * time.Second,
		Schedule: media.Schedule{Windows: []media.Window{{From: 0, To: 24 * time.Hour}}, Zone: time.UTC},
		Clock:    d.clock, Journal: d.journal, Orders: d.orders, Panel: rig.Panel(), Relay: rig.Relay(),
		Sensors: []hal.Sensor{rig.Sensor()}, Player: d.player, Content: shelf{}, Health: d.health, Log: d.log,
	})
	if err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler) // refused commands are counted from the answers
	d.commands, err = command.New(ctx, command.Config{
		Journal: d.journal, Clock: d.clock, Orders: d.orders, Display: d.control, Player: d.player, Library: library{},
		Sender: d.sender(), Machine: d, Gate: "Cửa khẩu", Kernel: d.kernel, Refused: d.control.Refused, Log: quiet,
		Diagnose: func(context.Context) (*command.Report, error) { return &command.Report{Device: d.ID}, nil },
		Loop:     func(name string) func() { return d.health.Loop(name, command.Stall) },
	})
	return err
}

// Reboot implements command.Machine: another run of the kernel begins with another process.
func (d *display) Reboot(context.Context) error {
	d.effect("reboot")
	if err := os.WriteFile(d.path("kernel.new"), []byte(rand.Text()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(d.path("kernel.new"), d.path("kernel")); err != nil {
		return err
	}
	os.Exit(exitReboot)
	return nil
}

// A counted sender notes each command whose result it was given.
type countedSender struct {
	command.Sender
	effect func(string)
}

func (s countedSender) Send(ctx context.Context, name string, content []byte) error {
	id, _, _ := strings.Cut(name, ".")
	s.effect("upload " + id)
	return s.Sender.Send(ctx, name, content)
}

func (d *display) sender() command.Sender {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conf, err := d.Files.ClientConfig(d.clock.Sure)
		if err != nil {
			return nil, err
		}
		return (&tls.Dialer{Config: conf}).DialContext(ctx, network, address)
	}
	client := &http.Client{Transport: &http.Transport{DialTLSContext: dial, DisableKeepAlives: true, ResponseHeaderTimeout: 10 * time.Second}}
	return countedSender{Sender: &command.Uploader{URL: d.Content, Client: client}, effect: d.effect}
}

func (d *display) run(ctx context.Context) error {
	link, err := d.fleet()
	if err != nil {
		return err
	}
	quiet := make(chan os.Signal, 1) // SIGUSR1: no more records than the department asks for
	signal.Notify(quiet, syscall.SIGUSR1)
	lively, calm := context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		select {
		case <-quiet:
			d.player.calm()
			calm()
		case <-ctx.Done():
		}
		return nil
	})
	g.Go(func() error { return d.witness(lively) })
	for _, part := range []func(context.Context) error{d.control.Run, d.commands.Run, d.player.run, link.Run} {
		g.Go(func() error { return part(ctx) })
	}
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// witness makes incidents at random moments until ctx ends, of all lengths that are allowed. The first run of a display
// begins with many: it was alone for long.
func (d *display) witness(ctx context.Context) error {
	entry := func(detail string) journal.Entry {
		return journal.Entry{Stamp: d.clock.Stamp(), Kind: journal.KindIncident, Body: journal.Incident{
			Class: journal.Technical, Code: "chaos", Count: 1, Detail: detail + strings.Repeat("x", mathrand.IntN(450)),
		}}
	}
	if _, known, err := d.journal.LastHeartbeat(ctx); err == nil && !known {
		w := journal.Write{Label: "backlog"}
		for n := range d.Backlog {
			w.Entries = append(w.Entries, entry(fmt.Sprintf("backlog %d ", n)))
		}
		if err := d.journal.Commit(ctx, w); err != nil && ctx.Err() == nil {
			return err
		}
	}
	for n := 0; ; n++ {
		select {
		case <-time.After(mathrand.N(2 * d.Rate)):
		case <-ctx.Done():
			return nil
		}
		w := journal.Write{Label: "witness"}
		for range 1 + mathrand.IntN(3) {
			w.Entries = append(w.Entries, entry(fmt.Sprintf("%s %d ", d.boot, n)))
		}
		if err := d.journal.Commit(ctx, w); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func (d *display) fleet() (*fleet.Fleet, error) {
	raw, err := os.ReadFile(d.Trust)
	if err != nil {
		return nil, err
	}
	document, err := trust.ParseDocument(raw)
	if err != nil {
		return nil, err
	}
	return fleet.New(fleet.Config{
		Device: d.ID, URL: d.Broker, CA: d.Files.CA, Certificate: d.Files.Certificate, Key: d.Files.Key, Boot: d.boot, Version: "chaos",
		Heartbeat: 5 * time.Second, Now: d.clock.Sure, Floor: d.clock.Floor, Trust: document, Log: slog.New(slog.DiscardHandler),
		Pace: fleet.Pace{
			Retry:   fleet.Backoff{Min: 50 * time.Millisecond, Max: time.Second},
			Resend:  fleet.Backoff{Min: 500 * time.Millisecond, Max: 5 * time.Second},
			Poll:    50 * time.Millisecond,
			Publish: 5 * time.Second,
		},
	}, fleet.Ports{
		Outbox: d.journal, Orders: tray{d}, State: d.control.State, Changed: d.control.Changed(), Answers: d.commands.Answers(),
		Refused: func(r fleet.Reason, topic string) { d.control.Refused(string(r), topic) },
	})
}

// A tray is where fleet puts what the department says.
type tray struct{ d *display }

func (t tray) Power(context.Context, *trust.Verified, wire.PowerOrder) error { return nil }
func (t tray) Playlist(context.Context, []byte) error                        { return nil }
func (t tray) Trust(context.Context, []byte) error                           { return nil }

func (t tray) Command(ctx context.Context, v *trust.Verified, c wire.Command) error {
	return t.d.commands.Take(ctx, &c, command.Signed{People: v.People, Keys: v.Keys, Digest: v.Digest})
}
