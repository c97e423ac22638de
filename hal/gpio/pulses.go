package gpio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
)

const (
	// pulseDebounce is below a third of the 30 ms that pulse and pause last at least (EN 62053-31).
	pulseDebounce = 8 * time.Millisecond
	// pulsePeriod is the least between the beginnings of two pulses: 60 ms by the same standard, less 10 for kernels
	// whose interrupts were late. What comes sooner is the same pulse, bouncing longer than the debounce.
	pulsePeriod = 50 * time.Millisecond
	// maxPulseDebounce: a debounce of 10 ms or more could swallow pulses of a meter in a hurry.
	maxPulseDebounce = 10 * time.Millisecond
	// pulseBuffer is the most that the kernel gives to one line (GPIO_V2_LINES_MAX × 16): half a minute of the
	// fastest meter, 16 pulses a second, or three seconds when each of its edges bounces ten times.
	pulseBuffer = 1024
	// maxPulsesPerKWh: meters have 100 to 10,000.
	maxPulsesPerKWh = 100_000
	joulesPerKWh    = 3_600_000
)

// PulseConfig describes the S0 output of an energy meter.
type PulseConfig struct {
	Name         string // of the sensor in its readings
	Line         Line   // active while the meter's output conducts
	PulsesPerKWh int    // printed on the meter; 1 to 100,000
	// Debounce is how long pulse and pause must last to count, below 10 ms; 0 is 8 ms.
	Debounce time.Duration
	// Quiet is the least that the panel draws, in standby; 0 is not known. It says how rare pulses may become: without
	// it a panel that goes to less than a twentieth of what it drew is unknown until its second slow pulse.
	Quiet physic.Power
	Log   *slog.Logger // nil: what is lost is in the readings alone. At debug it says how much a line bounced
}

// Pulses counts the pulses of an energy meter and sends hal.Meter readings: Joules since Run began, Watts of the
// last pulses and never more than the time without a pulse still allows.
//
// A reading is unknown while the line is missing, before there were two pulses, and once after pulses may have been
// lost; the count goes on then. It is also unknown once no pulse came for much longer than before, until one comes
// again: 20 times the interval before, or 2 intervals of Quiet where that is longer. A meter that stands still cannot be
// told from a cut wire, so its silence never says that the panel draws nothing.
type Pulses struct {
	cfg   PulseConfig
	lines lines
}

// NewPulses returns the counter without opening its line. The error is a configuration that can never work.
func NewPulses(cfg PulseConfig) (*Pulses, error) { return newPulses(cfg, kernel()) }

func newPulses(cfg PulseConfig, lines lines) (*Pulses, error) {
	if err := cfg.Line.check(); err != nil {
		return nil, err
	}
	if cfg.PulsesPerKWh < 1 || cfg.PulsesPerKWh > maxPulsesPerKWh {
		return nil, fmt.Errorf("cannot count pulses on %v: a meter has 1 to %d pulses per kWh, not %d", cfg.Line, maxPulsesPerKWh, cfg.PulsesPerKWh)
	}
	if cfg.Debounce < 0 || cfg.Debounce >= maxPulseDebounce {
		return nil, fmt.Errorf("cannot count pulses on %v: the debounce is below %v", cfg.Line, maxPulseDebounce)
	}
	if cfg.Quiet < 0 {
		return nil, fmt.Errorf("cannot count pulses on %v: a panel does not draw %v", cfg.Line, cfg.Quiet)
	}
	if cfg.Debounce == 0 {
		cfg.Debounce = pulseDebounce
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Pulses{cfg: cfg, lines: lines}, nil
}

// Run implements [hal.Sensor]. It returns ctx's error.
func (p *Pulses) Run(ctx context.Context, readings chan<- hal.Reading) error {
	var count int64
	watch := func() error { return p.watch(ctx, readings, &count) }
	unknown := func(err error) hal.Reading { return p.reading(count, 0, err) }
	return run(ctx, readings, watch, unknown)
}

// watch counts until something fails.
func (p *Pulses) watch(ctx context.Context, readings chan<- hal.Reading, count *int64) error {
	line, err := p.lines.input(p.cfg.Line, pulseBuffer)
	if errors.Is(err, errNoEdges) {
		return fmt.Errorf("cannot count pulses: %w", err)
	} else if err != nil {
		return err
	}
	defer line.Close()
	level, err := line.level()
	if err != nil {
		return err
	}
	seen := line.now()
	m := &meter{pulse: joulesPerKWh / float64(p.cfg.PulsesPerKWh), quiet: float64(p.cfg.Quiet) / float64(physic.Watt)}
	t := &train{contact: newContact(p.cfg.Debounce, 0, level, seen)}
	defer func() {
		p.cfg.Log.Debug("a meter's line is let go", "sensor", p.cfg.Name, "edges", t.seq, "pulses", *count)
	}()
	for due := seen + alive; ; {
		for _, at := range t.pulses {
			*count++
			m.add(at)
		}
		if seen >= due {
			if err := send(ctx, readings, p.report(*count, m, t, seen)); err != nil {
				return err
			}
			due = seen + every
		}
		limit := min(t.contact.next(seen), due, seen+alive) - seen
		if seen, err = t.listen(ctx, line, limit); err != nil {
			return err
		}
	}
}

// report is the reading that is due.
func (p *Pulses) report(count int64, m *meter, t *train, now time.Duration) hal.Reading {
	watts, silence, known := m.watts(now)
	switch {
	case t.lost > 0:
		err := fmt.Errorf("the kernel had no room for %d edges of %v, up to %d pulses are missing", t.lost, p.cfg.Line, (t.lost+1)/2)
		p.cfg.Log.Warn("pulses are lost", "sensor", p.cfg.Name, "edges", t.lost, "line", p.cfg.Line.String())
		t.lost = 0
		return p.reading(count, watts, err)
	case t.contact.chatters(now):
		return p.reading(count, watts, fmt.Errorf("%v does not come to rest", p.cfg.Line))
	case silence > 0:
		return p.reading(count, watts, fmt.Errorf("no pulse for %v: the meter stands still, or its wire is cut", silence.Truncate(time.Second)))
	case !known:
		return p.reading(count, watts, errors.New("there were not yet two pulses to tell the power from"))
	}
	r := p.reading(count, watts, nil)
	r.At = r.At.Add(-max(0, now-m.last)) // since then nothing was observed
	r.From = r.At.Add(m.since - m.last)
	r.Pulse = physic.Energy(m.pulse * float64(physic.Joule))
	return r
}

func (p *Pulses) reading(count int64, watts float64, err error) hal.Reading {
	r := hal.Reading{Sensor: p.cfg.Name, Kind: hal.Meter, Quality: hal.QualityGood, At: time.Now()}
	r.Joules = count * joulesPerKWh / int64(p.cfg.PulsesPerKWh)
	if err != nil {
		r.Quality, r.Reason = hal.QualityUnknown, err.Error()
		return r
	}
	r.Watts = physic.Power(watts * float64(physic.Watt))
	return r
}

// A train finds the pulses in a line's edges.
type train struct {
	contact *contact
	pulses  []time.Duration // when those began that the last listen found
	last    time.Duration   // when the last of all began
	some    bool            // there was one
	seq     uint32          // of the last edge
	lost    int             // edges that never came
}

// listen waits for edges and finds the pulses in them. They are judged by the kernel's times: a process that came
// late counts as well as one in time. Then it reads the line to find a chip that is gone; the level itself would
// only confuse the count, as it may be that of an edge still to be told.
func (t *train) listen(ctx context.Context, line input, limit time.Duration) (seen time.Duration, err error) {
	t.pulses = t.pulses[:0]
	edges, seen, err := line.wait(ctx, limit)
	if err != nil {
		return 0, err
	}
	for _, e := range edges {
		t.lost += int(e.seq - t.seq - 1)
		t.seq = e.seq
		t.note(t.contact.feed(e.active, e.at))
	}
	t.note(t.contact.settle(seen))
	if _, err := line.level(); err != nil {
		return 0, err
	}
	return seen, ctx.Err()
}

// note keeps the pulse that a change of level is.
func (t *train) note(changed bool) {
	at := t.contact.flipped
	if !changed || !t.contact.level || t.some && at-t.last < pulsePeriod {
		return
	}
	t.pulses, t.last, t.some = append(t.pulses, at), at, true
}

// A meter turns the times of pulses into watts. It is pure.
type meter struct {
	pulse float64       // joules
	quiet float64       // the least watts there can be; 0 is not known
	last  time.Duration // the last pulse
	some  bool          // there was one
	from  time.Duration // the pulse from which the next watts are averaged
	count int           // pulses after it
	mean  float64       // watts between the last pulses that were averaged; 0 before there were two
	since time.Duration // the first of those pulses
}

const (
	// manyTimes is how many intervals without a pulse are a silence that proves nothing: until then it shows that the
	// power fell, to as little as that part of it. Our judgement: a panel's standby is a tenth of what it draws, or less.
	manyTimes = 20
	// quietTimes is the same for intervals at the least power.
	quietTimes = 2
)

func (m *meter) add(at time.Duration) {
	if !m.some {
		m.some, m.from, m.last = true, at, at
		return
	}
	m.last = at
	m.count++
}

// watts is the mean since it was asked before where pulses came, or else of the last that did; and never more than
// one pulse in the time since the last. It is not known before two pulses, nor after a silence that proves nothing, which
// it tells.
func (m *meter) watts(now time.Duration) (watts float64, silence time.Duration, known bool) {
	if m.count > 0 && m.last > m.from {
		m.mean = float64(m.count) * m.pulse / (m.last - m.from).Seconds()
		m.since, m.from, m.count = m.from, m.last, 0
	}
	if m.mean == 0 {
		return 0, 0, false
	}
	if now <= m.last {
		return m.mean, 0, true
	}
	most := m.pulse / (now - m.last).Seconds()
	if most*manyTimes < m.mean && most*quietTimes < cmp.Or(m.quiet, math.Inf(1)) {
		return 0, now - m.last, false
	}
	return min(m.mean, most), 0, true
}
