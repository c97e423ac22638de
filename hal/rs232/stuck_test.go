package rs232_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/rs232"
)

// A stuckLine is one whose read does not return until it is let go.
type stuckLine struct {
	free   chan struct{}
	closed chan struct{}
}

func (l *stuckLine) Read([]byte) (int, error)    { <-l.free; return 0, nil }
func (l *stuckLine) Write(b []byte) (int, error) { return len(b), nil }
func (l *stuckLine) Drain() error                { return nil }
func (l *stuckLine) ResetInputBuffer() error     { return nil }
func (l *stuckLine) ResetOutputBuffer() error    { return nil }
func (l *stuckLine) Close() error                { close(l.closed); return nil }

// TestStuckRead: whoever closes the port is not kept, the descriptor stays until the read is back, and no second one is
// opened meanwhile.
func TestStuckRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &stuckLine{free: make(chan struct{}), closed: make(chan struct{})}
		openings := 0
		link := rs232.NewLink("line", func(string) (rs232.Line, error) { openings++; return l, nil },
			rs232.Timing{Reply: time.Second, Write: time.Second}, logger(t))
		if _, err := link.Ask(t.Context(), []byte("ask"), line); !errors.Is(err, hal.ErrSilent) {
			t.Fatalf("Ask: %v, want ErrSilent", err)
		}
		began := time.Now()
		link.Drop()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("Drop took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if err := link.Tell(ctx, []byte("off")); !errors.Is(err, hal.ErrPortGone) || openings != 1 {
			t.Errorf("Tell: %v after %d openings, want ErrPortGone after one", err, openings)
		}
		select {
		case <-l.closed:
			t.Error("the line is closed under its reader")
		default:
		}
		close(l.free)
		<-l.closed
		l.closed = make(chan struct{})
		if err := link.Tell(t.Context(), []byte("off")); err != nil || openings != 2 {
			t.Errorf("Tell: %v after %d openings, want none after two", err, openings)
		}
		if err := link.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A stuckWriter is a line whose write does not return until it is let go.
type stuckWriter struct {
	stuckLine
	sent [][]byte // what was let go
}

func newStuckWriter() *stuckWriter {
	return &stuckWriter{stuckLine: stuckLine{free: make(chan struct{}), closed: make(chan struct{})}}
}

func (l *stuckWriter) Read([]byte) (int, error) { time.Sleep(100 * time.Millisecond); return 0, nil }

func (l *stuckWriter) Write(b []byte) (int, error) {
	<-l.free
	l.sent = append(l.sent, b)
	return len(b), nil
}

// TestStuckWriteKeepsNobody: a caller whose context ends is not kept by a write, and the next one waits as long as its own
// lets it. A write that ends in time costs nobody the port.
func TestStuckWriteKeepsNobody(t *testing.T) {
	for name, c := range map[string]struct {
		freed    time.Duration
		openings int
	}{"slow": {500 * time.Millisecond, 1}, "stuck": {10 * time.Second, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, openings := newStuckWriter(), 0
				link := rs232.NewLink("line", func(string) (rs232.Line, error) { openings++; return l, nil },
					rs232.Timing{Reply: time.Second, Write: time.Second}, logger(t))
				began := time.Now()
				time.AfterFunc(c.freed, func() { close(l.free) })
				for i, call := range []func(context.Context) error{
					func(ctx context.Context) error { _, err := link.Ask(ctx, []byte("ask"), line); return err },
					func(ctx context.Context) error { return link.Tell(ctx, []byte("wait")) },
				} {
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
					if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("call %d: %v, want DeadlineExceeded", i, err)
					}
					cancel()
				}
				if took := time.Since(began); took > 20*time.Millisecond {
					t.Errorf("two calls of 10 ms took %v", took)
				}
				time.Sleep(c.freed)
				if c.openings > 1 {
					<-l.closed
					l.closed = make(chan struct{})
				}
				if err := link.Tell(t.Context(), []byte("off")); err != nil || openings != c.openings {
					t.Errorf("Tell: %v after %d openings, want none after %d", err, openings, c.openings)
				}
				if n := len(l.sent); n != 2 || string(l.sent[0]) != "ask" || string(l.sent[1]) != "off" {
					t.Errorf("%q was sent, want ask and off", l.sent)
				}
				if err := link.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
