package haltest_test

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"bangtin/hal/haltest/peer"
	"bangtin/hal/rs232"
)

// A script is what a fuzzer wants to happen, byte by byte. Behind its end there are zeros.
type script struct {
	mu   sync.Mutex
	rest []byte
}

func (s *script) next() byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

// some takes up to n bytes.
func (s *script) some(n int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(s.rest))
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return b
}

func (s *script) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rest) == 0
}

// upTo is a time of up to 255 steps.
func (s *script) upTo(step time.Duration) time.Duration { return time.Duration(s.next()) * step }

// A hostile line does to a driver what its script says: it can be missing, break, swallow, get stuck, and say anything
// at any moment, also what a panel would. It keeps to what Line promises alone: a reading returns within 100 ms. It is
// for one driver, in a synctest bubble.
type hostile struct {
	script *script
	panel  *peer.Panel // answers where the script says so

	mu      sync.Mutex
	current *attack
	before  []byte // what the panel said last
	heard   []byte // by the driver, since the last request began to be written
	freed   chan struct{}
}

func newHostile(t *testing.T, protocol string, s *script) *hostile {
	t.Helper()
	p, err := peer.New(peer.Config{Protocol: protocol, ID: 1})
	if err != nil {
		t.Fatal(err)
	}
	return &hostile{script: s, panel: p, freed: make(chan struct{})}
}

// free ends every write that is stuck for ever, and waits for the slow ones. What goes on for longer is left over.
func (h *hostile) free() {
	close(h.freed)
	time.Sleep(time.Minute)
}

// since returns what arrived since the last request.
func (h *hostile) since() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.heard)
}

var errHostile = errors.New("hostile line")

func (h *hostile) open(string) (rs232.Line, error) {
	if h.script.next()%8 == 7 {
		return nil, errHostile
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current = &attack{line: h, arrived: make(chan struct{}, 1)}
	return h.current, nil
}

// An attack is one opening of a hostile line.
type attack struct {
	line    *hostile
	arrived chan struct{} // holds a token when something came
	drain   time.Duration // the writer's own
	again   bool          // the drain is interrupted once

	// Under the line's mu.
	in     []byte
	broken bool
}

// say lets bytes arrive after a while, or with none the line break.
func (a *attack) say(after time.Duration, b []byte) {
	time.AfterFunc(after, func() {
		h := a.line
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.current != a {
			return
		}
		if a.in = append(a.in, b...); b == nil {
			a.broken = true
		}
		h.heard = append(h.heard, b...)
		select {
		case a.arrived <- struct{}{}:
		default:
		}
	})
}

func (a *attack) Read(p []byte) (int, error) {
	pause := time.NewTimer(100 * time.Millisecond)
	defer pause.Stop()
	for {
		a.line.mu.Lock()
		n := copy(p, a.in)
		a.in = a.in[n:]
		broken := a.broken && len(a.in) == 0
		a.line.mu.Unlock()
		if broken {
			return n, errHostile // what came and the failure, in one
		}
		if n > 0 {
			return n, nil
		}
		select {
		case <-a.arrived:
		case <-pause.C:
			return 0, nil
		}
	}
}

func (a *attack) Write(b []byte) (int, error) {
	h := a.line
	h.mu.Lock()
	h.heard = nil
	h.mu.Unlock()
	how := h.script.next()
	a.drain, a.again = 0, how&0x80 != 0
	switch how % 16 {
	case 9:
		return 0, errHostile
	case 10:
		return len(b) / 2, nil
	case 11:
		<-h.freed
		return 0, errHostile
	case 12:
		time.Sleep(h.script.upTo(40 * time.Millisecond)) // up to ten times as long as a write may take
	case 13:
		a.drain = h.script.upTo(40 * time.Millisecond)
	}
	a.react(b, int(how>>4)%4)
	return len(b), nil
}

// react does n things to a request, one after the other.
func (a *attack) react(request []byte, n int) {
	h, s := a.line, a.line.script
	var after time.Duration
	for range n + 1 {
		what := s.next()
		var b []byte
		switch what % 8 {
		case 0:
			after += s.upTo(30 * time.Millisecond)
			continue
		case 1, 2, 3, 4:
			b = h.answer(request)
		case 5:
			b = h.before // a copy, or late
		case 6:
			b = bytes.Repeat(s.some(int(s.next())), 1+int(what>>3)%8) // more than anybody keeps
		case 7:
			a.say(after, nil)
			continue
		}
		switch what >> 6 { // and what becomes of it on the way
		case 1:
			b = b[:min(len(b), int(s.next()))]
		case 2:
			if b = slices.Clone(b); len(b) > 0 {
				b[int(s.next())%len(b)] ^= s.next()
			}
		case 3:
			n := min(len(b), int(s.next()))
			a.say(after, slices.Clone(b[:n]))
			after += s.upTo(30 * time.Millisecond)
			b = b[n:]
		}
		if len(b) > 0 {
			a.say(after, slices.Clone(b))
		}
	}
}

func (h *hostile) answer(request []byte) []byte {
	var b []byte
	for _, burst := range h.panel.Hear(request) {
		b = append(b, burst.Bytes...)
	}
	h.before = b
	return b
}

func (a *attack) Drain() error {
	time.Sleep(a.drain)
	if a.again {
		a.again = false
		return syscall.EINTR
	}
	return nil
}

func (a *attack) ResetInputBuffer() error {
	a.line.mu.Lock()
	defer a.line.mu.Unlock()
	a.in = nil
	if a.broken {
		return errHostile
	}
	return nil
}

func (a *attack) ResetOutputBuffer() error { return nil }

func (a *attack) Close() error {
	a.line.mu.Lock()
	defer a.line.mu.Unlock()
	if a.line.current == a {
		a.line.current = nil
	}
	return nil
}
