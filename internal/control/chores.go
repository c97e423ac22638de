package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
)

// How often the panel is asked for what is not its power, while it is on and as it shall be. All of it goes over the one
// line that switches it, so none of it is asked in the lead before a window, no two in one step, and what answers no or
// not at all is left alone for long. A new wish for its power ends a question that is under way.
const (
	signalEvery   = 30 * time.Second // a lost picture is noticed as soon as a lost player would be
	insideEvery   = time.Minute      // a panel of 5 kg and 0.5 kJ/(kg K) that turns 100 W into heat warms by 2.4 K in it
	diagnoseEvery = 5 * time.Minute
	hoursEvery    = 15 * time.Minute
	// unsupportedFor and refusedFor are how long a panel is not asked again what it has no word for, or will not tell.
	unsupportedFor = 24 * time.Hour
	refusedFor     = time.Hour
	// toldFresh is how many of its intervals an answer is believed for: two may be lost.
	toldFresh = 3
)

// insideSensor is the panel's own thermometer among the sensors. A site file's names must not be the same.
const insideSensor = "panel-inside"

// insideIgnored is what a site file has to say where the panel's own thermometer lies.
const insideIgnored = `panel.thermometer = "ignore"`

// Told is what the panel tells of itself beyond its power.
type Told struct {
	Inside     hal.Reading // of its own thermometer; no Sensor where it has none or is off
	Signal     Signal
	Socket     Socket
	Faults     []string  // what it finds wrong with itself
	FaultsAt   time.Time // when it told them, process time
	Hours      int       // on, in its life; 0 where it does not tell
	Brightness int       // percent, as it was read back lately; LeaveBrightness where it does not tell
	Dimmed     int       // what it was in percent when the heat took it down; LeaveBrightness where nothing is to be given back
	Disobeys   string    // how its brightness differs from what was asked for, again and again; empty when it does not
}

// A Signal is whether the panel sees a picture on its input. Times are process time.
type Signal struct {
	Present bool
	At      time.Time // when the panel told; zero if it never did since it was switched on
	SeenAt  time.Time // when it last saw a picture
}

// A chore is a question to the panel that can wait.
type chore struct {
	every time.Duration
	ask   func(context.Context) (soon bool, err error) // soon: the answer needs another one to be believed
	keen  func() bool                                  // silence is no reason to ask less often now; nil for never
	next  time.Time
	fails int
}

// chores lists the questions that this panel may have an answer to, the most urgent first.
func (k *panelKeeper) questions() []*chore {
	var all []*chore
	if p, ok := k.panel.(hal.Thermometer); ok {
		all = append(all, &chore{every: insideEvery, ask: func(ctx context.Context) (bool, error) {
			t, err := p.Temperature(ctx)
			if err != nil {
				return false, err
			}
			return k.inside.take(t, time.Now(), &k.seen.Told.Inside), nil
		}})
	}
	if p, ok := k.panel.(hal.SignalDetector); ok {
		missed := func() bool { return k.picture.missed > 0 }
		all = append(all, &chore{every: signalEvery, keen: missed, ask: func(ctx context.Context) (bool, error) {
			present, err := p.Signal(ctx)
			if missed() && denied(err) {
				present, err = false, nil // it takes nothing back; and it is asked on
			}
			if err != nil {
				return false, err
			}
			return k.picture.take(present, time.Now(), &k.seen.Told.Signal), nil
		}})
	}
	if p, ok := k.panel.(hal.Diagnoser); ok {
		all = append(all, &chore{every: diagnoseEvery, ask: func(ctx context.Context) (bool, error) {
			faults, err := p.Diagnose(ctx)
			if err == nil {
				k.seen.Told.Faults, k.seen.Told.FaultsAt = faults[:min(len(faults), 16)], time.Now()
			}
			return false, err
		}})
	}
	if p, ok := k.panel.(hal.HourMeter); ok {
		all = append(all, &chore{every: hoursEvery, ask: func(ctx context.Context) (bool, error) {
			hours, err := p.Hours(ctx)
			if err == nil {
				k.seen.Told.Hours = max(0, hours)
			}
			return false, err
		}})
	}
	return all
}

// atEase says that the panel is on, as it shall be, and that there is nothing else to do.
func (k *panelKeeper) atEase() bool {
	now := time.Now()
	switch {
	case !k.wish.on || now.Before(k.quiet):
		return false
	case k.seen.Blind:
		return k.seen.Obeyed
	}
	return k.seen.Power == hal.PowerOn && k.seen.Err == nil
}

// tend asks the panel at most one thing.
func (k *panelKeeper) tend(ctx context.Context) {
	if !k.wish.on {
		k.rest()
		return
	}
	if !k.atEase() {
		return
	}
	if k.light != nil && (k.wish.calm || k.wish.hot) && k.light.tend(ctx, k.wish.ask, k.aside) {
		k.seen.Told.Brightness, k.seen.Told.Dimmed, k.seen.Told.Disobeys = k.light.told(), k.light.before, k.light.disobeys()
		k.report(k.seen)
		return
	}
	c := k.socket.urgent()
	if c == nil && k.wish.calm && len(k.chores) > 0 {
		// What has waited longest comes first, so that a question which is asked again at once keeps no other waiting.
		c = slices.MinFunc(k.chores, func(a, b *chore) int { return a.next.Compare(b.next) })
	}
	if c == nil || time.Now().Before(c.next) {
		return
	}
	var soon bool
	err := k.aside(ctx, func(ctx context.Context) (err error) {
		soon, err = c.ask(ctx)
		return err
	})
	if closed(k.wish.replaced) {
		return
	}
	c.done(soon, err)
	k.socket.urge(c, k.seen.Told.Socket)
	k.report(k.seen)
}

// aside is an exchange that a new wish for the power ends.
func (k *panelKeeper) aside(ctx context.Context, call func(context.Context) error) error {
	return unless(ctx, k.wish.replaced, call)
}

// done says when to ask again.
func (c *chore) done(soon bool, err error) {
	now := time.Now()
	switch {
	case errors.Is(err, hal.ErrUnsupported):
		c.next = now.Add(unsupportedFor)
	case errors.Is(err, hal.ErrRefused):
		c.next = now.Add(refusedFor)
	case err != nil && c.keen != nil && c.keen():
		c.next = now.Add(c.every)
	case err != nil:
		c.fails = min(c.fails+1, 4)
		c.next = now.Add(c.every << c.fails)
	case soon:
		c.fails = 0
		c.next = now
	default:
		c.fails = 0
		c.next = now.Add(c.every)
	}
}

// denied says that the panel has answered, and does not tell.
func denied(err error) bool {
	return errors.Is(err, hal.ErrRefused) || errors.Is(err, hal.ErrUnsupported)
}

// rest forgets what is true only of a panel that is on. Its first questions come after it has been on for a while.
func (k *panelKeeper) rest() {
	told := &k.seen.Told
	if told.Inside.Sensor == "" && told.Signal.At.IsZero() && told.Socket.Name == "" && told.Brightness == LeaveBrightness && len(told.Faults) == 0 {
		return
	}
	k.inside, k.picture = inside{}, picture{}
	if k.light != nil {
		k.light.rest()
	}
	told.Socket = Socket{RightAt: told.Socket.RightAt}
	told.Inside, told.Signal, told.Brightness, told.Faults = hal.Reading{}, Signal{}, LeaveBrightness, nil
	for _, c := range k.chores {
		if soonest := time.Now().Add(panelPoll); c.next.Before(soonest) {
			c.next = soonest
		}
	}
	k.report(k.seen)
}

// A picture believes a missing signal the second time, as a change of the output's mode looks like one for a moment.
type picture struct {
	missed int
}

func (p *picture) take(present bool, now time.Time, s *Signal) (soon bool) {
	if present {
		p.missed = 0
		*s = Signal{Present: true, At: now, SeenAt: now}
		return false
	}
	if p.missed++; p.missed < 2 {
		return true
	}
	s.Present, s.At = false, now
	return !s.SeenAt.IsZero() // so that its return is noticed as soon; a panel that has no word for it would be asked so all day
}

// An inside judges the panel's own thermometer. It is a number in a frame, of a unit that some documents do not name, and
// may put the display out until somebody comes: what no panel has is not believed once, and a value that is hot, or far
// from the one before, must come twice. Twice is as much again, or more: a panel that burns warms by more than any step
// between two answers, so only a fall is bounded. One that is above insideHot as soon as it is switched on has not warmed: it
// is believed once it has risen, or is below.
type inside struct {
	last    physic.Temperature
	known   bool
	waiting bool               // last must come again
	soons   int                // how often in a row the next answer was wanted at once
	first   physic.Temperature // the first credible answer above insideHot, where none was below before; else 0
	lives   bool               // it was below insideHot, or has risen from first
}

const (
	insideLowest  = physic.ZeroCelsius - 20*physic.Celsius  // below it no panel is specified to work
	insideHighest = physic.ZeroCelsius + 110*physic.Celsius // above it no liquid crystal shows anything any more; it is garbage, or a fire
	insideMost    = physic.ZeroCelsius + 125*physic.Celsius // what the usual sensors measure; above it a panel has none, and tells 7F or FF
	insideWarm    = physic.ZeroCelsius + 60*physic.Celsius  // from here on an answer has consequences, or is near to
	insideHot     = physic.ZeroCelsius + 70*physic.Celsius  // above it no panel begins, not on the hottest day: our judgement
	insideJump    = 10 * physic.Kelvin                      // more than a panel warms by between two answers
	insideSame    = 5 * physic.Kelvin
)

// insideSoons is how often in a row a panel is asked again at once: one that tells nonsense has other things to tell.
const insideSoons = 2

func (i *inside) take(t physic.Temperature, now time.Time, into *hal.Reading) (soon bool) {
	credible := i.credible(t)
	i.last, i.known, i.waiting = t, true, !credible
	switch {
	case credible && !i.moves(t):
		i.soons = 0
		*into = hal.Reading{
			Sensor: insideSensor, Kind: hal.Temperature, At: now,
			Reason: fmt.Sprintf("the panel tells %s since it is on, and is not seen to warm: if it lies, write %s", t, insideIgnored),
		}
		return false
	case credible:
		i.soons = 0
		*into = hal.Reading{Sensor: insideSensor, Kind: hal.Temperature, Quality: hal.QualityGood, Temperature: t, At: now}
		return false
	case t < insideLowest, t > insideHighest:
		i.known = t > insideHighest && t <= insideMost
		*into = hal.Reading{Sensor: insideSensor, Kind: hal.Temperature, At: now, Reason: "the panel tells " + t.String()}
	}
	i.soons++
	return i.soons <= insideSoons
}

// moves reports whether a credible answer is of a thermometer that was seen to follow the panel.
func (i *inside) moves(t physic.Temperature) bool {
	if !i.lives && i.first == 0 && t > insideHot {
		i.first = t
	}
	i.lives = i.lives || t <= insideHot || t >= i.first+insideSame
	return i.lives
}

// credible compares an answer with the one before.
func (i *inside) credible(t physic.Temperature) bool {
	step := max(t-i.last, i.last-t)
	switch {
	case t < insideLowest:
		return false
	case t > insideHighest:
		return t <= insideMost && i.known && i.last > insideHighest
	case !i.known:
		return t < insideWarm
	case t >= insideWarm && i.waiting && i.last >= insideWarm:
		return t >= i.last-insideSame
	case t >= insideWarm:
		return step <= insideSame
	}
	return step <= insideJump
}
