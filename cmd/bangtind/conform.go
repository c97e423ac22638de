package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"bangtin/hal"
	"bangtin/hal/cec"
	"bangtin/hal/haltest"
	"bangtin/hal/sim"
	"bangtin/internal/site"
)

// smoke runs the suite that every driver passes, on a simulated panel or on the one that is wired.
func (m *Main) smoke(ctx context.Context, s *site.Site, args []string) int {
	flags := flag.NewFlagSet("bangtind smoke", flag.ContinueOnError)
	flags.SetOutput(m.Stderr)
	hardware := flags.Bool("hardware", false, "on the panel that the site file names: it goes on and off several times")
	sure := flags.Bool("yes", false, "do not ask before")
	language := flags.String("language", "", "vi or en; otherwise that of the environment")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return exitUsage
	}
	words, err := m.speak(*language)
	if err != nil {
		fmt.Fprintln(m.Stderr, err)
		return exitUsage
	}
	if !*hardware || m.simulate {
		s.Panel, s.Relay = site.Panel{Driver: site.Sim}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := meet(ctx, words, m.Stdin, m.Stdout)
	if s.Panel.Driver != site.Sim {
		held, err := m.alone(s, p)
		if err != nil {
			fmt.Fprintln(m.Stderr, err)
			return exitFailed
		}
		defer held.Close()
		if err := m.noFire(ctx, s); err != nil {
			fmt.Fprintln(m.Stderr, err)
			return exitFailed
		}
		if !*sure && p.asks(ctx, say("The panel goes on and off several times, for up to half an hour. Begin?")) != yes {
			p.tell(say("Nothing was done."))
			return exitFailed
		}
	}
	good, err := m.conform(ctx, s, p)
	if err != nil {
		fmt.Fprintln(m.Stderr, err)
		return exitFailed
	}
	if !good {
		return exitFailed
	}
	return exitOK
}

// conform runs the suite and keeps what came of it, with all that was said on the line.
func (m *Main) conform(ctx context.Context, s *site.Site, p *person) (good bool, err error) {
	script := newTranscript()
	driver, err := m.driver(s, script)
	if err != nil {
		return false, err
	}
	w, guard := &wired{sys: cmp.Or(m.sys, sysFolder)}, newSenses()
	if s.Panel.Driver != site.Sim {
		w.addContacts(s.Contacts)
		w.addThermometers(s.Thermometers, m.logger())
	}
	w.addRelay(s.Relay, guard.smoking, m.logger())
	if err := w.unusable(); err != nil {
		return false, err
	}
	watching, end := context.WithCancel(ctx)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var fed *heldRelay
	parts, _ := errgroup.WithContext(watching)
	defer func() {
		end()
		if guarded := parts.Wait(); guarded != nil && !errors.Is(guarded, context.Canceled) {
			err = errors.Join(err, fmt.Errorf("cannot guard the panel: %w", guarded))
		}
		if fed != nil {
			err = errors.Join(err, fed.failure())
		}
		err = errors.Join(err, w.Close())
	}()
	parts.Go(func() error {
		err := guard.run(watching, w.sensors)
		if watching.Err() == nil {
			stop(fmt.Errorf("cannot go on with a panel that nobody watches: %w", err))
		}
		return err
	})
	if w.relay != nil {
		fed = holdClosed(w.relay)
		parts.Go(func() error { return fed.keep(watching) })
		p.tell(say("The relay closes, after its dwell of %v …", s.Relay.Dwell))
		if err := fed.set(ctx, true); err != nil {
			return false, err
		}
	}
	parts.Go(func() error {
		why := guard.burns(watching, safety(s, false))
		if why == "" {
			return watching.Err()
		}
		stop(fmt.Errorf("cannot go on with a panel near a fire: %s", why))
		if fed != nil {
			return fed.set(watching, false)
		}
		return nil
	})
	var checks strings.Builder
	fmt.Fprintf(&checks, "the panel says:\n%s\n", indented(greet(ctx, driver())))
	bench := haltest.Harness[haltest.T]{Setup: func(t haltest.T) haltest.Bench { return wiredBench(t, driver, script) }}
	if s.Panel.Driver == site.Sim {
		bench.Setup = func(haltest.T) haltest.Bench { return simBench() }
	}
	good = haltest.RunReport(ctx, bench, both{p.out, &checks})
	fire := context.Cause(ctx)
	if fire != nil && !errors.Is(fire, context.Canceled) {
		good = false
		fire = errors.Join(fire, putOut(driver()))
		fmt.Fprintf(&checks, "%v\n", fire)
	} else {
		fire = nil
	}
	path, err := m.keep(s, "smoke", m.header(s, "bangtind smoke")+checks.String()+"\n"+script.String())
	if err != nil {
		return false, err
	}
	p.tell(say("The report is in %s", path))
	if s.Panel.Driver != site.Sim {
		p.tell(say("The display is not on air yet. Start it with: systemctl start bangtind"))
	}
	return good, fire
}

// putOut switches a panel off that may have lost its supply.
func putOut(p hal.Panel) error {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	return errors.Join(p.SetPower(ctx, false), p.Close())
}

// driver says how to come by a driver of the panel whose line is written down.
func (m *Main) driver(s *site.Site, script *transcript) (func() hal.Panel, error) {
	log := m.logger()
	switch s.Panel.Driver {
	case site.Sim:
		return sim.NewRig(sim.Config{WarmUp: -1}).Panel, nil
	case site.HDMI:
		return nil, errors.New("cannot test a panel that nobody can talk to: panel.driver is \"hdmi\"")
	case site.CEC:
		return func() hal.Panel {
			return &operations{cec.New(cec.Config{Device: s.Panel.Port, OSDName: osdName, Log: slog.New(slog.NewTextHandler(script, nil))}), script}
		}, nil
	}
	if _, err := newLine(s.Panel, nil, log); err != nil {
		return nil, err
	}
	return func() hal.Panel {
		line, err := newLine(s.Panel, script.open, log)
		if err != nil {
			panic("bug: the same line was good before: " + err.Error())
		}
		return line
	}, nil
}

// simBench is a simulated panel with all that can go wrong with it.
func simBench() haltest.Bench {
	rig := sim.NewRig(sim.Config{WarmUp: 200 * time.Millisecond, Latency: time.Millisecond, Reply: 50 * time.Millisecond})
	fault := func(f sim.PanelFault) func(bool) {
		return func(active bool) { rig.SetPanelFault(f, active) }
	}
	return haltest.Bench{
		New: rig.Panel, Lit: func() bool { return rig.Snapshot().Panel == hal.PowerOn }, Silence: fault(sim.Silent),
		Refuse: map[string]func(bool){"no": fault(sim.Refuses)}, Disobey: fault(sim.Disobeys), Blind: fault(sim.Blind), CutPower: rig.LosePower,
	}
}

// wiredBench is the panel on the wall: it can be switched and asked, and nothing can be done to it.
func wiredBench(t haltest.T, driver func() hal.Panel, script *transcript) haltest.Bench {
	script.note("a new check")
	p := driver()
	err := p.SetPower(t.Context(), false)
	for tries := 1; err != nil && tries < 10 && t.Context().Err() == nil; tries++ { // deaf while it warms up or cools down
		rest(t.Context(), 2*time.Second)
		err = p.SetPower(t.Context(), false)
	}
	rest(t.Context(), settles(p, false))
	if err := errors.Join(err, p.Close()); err != nil {
		t.Fatalf("the panel does not go off before the check: %v", err)
	}
	return haltest.Bench{New: driver}
}

// greet asks a panel that is on who it is: many tell nothing in standby.
func greet(ctx context.Context, p hal.Panel) []string {
	var said []string
	if err := p.SetPower(ctx, true); err != nil {
		said = append(said, err.Error())
	}
	rest(ctx, settles(p, true))
	said = append(said, whoIs(ctx, p)...)
	if err := p.Close(); err != nil {
		said = append(said, err.Error())
	}
	return said
}

// whoIs is what a panel tells of itself, a line each. What it does not tell stands there with the reason.
func whoIs(ctx context.Context, p hal.Panel) []string {
	var all []string
	add := func(what, value string, err error) {
		if err != nil {
			value = "not told: " + err.Error()
		}
		all = append(all, what+"="+value)
	}
	if i, ok := p.(hal.Identifier); ok {
		model, err := i.Model(ctx)
		add("model", model, err)
		serial, err := i.Serial(ctx)
		add("serial", serial, err)
	}
	if h, ok := p.(hal.HourMeter); ok {
		hours, err := h.Hours(ctx)
		add("hours", fmt.Sprint(hours), err)
	}
	if th, ok := p.(hal.Thermometer); ok {
		temperature, err := th.Temperature(ctx)
		add("temperature", temperature.String(), err)
	}
	return all
}

func indented(lines []string) string { return "     " + strings.Join(lines, "\n     ") + "\n" }

// both writes to a terminal, which may go away, and to the report, which stays.
type both struct {
	terminal io.Writer
	report   *strings.Builder
}

func (b both) Write(p []byte) (int, error) {
	_, _ = b.terminal.Write(p)
	return b.report.Write(p)
}

// operations writes down what a panel without a line of bytes is asked, and what it says.
type operations struct {
	*cec.Panel
	script *transcript
}

func (o *operations) SetPower(ctx context.Context, on bool) error {
	err := o.Panel.SetPower(ctx, on)
	o.script.note(fmt.Sprintf("SetPower(%v): %v", on, err))
	return err
}

func (o *operations) Power(ctx context.Context) (hal.Power, error) {
	power, err := o.Panel.Power(ctx)
	o.script.note(fmt.Sprintf("Power: %v, %v", power, err))
	return power, err
}
