package main

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"bangtin/hal"
	"bangtin/internal/control"
)

// senses runs the sensors for as long as a test lasts and keeps the newest reading of each: a line of the kernel can be
// opened once only, so that each step reads here, and the safety chain too. Safe for concurrent use.
type senses struct {
	mu      sync.Mutex
	last    map[string]hal.Reading
	heard   map[string]time.Time // when that came
	changed chan struct{}        // closed and replaced by each reading
}

func newSenses() *senses {
	return &senses{last: map[string]hal.Reading{}, heard: map[string]time.Time{}, changed: make(chan struct{})}
}

// expect makes known which sensors there must be. One that says nothing is of unknown quality and not unheard of, for the
// steps and for the decisions of the safety chain: these need no list of their own.
func (s *senses) expect(readings []hal.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range readings {
		s.last[r.Sensor] = hal.Reading{Sensor: r.Sensor, Kind: r.Kind, Reason: "nothing heard yet"}
	}
}

// run reads the sensors until ctx ends.
func (s *senses) run(ctx context.Context, sensors []hal.Sensor) error {
	g, ctx := errgroup.WithContext(ctx)
	readings := make(chan hal.Reading, 16)
	for _, sensor := range sensors {
		g.Go(func() error { return sensor.Run(ctx, readings) })
	}
	g.Go(func() error {
		for {
			select {
			case r := <-readings:
				s.take(r)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	return g.Wait()
}

func (s *senses) take(r hal.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last[r.Sensor], s.heard[r.Sensor] = r, time.Now()
	close(s.changed)
	s.changed = make(chan struct{})
}

// newest is the last reading of a sensor, and a channel that is closed by the next of any.
func (s *senses) newest(name string) (hal.Reading, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[name], s.changed
}

// good waits for a reading that can be believed, at most for limit. Otherwise it is the last there is.
func (s *senses) good(ctx context.Context, name string, limit time.Duration) (hal.Reading, bool) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		r, changed := s.newest(name)
		if r.Quality == hal.QualityGood {
			return r, true
		}
		select {
		case <-changed:
		case <-timer.C:
			return r, false
		case <-ctx.Done():
			return r, false
		}
	}
}

// anew waits for a reading that can be believed and came after a moment, until ctx ends. Otherwise it says why there is none.
func (s *senses) anew(ctx context.Context, name string, after time.Time) (why string, good bool) {
	for {
		s.mu.Lock()
		r, fresh, changed := s.last[name], s.heard[name].After(after), s.changed
		s.mu.Unlock()
		if fresh && r.Quality == hal.QualityGood {
			return "", true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return cmp.Or(r.Reason, "it fell silent"), false
		}
	}
}

// smoking tells whether a detector says fire now.
func (s *senses) smoking() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.last {
		if r.Kind == hal.Smoke && r.Quality == hal.QualityGood && r.Active {
			return true
		}
	}
	return false
}

// burns waits for a fire, as the display's own decision would see it, and says what it is; empty when ctx ended before.
func (s *senses) burns(ctx context.Context, limits control.Safety) string {
	for {
		s.mu.Lock()
		changed := s.changed
		for _, r := range s.last {
			switch {
			case r.Quality != hal.QualityGood:
			case r.Kind == hal.Smoke && r.Active, r.Kind == hal.Temperature && r.Temperature >= limits.CutOff && slices.Contains(limits.Sensors, r.Sensor):
				s.mu.Unlock()
				return r.Sensor
			}
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ""
		}
	}
}

// Run implements [hal.Sensor] for the safety chain: the newest reading of each sensor, and then each newer one.
func (s *senses) Run(ctx context.Context, readings chan<- hal.Reading) error {
	sent := map[string]hal.Reading{}
	for {
		news, changed := s.since(sent)
		for _, r := range news {
			select {
			case readings <- r:
				sent[r.Sensor] = r
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *senses) since(sent map[string]hal.Reading) (news []hal.Reading, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, r := range s.last {
		if r != sent[name] {
			news = append(news, r)
		}
	}
	return news, s.changed
}
