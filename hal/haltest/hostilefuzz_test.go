package haltest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/rs232"
)

// longest bounds a fuzzer's script: a dozen calls with all their lies.
const longest = 600

// The drivers on a hostile line, each with its own times on virtual time. Whatever the line does, nothing panics, each call
// ends in time, nothing of it goes on behind it (the bubble would not end), and power is concluded only from a reply.

func FuzzLineMDC(f *testing.F)  { fuzzDriver(f, "mdc") }
func FuzzLineLG(f *testing.F)   { fuzzDriver(f, "lg") }
func FuzzLineNEC(f *testing.F)  { fuzzDriver(f, "nec") }
func FuzzLineSICP(f *testing.F) { fuzzDriver(f, "sicp") }

func fuzzDriver(f *testing.F, protocol string) {
	f.Add([]byte{0, 0, 0, 1, 3, 0, 1, 0, 0, 1})               // off, on, and read
	f.Add([]byte{3, 0, 0x20, 0, 100, 1, 0, 0, 1, 0, 5})       // late, and again
	f.Add([]byte{0, 0, 11, 0, 0, 0, 12, 90, 0, 13, 80, 0, 9}) // stuck, slow, failing
	f.Add([]byte{0, 0, 0, 7, 0, 7, 6, 200, 0, 0, 0x30, 6, 4, 1, 2, 3, 4, 0xC1, 3, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > longest {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			s := &script{rest: data}
			h := newHostile(t, protocol, s)
			defer h.free()
			p := newDriver(t, protocol, rs232.Config{Port: "hostile", SetID: 1, Open: h.open, Log: slog.New(slog.DiscardHandler)})
			defer p.Close()
			for i := 0; i < 16 && !s.over(); i++ {
				call(t, protocol, h, p)
			}
			within(t, "close", patienceOfLine(protocol, 1), func() {
				if err := p.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		})
	})
}

// call makes one call of the driver.
func call(t *testing.T, protocol string, h *hostile, p hal.Panel) {
	t.Helper()
	ctx := t.Context()
	s := h.script
	what := s.next()
	if what&0x80 != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.upTo(20*time.Millisecond))
		defer cancel()
	}
	switch what % 8 {
	case 0, 1, 2:
		exchanges := 2
		if protocol == "lg" || protocol == "mdc" {
			exchanges *= 3 // answers that differ
		}
		within(t, "power", patienceOfLine(protocol, exchanges), func() { conclude(t, protocol, h, p, ctx) })
	case 3, 4:
		on, exchanges := what%8 == 3, 1
		if protocol == "sicp" {
			exchanges = 2
		}
		within(t, "set power", patienceOfLine(protocol, exchanges), func() { nobody(p.SetPower(ctx, on)) })
	case 5:
		within(t, "others", 12*patienceOfLine(protocol, 3), func() { others(ctx, p) })
	case 6:
		time.Sleep(s.upTo(200 * time.Millisecond))
	case 7:
		nobody(h.panel.Do([]string{"lose-power", "late", "duplicate", "echo", "clean", "foreign", "batch", "garbage"}[s.next()%8]))
	}
}

// nobody relies on an error here.
func nobody(error) {}

// conclude reads the power, and fails where it is concluded from something else than a reply that says so.
func conclude(t *testing.T, protocol string, h *hostile, p hal.Panel, ctx context.Context) {
	t.Helper()
	power, err := p.Power(ctx)
	if (err != nil) != (power == hal.PowerUnknown) {
		t.Fatalf("Power is %v with error %v", power, err)
	}
	if heard := h.since(); power != hal.PowerUnknown && !says(protocol, heard, power) {
		t.Fatalf("Power is %v, of which nothing is in % X (%q)", power, heard, heard)
	}
}

func others(ctx context.Context, p hal.Panel) {
	d := p.(hal.Dimmer)
	nobody(d.SetBrightness(ctx, 50))
	_, err := d.Brightness(ctx)
	nobody(err)
	_, err = p.(hal.Thermometer).Temperature(ctx)
	nobody(err)
	_, err = p.(hal.InputSwitcher).Input(ctx)
	nobody(err)
	nobody(p.(hal.InputSwitcher).SetInput(ctx, "hdmi1"))
	_, err = p.(hal.Identifier).Serial(ctx)
	nobody(err)
	_, err = p.(hal.HourMeter).Hours(ctx)
	nobody(err)
	if d, ok := p.(hal.Diagnoser); ok {
		_, err = d.Diagnose(ctx)
		nobody(err)
	}
}

// patienceOfLine bounds a call of two tries with so many exchanges each by the protocol's own times: what its methods
// document, with a write that just succeeds each time, and at the end a port to close. An LG panel rests for 2 s after
// another input.
func patienceOfLine(protocol string, exchanges int) time.Duration {
	const reply, write, closing = 2 * time.Second, time.Second, 2100 * time.Millisecond // a writer and a reader that do not end
	var gap, rest time.Duration
	switch protocol {
	case "mdc":
		gap, rest = 100*time.Millisecond, time.Second // a copy of an acknowledgement is let pass
	case "lg":
		gap, rest = 150*time.Millisecond, 4*time.Second // and so here
	case "nec":
		gap, rest = 600*time.Millisecond, time.Second
	case "sicp":
		gap, rest = 100*time.Millisecond, 500*time.Millisecond
	}
	return 2*time.Duration(exchanges)*(gap+write+reply) + rest + closing
}

// within fails when something takes longer than limit, on virtual time.
func within(t *testing.T, what string, limit time.Duration, do func()) {
	t.Helper()
	began := time.Now()
	do()
	if took := time.Since(began); took > limit {
		t.Fatalf("%s took %v, at most %v was to be", what, took, limit)
	}
}

// says tells whether a whole reply that says so is anywhere in what was heard. It is written apart from the drivers.
func says(protocol string, heard []byte, power hal.Power) bool {
	on := power == hal.PowerOn
	value := map[bool]byte{false: 0, true: 1}[on]
	switch protocol {
	case "mdc":
		return bytes.Contains(heard, []byte{0xAA, 0xFF, 0x01, 0x03, 0x41, 0x11, value, 0x55 + value})
	case "lg":
		return bytes.Contains(bytes.ToLower(heard), fmt.Appendf(nil, "a 01 ok%02dx", value))
	case "nec":
		for i := range heard { // 01, address, type and length, 02, result and kind, 6 digits, mode, 03, sum, CR
			if b := heard[i:]; len(b) >= 27 && saysNEC(b[:27], on) {
				return true
			}
		}
		return false
	}
	for i := range heard { // size id group 19 value xor
		if b := heard[i:]; len(b) >= 6 && b[0] == 6 && b[1] == 1 && b[3] == 0x19 && b[4] == 1+value && b[5] == 6^1^b[2]^0x19^b[4] {
			return true
		}
	}
	return false
}

func saysNEC(b []byte, on bool) bool {
	sum := byte(0)
	for _, c := range b[1:25] {
		sum ^= c
	}
	mode := map[bool]string{false: "234", true: "1"}[on]
	return string(b[:14]) == "\x0100AB12\x020200D6" && string(b[20:23]) == "000" && strings.IndexByte(mode, b[23]) >= 0 &&
		b[24] == 3 && b[25] == sum && b[26] == '\r'
}

// FuzzLink has a link do anything on a hostile line, for two users at once.
func FuzzLink(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 6, 4, 'a', 'b', '\n', 'c', 1, 0, 2, 9, 3, 4})
	f.Add([]byte{0, 0, 11, 0, 0, 0, 0, 7, 1, 12, 250, 3, 0, 0, 0x36, 6, 250})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > longest {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			s := &script{rest: data}
			h := newHostile(t, "lg", s)
			defer h.free()
			timing := rs232.Timing{Reply: time.Second, Gap: 100 * time.Millisecond, Write: time.Second}
			l := rs232.NewLink("hostile", h.open, timing, slog.New(slog.DiscardHandler))
			defer l.Close()
			for i := 0; i < 16 && !s.over(); i++ {
				use(t, h, l)
			}
			// Another who waits for the turn meanwhile gets it, or an end.
			other := make(chan error, 1)
			go func() { other <- l.Tell(t.Context(), []byte("x")) }()
			within(t, "close", linkLimit, func() {
				if err := l.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			within(t, "another", linkLimit, func() { nobody(<-other) })
			if _, err := l.Ask(t.Context(), []byte("x"), endOfLine); !errors.Is(err, rs232.ErrClosed) {
				t.Errorf("Ask of a closed link: %v", err)
			}
		})
	})
}

func endOfLine(stream []byte) ([]byte, int) {
	i := bytes.IndexByte(stream, '\n')
	if i < 0 {
		return nil, 0
	}
	return stream[:i+1], i + 1
}

// linkLimit is a rest, a write, a reply and a port to close. Who waits for the turn may wait for another's rest too.
const linkLimit = (51 + 1 + 1 + 2) * time.Second

// use makes one call of the link.
func use(t *testing.T, h *hostile, l *rs232.Link) {
	t.Helper()
	ctx := t.Context()
	s := h.script
	what := s.next()
	if what&0x80 != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.upTo(20*time.Millisecond))
		defer cancel()
	}
	switch what % 8 {
	case 0, 1, 2, 3:
		within(t, "ask", linkLimit, func() { reply(t, h, l, ctx) })
	case 4:
		within(t, "tell", linkLimit, func() { nobody(l.Tell(ctx, []byte("ka 01 01\r"))) })
	case 5:
		within(t, "drop", 3*time.Second, l.Drop)
	case 6:
		l.Rest(s.upTo(200 * time.Millisecond))
	case 7:
		time.Sleep(s.upTo(200 * time.Millisecond))
	}
}

// reply asks, and looks at what comes of it.
func reply(t *testing.T, h *hostile, l *rs232.Link, ctx context.Context) {
	t.Helper()
	got, err := l.Ask(ctx, []byte("ka 01 ff\r"), func(stream []byte) ([]byte, int) {
		if len(stream) > 1024 {
			t.Errorf("a match is shown %d bytes", len(stream))
		}
		return endOfLine(stream)
	})
	known := errors.Is(err, hal.ErrSilent) || errors.Is(err, hal.ErrPortGone) || errors.Is(err, context.DeadlineExceeded)
	if (err == nil) != (got != nil) || err != nil && !known {
		t.Fatalf("Ask: %q, %v", got, err)
	}
	if heard := h.since(); !bytes.Contains(heard, got) {
		t.Fatalf("Ask: %q, which is not in %q", got, heard)
	}
}
