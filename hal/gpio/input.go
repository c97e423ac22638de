package gpio

import (
	"context"
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"

	"bangtin/hal"
)

const (
	// contactDebounce is for doors, tamper and fire contacts and keys, of which 50 to 100 ms are usual.
	contactDebounce = 50 * time.Millisecond
	// mainsHold bridges the pauses of an optocoupler on the mains, which pulses at 100 Hz, twice in each 20 ms:
	// three pulses may be missed before the mains is called lost.
	mainsHold = 40 * time.Millisecond
	// maxDebounce bounds debounce and hold, below chatterLimit: above it everything is a fault.
	maxDebounce = time.Second
	// poll is how often a line without interrupts is read, and one that pulses. It divides neither the 10 ms nor the
	// 20 ms of what the mains makes pulse, so that reading never falls into step with the pauses, as the 40 ms do in
	// which the driver of the CP2112 looks for edges.
	poll = 7 * time.Millisecond
	// breath is the rest after each batch of edges, so that a line that buzzes cannot have the processor to itself.
	breath = time.Millisecond
	// inputBuffer is how many edges the kernel keeps for a contact: for a second and a half of the mains' pulses,
	// while nobody reads. A contact is also read as it is: edges that are lost do no harm.
	inputBuffer = 256
)

// InputConfig describes an input with two positions. The wiring is to be such that a cut cable is an alarm and never
// safe: a contact that is closed at rest between the line and ground, with a pull-up, and Line.ActiveLow false.
type InputConfig struct {
	Name string   // of the sensor in its readings
	Kind hal.Kind // Mains, Smoke, Door, Tamper or Key
	Line Line
	// Debounce is how long a level must stay to be believed, up to 1 s; 0 is 50 ms. Smoke is believed after that long in sum,
	// with pauses: of the sum they take a quarter of their own length.
	Debounce time.Duration
	// Hold is how long a line that pulses while it is active must be silent to be inactive, up to 1 s; 0 is 40 ms
	// for Mains and none for the others. With it Debounce is how long the pulses must have gone on.
	Hold time.Duration
}

// An Input watches a contact, a key or an optocoupler.
//
// A line that is missing, fails, belongs to another program or does not come to rest for 2 s reads as unknown with
// the reason, never as the last level; but a smoke detector that chatters and is active for more than a fifth of the time
// says smoke. A chip that returns is found again by what does not change about it.
type Input struct {
	cfg   InputConfig
	lines lines
}

// NewInput returns the input without opening its line. The error is a configuration that can never work.
func NewInput(cfg InputConfig) (*Input, error) { return newInput(cfg, kernel()) }

func newInput(cfg InputConfig, lines lines) (*Input, error) {
	if err := cfg.Line.check(); err != nil {
		return nil, err
	}
	switch cfg.Kind {
	case hal.Mains, hal.Smoke, hal.Door, hal.Tamper, hal.Key:
	default:
		return nil, fmt.Errorf("cannot use %v: a %s is not a thing with two positions", cfg.Line, cfg.Kind)
	}
	if cfg.Kind == hal.Smoke && silentWhenCut(cfg.Line) {
		return nil, fmt.Errorf("cannot use %v: with this pull and polarity a cut cable to the smoke detector reads as no fire", cfg.Line)
	}
	if min(cfg.Debounce, cfg.Hold) < 0 || max(cfg.Debounce, cfg.Hold) > maxDebounce {
		return nil, fmt.Errorf("cannot use %v: debounce and hold are 0 to %v", cfg.Line, maxDebounce)
	}
	if cfg.Debounce == 0 {
		cfg.Debounce = contactDebounce
	}
	if cfg.Hold == 0 && cfg.Kind == hal.Mains {
		cfg.Hold = mainsHold
	}
	return &Input{cfg: cfg, lines: lines}, nil
}

// silentWhenCut tells whether a line that nothing drives is inactive. Without a pull of its own nobody knows here.
func silentWhenCut(l Line) bool {
	return l.Pull == gpio.PullUp && l.ActiveLow || l.Pull == gpio.PullDown && !l.ActiveLow
}

// Run implements [hal.Sensor]. It returns ctx's error.
func (in *Input) Run(ctx context.Context, readings chan<- hal.Reading) error {
	watch := func() error { return in.watch(ctx, readings) }
	return run(ctx, readings, watch, in.unknown)
}

// watch reads the line until something fails.
func (in *Input) watch(ctx context.Context, readings chan<- hal.Reading) error {
	line, polled, err := in.open()
	if err != nil {
		return err
	}
	defer line.Close()
	level, err := line.level()
	if err != nil {
		return err
	}
	seen := line.now()
	c := newContact(in.cfg.Debounce, in.cfg.Hold, level, seen)
	c.tally = in.cfg.Kind == hal.Smoke
	var last hal.Reading
	for due := seen; ; {
		reading, ok := in.reading(c, seen)
		if ok && (seen >= due || !same(reading, last)) {
			if err := send(ctx, readings, reading); err != nil {
				return err
			}
			last, due = reading, seen+every
		}
		limit := min(c.next(seen), seen+alive) - seen
		if in.cfg.Hold > 0 {
			limit = min(limit, poll) // drivers that only pretend to have interrupts fall into step with the mains
		}
		if polled {
			seen, err = look(ctx, line, c)
		} else {
			seen, err = listen(ctx, line, c, limit)
		}
		if err != nil {
			return err
		}
	}
}

// open opens the line with edges, or where the chip has none to be read over and over.
func (in *Input) open() (line input, polled bool, err error) {
	line, err = in.lines.input(in.cfg.Line, inputBuffer)
	if errors.Is(err, errNoEdges) {
		line, err = in.lines.input(in.cfg.Line, 0)
		return line, true, err
	}
	return line, false, err
}

// listen waits for edges and feeds them. Then it reads the level: it finds edges that were lost, and a chip that is
// gone, which to somebody who waits for edges looks like a quiet line.
func listen(ctx context.Context, line input, c *contact, limit time.Duration) (seen time.Duration, err error) {
	edges, seen, err := line.wait(ctx, limit)
	if err != nil {
		return 0, err
	}
	for _, e := range edges {
		c.feed(e.active, e.at)
	}
	level, err := line.level()
	if err != nil {
		return 0, err
	}
	c.settle(seen)
	c.sample(level, line.now())
	if len(edges) > 0 {
		return seen, rest(ctx, breath)
	}
	return seen, ctx.Err()
}

// look reads the level of a line without edges.
func look(ctx context.Context, line input, c *contact) (seen time.Duration, err error) {
	if err := rest(ctx, poll); err != nil {
		return 0, err
	}
	level, err := line.level()
	if err != nil {
		return 0, err
	}
	seen = line.now()
	c.sample(level, seen)
	c.settle(seen)
	return seen, nil
}

// reading is what can be said now; nothing while the first level has yet to settle.
func (in *Input) reading(c *contact, now time.Duration) (hal.Reading, bool) {
	if c.chatters(now) {
		return in.unknown(fmt.Errorf("%v does not come to rest", in.cfg.Line)), true
	}
	r := hal.Reading{Sensor: in.cfg.Name, Kind: in.cfg.Kind, Quality: hal.QualityGood, Active: c.level, At: time.Now()}
	return r, c.known
}

func (in *Input) unknown(err error) hal.Reading {
	return hal.Reading{Sensor: in.cfg.Name, Kind: in.cfg.Kind, Reason: err.Error(), At: time.Now()}
}

// same tells whether two readings differ in nothing but their time.
func same(a, b hal.Reading) bool {
	a.At = b.At
	return a == b
}
