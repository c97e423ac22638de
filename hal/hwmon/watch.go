package hwmon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
)

const (
	// repeat is how often a sensor says what it has said before; a hal.Sensor must within 10 s.
	repeat = 5 * time.Second
	// shortest and longest bound Config.Every. Faster wears a bus out for nothing; slower would make three readings
	// last longer than a sensor may be silent.
	shortest, longest = 100 * time.Millisecond, 3 * time.Second
)

var errHangs = errors.New("the kernel does not answer a read")

// A probe is one sensor and how it is read.
type probe struct {
	name   string
	kind   hal.Kind
	limits Limits

	// read reads once. It blocks for as long as the kernel does. An error says that there is no value.
	read func() (sample, error)
}

// A watch is a [hal.Sensor] over probes that share a bus and are read one at a time.
type watch struct {
	probes []probe
	every  time.Duration // from the beginning of one read to that of the next
	log    *slog.Logger
}

// newWatch checks what all sensors have in common.
func newWatch(every time.Duration, log *slog.Logger, probes ...probe) (*watch, error) {
	if every < shortest || every > longest {
		return nil, fmt.Errorf("a reading each %s is outside %s to %s", every, shortest, longest)
	}
	for i, p := range probes {
		if p.name == "" {
			return nil, errors.New("a sensor has no name")
		}
		if err := p.limits.check(); err != nil {
			return nil, err
		}
		probes[i].limits.Stale = max(p.limits.Stale, 3*every*time.Duration(len(probes)))
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &watch{probes: probes, every: every, log: log}, nil
}

// A seat is what one Run knows of one probe.
type seat struct {
	probe
	judge *judge
	tried bool // a read has ended, one way or another

	sent       hal.Reading
	sentAt     time.Time // zero: nothing yet
	complained bool      // in the log
}

type result struct {
	seat   *seat
	sample sample
	err    error
	at     time.Time
}

// Run implements [hal.Sensor]. It returns ctx's error.
//
// A read runs in a goroutine of its own, one at a time: one that hangs holds up its bus and nothing else. What Run says of
// those sensors is unknown once their last value is stale, and it goes on saying so. When ctx ends meanwhile the read is left
// to the kernel; its goroutine ends with it.
func (w *watch) Run(ctx context.Context, readings chan<- hal.Reading) error {
	seats := make([]*seat, len(w.probes))
	for i, p := range w.probes {
		seats[i] = &seat{probe: p, judge: newJudge(p.kind, p.limits)}
	}
	results := make(chan result, 1) // never more than one read: its goroutine can always end
	due := time.NewTimer(0)
	defer due.Stop()
	look := time.NewTicker(min(w.every, time.Second))
	defer look.Stop()

	var next int
	var busy bool
	var began time.Time
	for {
		out, say := choose(seats, readings)
		select {
		case out <- say:
			for _, s := range seats {
				if s.name == say.Sensor {
					w.note(s, say)
				}
			}
		case r := <-results:
			busy = false
			r.seat.hear(r)
			due.Reset(time.Until(began.Add(w.every)))
		case <-due.C:
			busy, began = true, time.Now()
			go fetch(turn(seats, &next), results)
		case now := <-look.C:
			for _, s := range seats {
				s.pass(now, busy && now.Sub(began) >= s.limits.Stale)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func fetch(s *seat, results chan<- result) {
	sample, err := s.read()
	results <- result{s, sample, err, time.Now()}
}

// turn is the seat to read next: one with a jump to confirm, else the one after the last. A jump asks for few readings,
// and not again before it was believed, so the others keep their turn.
func turn(seats []*seat, next *int) *seat {
	for _, s := range seats {
		if s.judge.hurry > 0 {
			s.judge.hurry--
			return s
		}
	}
	s := seats[*next]
	*next = (*next + 1) % len(seats)
	return s
}

// hear passes what a read brought to the judge.
func (s *seat) hear(r result) {
	s.tried = true
	if r.err != nil {
		s.judge.miss(r.at, r.err)
		return
	}
	s.judge.take(r.at, r.sample)
}

// pass tells the judge that time goes by.
func (s *seat) pass(now time.Time, hangs bool) {
	var err error
	if hangs {
		s.tried = true
		err = errHangs
	}
	s.judge.miss(now, err)
}

// choose finds what is to be said now, of the sensor that has been silent for longest. out is nil when there is nothing.
func choose(seats []*seat, readings chan<- hal.Reading) (out chan<- hal.Reading, say hal.Reading) {
	now := time.Now()
	var first *seat
	for _, s := range seats {
		if s.wants(now) && (first == nil || s.sentAt.Before(first.sentAt)) {
			first = s
		}
	}
	if first == nil {
		return nil, hal.Reading{}
	}
	return readings, first.judge.reading(first.name, now)
}

// wants tells whether the sensor has something to say: its first words, a change, or the same after a while.
func (s *seat) wants(now time.Time) bool {
	if s.sentAt.IsZero() {
		return s.tried
	}
	r := s.judge.reading(s.name, now)
	return r.Quality != s.sent.Quality || s.moved(r) || now.Sub(s.sentAt) >= repeat
}

// moved tells whether r differs from what was sent by more than noise.
func (s *seat) moved(r hal.Reading) bool {
	var d int64
	switch s.kind {
	case hal.Temperature:
		d = int64(r.Temperature-s.sent.Temperature) / int64(physic.MilliKelvin)
	case hal.Voltage:
		d = int64(r.Voltage-s.sent.Voltage) / int64(physic.MilliVolt)
	case hal.Fan:
		d = int64(r.RPM - s.sent.RPM)
	case hal.Meter:
		d = int64(r.Watts-s.sent.Watts) / int64(physic.MilliWatt)
	}
	return max(d, -d) > s.limits.Noise
}

// note keeps what was said, and logs when the sensor went out or came back. At the start every sensor is unknown for
// a moment, which is no news.
func (w *watch) note(s *seat, r hal.Reading) {
	switch {
	case s.complained && r.Quality == hal.QualityGood:
		s.complained = false
		w.log.Info("sensor is believed again", "sensor", s.name)
	case !s.complained && r.Quality == hal.QualityUnknown && !s.sentAt.IsZero():
		s.complained = true
		w.log.Warn("sensor is not believed", "sensor", s.name, "reason", r.Reason)
	}
	s.sent, s.sentAt = r, time.Now()
}
