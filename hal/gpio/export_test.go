package gpio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// InputOn, PulsesOn and RelayOn build on lines of a test's own.
func InputOn(f *Fake, cfg InputConfig) (*Input, error)   { return newInput(cfg, f) }
func PulsesOn(f *Fake, cfg PulseConfig) (*Pulses, error) { return newPulses(cfg, f) }
func RelayOn(f *Fake, cfg RelayConfig) (*Relay, error)   { return newRelay(cfg, f) }

// A Fake is a chip on the test's clock. It bounces and chatters as its lines are told, loses edges when its buffer is
// full, vanishes without waking anybody, as kernels do, and returns.
type Fake struct {
	NoEdges bool          // it has no interrupts
	Dull    bool          // it takes the request for edges and tells of none
	Slow    time.Duration // how long reading a level takes
	Writes  []Write

	mu    sync.Mutex
	born  time.Time
	state map[string]*fakeLine
	gone  bool
	life  int // handles of an earlier one are dead
	fail  error
	jam   error // of the handles of an earlier life; nil is that the chip is gone
}

// A Write is a value that an output took.
type Write struct {
	Line   string
	Active bool
	Opened bool // with the request of the line
	At     time.Duration
}

type fakeLine struct {
	active bool
	edges  []edge
	room   int
	seq    uint32
	wake   chan struct{}
}

func NewFake() *Fake { return &Fake{born: time.Now(), state: map[string]*fakeLine{}} }

func (f *Fake) line(name string) *fakeLine {
	if f.state[name] == nil {
		f.state[name] = &fakeLine{wake: make(chan struct{}, 1)}
	}
	return f.state[name]
}

// Drive gives a line its level from outside.
func (f *Fake) Drive(name string, active bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.line(name)
	if l.active == active {
		return
	}
	l.active = active
	if l.room == 0 || f.gone || f.Dull {
		return
	}
	l.seq++
	l.edges = append(l.edges, edge{active: active, at: time.Since(f.born), seq: l.seq})
	if len(l.edges) > l.room {
		l.edges = l.edges[1:] // the kernel drops the oldest
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Vanish removes the chip.
func (f *Fake) Vanish() { f.set(true, nil) }

// Return brings it back, with its lines as they are driven.
func (f *Fake) Return() { f.set(false, nil) }

// Break makes every call fail on a chip that is there.
func (f *Fake) Break(err error) { f.set(false, err) }

func (f *Fake) set(gone bool, fail error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if gone {
		f.life++
		for _, l := range f.state {
			l.edges, l.room, l.seq = nil, 0, 0
		}
	}
	f.gone, f.fail = gone, fail
}

// Jam makes the handles that there are fail for ever, and lets new ones work.
func (f *Fake) Jam(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.life++
	f.jam = err
}

// Written returns what the outputs took so far.
func (f *Fake) Written() []Write {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Write{}, f.Writes...)
}

func (f *Fake) check(life int) error {
	if life != f.life && f.jam != nil {
		return f.jam
	}
	if f.gone || life != f.life {
		return fmt.Errorf("cannot use it: %w", errGone)
	}
	return f.fail
}

func (f *Fake) input(l Line, buffer int) (input, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.check(f.life); err != nil {
		return nil, err
	}
	if f.NoEdges && buffer > 0 {
		return nil, errNoEdges
	}
	line := f.line(l.Name)
	line.room, line.seq, line.edges = buffer, 0, nil
	return fakeHandle{f, l.Name, f.life}, nil
}

func (f *Fake) output(l Line, active bool) (output, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.check(f.life); err != nil {
		return nil, err
	}
	f.Writes = append(f.Writes, Write{l.Name, active, true, time.Since(f.born)})
	return fakeHandle{f, l.Name, f.life}, nil
}

type fakeHandle struct {
	f    *Fake
	name string
	life int
}

func (h fakeHandle) write(active bool) error {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	if err := h.f.check(h.life); err != nil {
		return err
	}
	h.f.Writes = append(h.f.Writes, Write{h.name, active, false, time.Since(h.f.born)})
	return nil
}

func (h fakeHandle) level() (bool, error) {
	time.Sleep(h.f.Slow)
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	return h.f.line(h.name).active, h.f.check(h.life)
}

func (h fakeHandle) now() time.Duration { return time.Since(h.f.born) }

func (h fakeHandle) Close() error { return nil }

func (h fakeHandle) take() []edge {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	if h.life != h.f.life {
		return nil
	}
	l := h.f.line(h.name)
	edges := l.edges
	l.edges = nil
	return edges
}

func (h fakeHandle) wait(ctx context.Context, limit time.Duration) ([]edge, time.Duration, error) {
	if limit <= 0 {
		return nil, 0, errors.New("a wait without a limit spins")
	}
	h.f.mu.Lock()
	wake := h.f.line(h.name).wake
	h.f.mu.Unlock()
	t := time.NewTimer(limit)
	defer t.Stop()
	for {
		if edges := h.take(); len(edges) > 0 {
			return edges, h.now(), nil
		}
		select {
		case <-wake:
		case <-t.C:
			return h.take(), h.now(), nil
		case <-ctx.Done():
			return nil, h.now(), nil
		}
	}
}
