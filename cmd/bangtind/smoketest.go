package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/site"
	"bangtin/media/mpv"
)

// A smokeTest is one walk through everything that is wired, with the person who wired it.
type smokeTest struct {
	m      *Main
	site   *site.Site
	person *person
	wired  *wired
	senses *senses
	relay  *heldRelay // nil where none is wired
	steps  []*step
}

// smokeTest commissions a display.
func (m *Main) smokeTest(ctx context.Context, s *site.Site, args []string) int {
	flags := flag.NewFlagSet("bangtind smoke-test", flag.ContinueOnError)
	flags.SetOutput(m.Stderr)
	language := flags.String("language", "", "vi or en; otherwise that of the environment")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return exitUsage
	}
	words, err := m.speak(*language)
	if err != nil {
		fmt.Fprintln(m.Stderr, err)
		return exitUsage
	}
	if m.simulate {
		s.Panel = site.Panel{Driver: site.Sim}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &smokeTest{m: m, site: s, person: meet(ctx, words, m.Stdin, m.Stdout), senses: newSenses()}
	code, err := t.run(ctx)
	if err != nil {
		fmt.Fprintln(m.Stderr, err)
		return exitFailed
	}
	return code
}

func (t *smokeTest) run(ctx context.Context) (code int, err error) {
	held, err := t.m.alone(t.site, t.person)
	if err != nil {
		return exitFailed, err
	}
	defer held.Close()
	if err := t.m.noFire(ctx, t.site); err != nil {
		return exitFailed, err
	}
	end, err := t.wireUp(ctx)
	if err != nil {
		return exitFailed, err
	}
	t.walk(ctx)
	if err := end(); err != nil {
		t.steps = append(t.steps, &step{name: say("the end"), verdict: failed, seen: []phrase{asIs(err.Error())}})
	}
	text := t.person.summary(t.steps)
	fmt.Fprintf(t.m.Stdout, "\n%s\n", text)
	path, err := t.m.keep(t.site, "smoke-test", t.m.header(t.site, "bangtind smoke-test")+text)
	if err != nil {
		return exitFailed, err
	}
	t.person.tell(say("The report is in %s", path))
	t.person.tell(say("The display is not on air yet. Start it with: systemctl start bangtind"))
	return verdictOf(t.steps), nil
}

// alone takes the display's lock: two programs on one panel hear half of it each.
func (m *Main) alone(s *site.Site, p *person) (*os.File, error) {
	if err := os.MkdirAll(s.Data, 0o750); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	held, err := lock(filepath.Join(s.Data, lockFile))
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w\n%s", err, p.text(say(
			"The display is running. Stop it with: systemctl stop bangtind — and after the test start it with: systemctl start bangtind")))
	}
	return held, err
}

// wireUp builds the hardware that the site file names, and what else a test needs. end undoes it.
func (t *smokeTest) wireUp(ctx context.Context) (end func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var running []chan error
	start := func(part func(context.Context) error) {
		done := make(chan error, 1)
		running = append(running, done)
		go func() { done <- part(ctx) }()
	}
	folder := ""
	if t.site.Panel.Driver == site.Sim {
		t.wired = &wired{}
		t.wired.simulate(sim.NewRig(sim.Config{}))
	} else {
		runtime := playerFolder(t.m.player)
		if t.m.player == "" {
			if folder, err = os.MkdirTemp("", "bangtind-smoke-"); err != nil {
				cancel()
				return nil, fmt.Errorf("cannot make a folder for the player: %w", err)
			}
			runtime = folder
		}
		player := mpv.New(mpv.Options{ // a picture to be looked at and measured: the player's own
			Player: t.m.player, Runtime: runtime, Fonts: fontDir, Video: mpv.VideoMode(t.site.Output.Video), Mode: t.site.Output.Mode,
			Rotate: t.site.Output.Rotate, Environ: os.Environ(), Log: t.m.logger(),
		})
		if t.wired, err = wireUp(t.site, cmp.Or(t.m.sys, sysFolder), player, t.senses.smoking, t.m.logger()); err != nil {
			cancel()
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
		if err := t.wired.unusable(); err != nil { // a display does without; a proof is of everything
			cancel()
			return nil, errors.Join(err, t.wired.Close(), os.RemoveAll(folder))
		}
		start(player.Run)
	}
	if t.m.rewire != nil {
		t.m.rewire(t.wired, t.senses.smoking)
	}
	t.senses.expect(t.wired.expect)
	start(func(ctx context.Context) error { return t.senses.run(ctx, t.wired.sensors) })
	if t.wired.relay != nil {
		t.relay = holdClosed(t.wired.relay)
		start(t.relay.keep)
	}
	return func() error {
		cancel()
		var all []error
		for _, done := range running {
			if err := <-done; !errors.Is(err, context.Canceled) {
				all = append(all, err)
			}
		}
		all = append(all, t.wired.Close())
		if folder != "" {
			all = append(all, os.RemoveAll(folder))
		}
		return errors.Join(all...)
	}, nil
}

// walk goes through the steps. An interrupted one leaves the rest untried.
func (t *smokeTest) walk(ctx context.Context) {
	t.person.tell(say("This test switches the panel on and off and opens its relay. Stay at the display: while it runs nothing else watches for smoke, and Ctrl-C ends it."))
	steps := t.contacts()
	steps = append(steps, t.thermometers)
	steps = append(steps, t.panelSteps()...)
	if t.relay != nil {
		steps = append(steps, t.cutSupply)
	}
	steps = append(steps, t.chain)
	for _, try := range steps {
		s := &step{}
		t.steps = append(t.steps, s)
		try(ctx, s)
		if ctx.Err() != nil && s.verdict != failed {
			s.verdict = untried
			s.saw(say("interrupted"))
		}
		fmt.Fprintln(t.m.Stdout, t.person.summary([]*step{s}))
		t.relayKept()
	}
}

// relayKept is a step of its own, and a failed one, where the relay could not be kept as it was set during the last.
func (t *smokeTest) relayKept() {
	if t.relay == nil {
		return
	}
	if err := t.relay.failure(); err != nil {
		s := &step{name: say("relay, outside its step")}
		s.fail(asIs(err.Error()))
		t.steps = append(t.steps, s)
		fmt.Fprintln(t.m.Stdout, t.person.summary([]*step{s}))
	}
}

// noFire refuses to feed a panel that was cut off by a fire that nobody has cleared. As for the daemon, either place where
// the latch stands is enough, and a damaged latch file is none. It reads a copy of the journal, which belongs to the daemon.
func (m *Main) noFire(ctx context.Context, s *site.Site) error {
	fire, err := control.ReadLatchFile(filepath.Join(s.Data, latchFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.logger().Warn("the fire latch is known from the journal alone", "err", err)
	}
	from := filepath.Join(s.Data, journalFile)
	if _, err := os.Stat(from); fire == "" && !errors.Is(err, os.ErrNotExist) { // else it has not run yet
		if fire, err = m.standingFire(ctx, s, from); err != nil {
			return fmt.Errorf("cannot tell whether the display is cut off by a fire, run it once before: %w", err)
		}
	}
	if fire != "" {
		return fmt.Errorf("cannot switch a panel that a fire has cut off (%s): start bangtind, and lift it with bangtind clear-fire", fire)
	}
	return nil
}

func (m *Main) standingFire(ctx context.Context, s *site.Site, from string) (fire string, err error) {
	key, err := loadKey(filepath.Join(s.Data, journalKeyFile))
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "bangtind-smoke-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err := copyJournal(folder, from); err != nil {
		return "", err
	}
	clock := m.plainClock()
	j, err := sqlite.Open(ctx, sqlite.Options{
		Path: filepath.Join(folder, journalFile), Key: key, Expected: true, Stamp: clock.Stamp, Log: m.logger(),
	})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	if lost := j.Recovered().String(); lost != "" {
		return "", errors.New(lost)
	}
	orders, err := control.LoadOrders(ctx, j, clock, m.logger())
	if err != nil {
		return "", err
	}
	return orders.Fire(), nil
}

// plainClock is the system's clock as it is: a test accounts for nothing.
func (m *Main) plainClock() *control.Clock {
	return control.NewClock("smoke-test", m.Wall(), m.system())
}

// soon is how long something may take that needs nobody: a sensor's first reading.
const soon = 15 * time.Second
