package haltest_test

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/haltest"
	"bangtin/hal/haltest/peer"
	"bangtin/hal/rs232"
)

// TestOverVirtualLine drives the same panels with the protocols' own times, at 9600 baud, on virtual time.
func TestOverVirtualLine(t *testing.T) {
	for name, c := range variants() {
		t.Run(name, func(t *testing.T) {
			haltest.Run(t, haltest.Harness[*testing.T]{Within: synctest.Test, Setup: func(t *testing.T) haltest.Bench {
				w := newWire(t, c)
				b := peerBench(c.Protocol, w.do)
				if c.Old {
					// Noise and frame give a longer frame here whose checksum is right by accident, and the driver takes
					// the reply within it for its data: silence, not a wrong value.
					delete(b.Noise, "all in one piece")
				}
				b.New = func() hal.Panel { return w.driver(t, slog.NewTextHandler(t.Output(), nil)) }
				b.Lit = func() bool { return w.panel.State() == peer.On }
				b.Unplug, b.Replug, b.Jam = w.unplug, w.replug, w.block
				return b
			}})
		})
	}
}

// variants are the panels there are: one of each protocol, and a Philips set of the old kind.
func variants() map[string]peer.Config {
	m := map[string]peer.Config{"sicp old": {Protocol: "sicp", ID: 1, WarmUp: 8 * time.Second, Old: true}}
	for _, protocol := range peer.Protocols() {
		m[protocol] = peer.Config{Protocol: protocol, ID: 1, WarmUp: 8 * time.Second}
	}
	return m
}

// A wire is a serial line in memory with a panel at its end. It is for one driver at a time, in a synctest bubble.
type wire struct {
	t      *testing.T
	config peer.Config
	panel  *peer.Panel

	mu      sync.Mutex
	gone    bool
	current *opening      // nil while nobody has it open: what the panel says then is lost
	jam     chan struct{} // closed when writes go on; nil while they do
	free    time.Time     // when the last byte of what the panel says will have left

	lag  time.Duration                    // of every reply
	note func(format string, args ...any) // told of every byte; nil is nobody
}

// perByte is what a byte takes at 9600 baud with start and stop bit.
const perByte = 10 * time.Second / 9600

func newWire(t *testing.T, c peer.Config) *wire {
	t.Helper()
	p, err := peer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &wire{t: t, config: c, panel: p}
}

func (w *wire) driver(t *testing.T, log slog.Handler) hal.Panel {
	c := rs232.Config{Port: "wire", SetID: 1, Open: w.open, Log: slog.New(log)}
	if w.config.Old {
		c.Edition = rs232.SICPUngrouped
	}
	return newDriver(t, w.config.Protocol, c)
}

func (w *wire) do(command string) {
	w.t.Helper()
	if err := w.panel.Do(command); err != nil {
		w.t.Fatal(err)
	}
}

// slow lets every reply from now on come so much later.
func (w *wire) slow(lag time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lag = lag
}

// block lets every write wait, or go on.
func (w *wire) block(active bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !active {
		close(w.jam)
		w.jam = nil
		return
	}
	w.jam = make(chan struct{})
}

// jammed is closed when writes go on.
func (w *wire) jammed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.jam != nil {
		return w.jam
	}
	free := make(chan struct{})
	close(free)
	return free
}

var errUnplugged = errors.New("unplugged")

func (w *wire) open(string) (rs232.Line, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return nil, errUnplugged
	}
	w.current = &opening{wire: w, arrived: make(chan struct{}, 1), failed: make(chan struct{})}
	return w.current, nil
}

func (w *wire) unplug() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current != nil && !w.gone {
		close(w.current.failed)
	}
	w.gone, w.current = true, nil
}

func (w *wire) replug() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = false
}

// carry lets bursts arrive one after the other, each as long as it takes.
func (w *wire) carry(list []peer.Burst) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range list {
		if at := b.At.Add(w.lag); at.After(w.free) {
			w.free = at
		}
		if now := time.Now(); now.After(w.free) {
			w.free = now
		}
		w.free = w.free.Add(time.Duration(len(b.Bytes)) * perByte)
		time.AfterFunc(time.Until(w.free), func() { w.deliver(b.Bytes) })
	}
}

func (w *wire) deliver(b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.note != nil {
		w.note("            ← %q %X", b, b)
	}
	if w.current == nil {
		return
	}
	w.current.in = append(w.current.in, b...)
	select {
	case w.current.arrived <- struct{}{}:
	default:
	}
}

// An opening is one opening of the wire: an rs232.Line.
type opening struct {
	wire    *wire
	arrived chan struct{} // holds a token when bytes came
	failed  chan struct{} // closed when the wire is unplugged
	in      []byte        // under the wire's mu
}

func (o *opening) Read(p []byte) (int, error) {
	pause := time.NewTimer(100 * time.Millisecond)
	defer pause.Stop()
	for {
		o.wire.mu.Lock()
		n := copy(p, o.in)
		o.in = o.in[n:]
		o.wire.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		select {
		case <-o.arrived:
		case <-o.failed:
			return 0, errUnplugged
		case <-pause.C:
			return 0, nil
		}
	}
}

func (o *opening) Write(p []byte) (int, error) {
	<-o.wire.jammed()
	time.Sleep(time.Duration(len(p)) * perByte)
	select {
	case <-o.failed:
		return 0, errUnplugged
	default:
	}
	if o.wire.note != nil {
		o.wire.note("            → %q %X (panel is %s)", p, p, o.wire.panel.State())
	}
	o.wire.carry(o.wire.panel.Hear(p))
	return len(p), nil
}

func (o *opening) Drain() error { return nil }

func (o *opening) ResetInputBuffer() error {
	o.wire.mu.Lock()
	defer o.wire.mu.Unlock()
	o.in = nil
	return nil
}

func (o *opening) ResetOutputBuffer() error { return nil }

func (o *opening) Close() error {
	o.wire.mu.Lock()
	defer o.wire.mu.Unlock()
	if o.wire.current == o {
		o.wire.current = nil
	}
	return nil
}
