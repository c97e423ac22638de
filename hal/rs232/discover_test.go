package rs232_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/rs232"
)

// A scriptedLine is a serial line without a descriptor, for virtual time: it answers what it knows and notes what it
// is told.
type scriptedLine struct {
	answers map[string][]byte // by request

	mu      sync.Mutex
	told    [][]byte
	pending []byte
}

func (l *scriptedLine) open(string) (rs232.Line, error) { return l, nil }

func (l *scriptedLine) Read(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	n := copy(p, l.pending)
	l.pending = l.pending[n:]
	return n, nil
}

func (l *scriptedLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, slices.Clone(p))
	l.pending = append(l.pending, l.answers[string(p)]...)
	return len(p), nil
}

func (l *scriptedLine) Drain() error { return nil }

func (l *scriptedLine) ResetInputBuffer() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = nil
	return nil
}

func (l *scriptedLine) ResetOutputBuffer() error { return nil }
func (l *scriptedLine) Close() error             { return nil }

// spoken are the protocols that have a driver.
func spoken() []rs232.Protocol {
	return slices.DeleteFunc(rs232.Protocols(), func(p rs232.Protocol) bool {
		_, err := rs232.New(p, rs232.Config{SetID: 1, Log: slog.New(slog.DiscardHandler)})
		return err != nil
	})
}

func everySetID() []int {
	ids := make([]int, 256)
	for i := range ids {
		ids[i] = i
	}
	return ids
}

// TestDiscoverOnlyAsks: every question, to every set ID, reads power in its own protocol, and says nothing to a panel of
// another one that happens to be on the line.
func TestDiscoverOnlyAsks(t *testing.T) {
	for _, p := range spoken() {
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &scriptedLine{}
				found, err := rs232.Discover(t.Context(), rs232.Search{
					Port: "line", Open: l.open, Protocols: []rs232.Protocol{p}, IDs: everySetID(), Log: slog.New(slog.DiscardHandler),
				})
				if err != nil || len(found) != 0 || len(l.told) < 99 {
					t.Fatalf("found %v with %d questions, error %v", found, len(l.told), err)
				}
				for _, question := range l.told {
					if old := p == rs232.ProtocolSICP && len(question) == 4; !old { // the test below is about the old
						said := inWords(t, p, question)
						if !strings.HasPrefix(said, "kind=get command=power ") || strings.Contains(said, "id=all") {
							t.Errorf("% X says %s", question, said)
						}
					}
					elsewhere(t, p, question, func([]rs232.Field) bool { return true })
				}
				// A panel that never forgets half a frame could put one together from several questions. It must
				// mean nothing: 255 questions make a right check sum of one byte by chance.
				elsewhere(t, p, slices.Concat(l.told...), understood)
			})
		})
	}
}

// TestDiscoverAsksOnceMore: where the first question is answered with what is none, as by a panel that took it for the end of
// another protocol's, there is a second, and no third.
func TestDiscoverAsksOnceMore(t *testing.T) {
	for _, p := range spoken() {
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &babblingLine{}
				_, err := rs232.Discover(t.Context(), rs232.Search{
					Port: "line", Open: l.open, Protocols: []rs232.Protocol{p}, IDs: []int{1}, Log: slog.New(slog.DiscardHandler),
				})
				editions := 1
				if p == rs232.ProtocolSICP {
					editions = 2
				}
				if err != nil || len(l.told) != 2*editions || !slices.Equal(l.told[0], l.told[1]) {
					t.Errorf("asked % X, error %v; want each question twice", l.told, err)
				}
			})
		})
	}
}

// A babblingLine answers everything with what is no reply.
type babblingLine struct{ scriptedLine }

func (l *babblingLine) open(string) (rs232.Line, error) { return l, nil }

func (l *babblingLine) Write(p []byte) (int, error) {
	n, err := l.scriptedLine.Write(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, "\x00?\r\n"...)
	return n, err
}

// understood tells whether a panel could know what a request wants.
func understood(fields []rs232.Field) bool {
	return len(fields[1].Value) > 2 && !strings.HasPrefix(fields[2].Value, "0x")
}

// elsewhere fails when a panel of another protocol could find a request in what was sent that sets something which
// matters. No such request has more than 40 bytes.
func elsewhere(t *testing.T, sent rs232.Protocol, stream []byte, matters func([]rs232.Field) bool) {
	t.Helper()
	for _, other := range spoken() {
		if other == sent {
			continue
		}
		for from := range stream {
			for to := from + 4; to <= min(len(stream), from+40); to++ {
				fields, err := rs232.Describe(other, stream[from:to])
				if err == nil && fields[0].Value == "set" && matters(fields) {
					t.Errorf("% X, sent for %s, says %v to a panel that speaks %s", stream[from:to], sent, fields, other)
				}
			}
		}
	}
}

// TestDiscoverOldPhilips: the question of sets without a group byte names no command to one that has groups, and the
// other way round it is a reply, which no panel obeys.
func TestDiscoverOldPhilips(t *testing.T) {
	question := unhex(t, "04 01 19 1C")
	if f, _, err := rs232.ScanSICP(rs232.SICPGrouped, question); !errors.Is(err, rs232.ErrNoFrame) {
		t.Errorf("to a set with groups it is %+v", f)
	}
	f, _, err := rs232.ScanSICP(rs232.SICPUngrouped, unhex(t, "05 01 00 19 1D"))
	if err != nil || f.Command != 0 {
		t.Errorf("the question of sets with groups is %+v to one without, error %v", f, err)
	}
}

func TestDiscover(t *testing.T) {
	say := func(f rs232.SICPFrame) []byte { return encodeSICP(t, f) }
	mdc := func(data string) []byte {
		return encode(t, rs232.MDCFrame{Command: 0xFF, ID: 3, Data: []byte(data)})
	}
	answers := map[string][]byte{
		string(encode(t, rs232.MDCFrame{Command: 0x11, ID: 3})):                          mdc("A\x11\x01"),
		string(encode(t, rs232.MDCFrame{Command: 0x8A, ID: 3})):                          mdc("A\x8AQM55R"),
		string(say(rs232.SICPFrame{ID: 7, Command: 0x19})):                               say(rs232.SICPFrame{ID: 7, Group: 1, Data: []byte{0x18}}),
		string(say(rs232.SICPFrame{Edition: rs232.SICPUngrouped, ID: 9, Command: 0x19})): say(rs232.SICPFrame{Edition: rs232.SICPUngrouped, ID: 9, Command: 0x19, Data: []byte{1}}),
		string(say(rs232.SICPFrame{Edition: rs232.SICPUngrouped, ID: 9, Command: 0x15})): nil,
		string(say(rs232.SICPFrame{ID: 8, Command: 0x19})):                               say(rs232.SICPFrame{ID: 8, Group: 1, Command: 0x19, Data: []byte{9}}), // nonsense
	}
	synctest.Test(t, func(t *testing.T) {
		l := &scriptedLine{answers: answers}
		asked := 0
		found, err := rs232.Discover(t.Context(), rs232.Search{
			Port: "line", Open: l.open, Protocols: []rs232.Protocol{rs232.ProtocolMDC, rs232.ProtocolSICP}, IDs: []int{0, 3, 7, 8, 9},
			Log: logger(t), Asking: func(rs232.Protocol, int) { asked++ },
		})
		want := []rs232.Finding{
			{Protocol: rs232.ProtocolMDC, ID: 3, Power: hal.PowerOn, Model: "QM55R"},
			{Protocol: rs232.ProtocolSICP, ID: 7},
			{Protocol: rs232.ProtocolSICP, Edition: rs232.SICPUngrouped, ID: 9, Power: hal.PowerOff},
		}
		if err != nil || !slices.Equal(found, want) {
			t.Errorf("found %+v, error %v, want %+v", found, err, want)
		}
		if asked != 5+4+3 { // all of MDC, all but 0 of SICP, and old sets where no new one answered
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestDiscoverEnds(t *testing.T) {
	gone := errors.New("no such port")
	_, err := rs232.Discover(t.Context(), rs232.Search{
		Port: "line", Open: func(string) (rs232.Line, error) { return nil, gone }, IDs: []int{1}, Log: logger(t),
	})
	if !errors.Is(err, hal.ErrPortGone) || !errors.Is(err, gone) {
		t.Errorf("Discover without a port: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		l := &scriptedLine{}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := rs232.Discover(ctx, rs232.Search{Port: "line", Open: l.open, IDs: everySetID(), Log: logger(t)})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Discover with a short context: %v", err)
		}
		if n := len(l.told); n == 0 || n > 10 {
			t.Errorf("%d questions left in 3 s", n)
		}
	})
}
