package rs232_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/rs232"
)

func TestAsk(t *testing.T) {
	p := newPeer(t)
	l := newLink(t, p.path, quick())
	for i := range 3 {
		wait := p.answers(fmt.Appendf(nil, "ask %d\n", i), fmt.Appendf(nil, "reply %d\nrest", i))
		reply, err := l.Ask(t.Context(), fmt.Appendf(nil, "ask %d\n", i), line)
		if want := fmt.Sprintf("reply %d\n", i); err != nil || string(reply) != want {
			t.Fatalf("Ask: %q, %v, want %q", reply, err, want)
		}
		wait()
	}
}

func TestAskOpensThePortWhenItAppears(t *testing.T) {
	p := newPeer(t)
	p.unplug()
	l := newLink(t, p.path, quick())
	if _, err := l.Ask(t.Context(), []byte("ask\n"), line); !errors.Is(err, hal.ErrPortGone) || !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("Ask on a missing port: %v, want ErrPortGone and why", err)
	}
	p.plug()
	defer p.answers([]byte("ask\n"), []byte("reply\n"))()
	if _, err := l.Ask(t.Context(), []byte("ask\n"), line); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoTerminalIsNoPort(t *testing.T) {
	l := newLink(t, "/dev/null", quick())
	if err := l.Tell(t.Context(), []byte("x")); !errors.Is(err, hal.ErrPortGone) {
		t.Fatalf("Tell to /dev/null: %v, want ErrPortGone", err)
	}
}

func TestAskDiscardsWhatCameBefore(t *testing.T) {
	p := newPeer(t)
	l := newLink(t, p.path, quick())
	wait := p.answers([]byte("one\n"), []byte("reply one\nreply one\n"))
	_, err := l.Ask(t.Context(), []byte("one\n"), func(stream []byte) ([]byte, int) {
		if bytes.Count(stream, []byte("\n")) < 2 {
			return nil, 0
		}
		return line(stream) // the second line stays
	})
	if err != nil {
		t.Fatal(err)
	}
	wait()
	defer p.answers([]byte("two\n"), []byte("reply two\n"))()
	if reply, err := l.Ask(t.Context(), []byte("two\n"), line); err != nil || string(reply) != "reply two\n" {
		t.Fatalf("Ask: %q, %v", reply, err)
	}
}

func TestUnpluggedWhileWaiting(t *testing.T) {
	p := newPeer(t)
	l := newLink(t, p.path, quick())
	unplugged := make(chan struct{})
	go func() {
		defer close(unplugged)
		if p.expect([]byte("ask\n")) {
			p.unplug()
		}
	}()
	defer func() { <-unplugged }()
	if _, err := l.Ask(t.Context(), []byte("ask\n"), line); !errors.Is(err, hal.ErrPortGone) {
		t.Fatalf("Ask: %v, want ErrPortGone", err)
	}
}

// TestFlood: a line that never stops talking is neither believed nor stored.
func TestFlood(t *testing.T) {
	p := newPeer(t)
	timing := quick()
	timing.Reply = 300 * time.Millisecond
	l := newLink(t, p.path, timing)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		p.expect([]byte("ask\n"))
		noise := make([]byte, 1000)
		for {
			select {
			case <-stop:
				return
			default:
				p.say(noise)
			}
		}
	}()
	longest := 0
	_, err := l.Ask(t.Context(), []byte("ask\n"), func(stream []byte) ([]byte, int) {
		longest = max(longest, len(stream))
		return nil, 0
	})
	close(stop)
	<-stopped
	if !errors.Is(err, hal.ErrSilent) {
		t.Errorf("Ask: %v, want ErrSilent", err)
	}
	if longest == 0 || longest > 1024 {
		t.Errorf("match was shown %d bytes, want 1 to 1024", longest)
	}
}

// TestStuckWrite: the peer takes nothing, so that the kernel's buffer fills and a write blocks for ever.
func TestStuckWrite(t *testing.T) {
	p := newPeer(t)
	timing := quick()
	timing.Write = 50 * time.Millisecond
	l := newLink(t, p.path, timing)
	var err error
	sent := 0
	for err == nil {
		err = l.Tell(t.Context(), make([]byte, 1000))
		if sent++; sent > 10_000 {
			t.Fatal("the terminal takes everything; this proves nothing")
		}
	}
	if !errors.Is(err, hal.ErrPortGone) {
		t.Fatalf("Tell: %v, want ErrPortGone", err)
	}
	// Whether a byte still finds room or not, nothing may be left behind each time.
	l.Drop()
	goroutines := runtime.NumGoroutine()
	for range 5 {
		if err := l.Tell(t.Context(), []byte("x")); err != nil && !errors.Is(err, hal.ErrPortGone) {
			t.Fatalf("Tell to a line that takes nothing: %v, want ErrPortGone", err)
		}
	}
	l.Drop()
	for end := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > goroutines; time.Sleep(time.Millisecond) {
		if time.Now().After(end) { // what has said its last word may need a moment to be gone
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	}
	go func() { // the peer comes to life
		for b := make([]byte, 4096); ; {
			if n, err := p.far.Read(b); err != nil {
				return
			} else if b[n-1] == '\n' {
				p.say([]byte("reply\n"))
			}
		}
	}()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err = l.Ask(t.Context(), []byte("ask\n"), line); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the link did not recover: %v", err)
		}
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	p := newPeer(t)
	l := newLink(t, p.path, quick())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		p.expect([]byte("ask\n"))
		cancel()
	}()
	if _, err := l.Ask(ctx, []byte("ask\n"), line); !errors.Is(err, context.Canceled) {
		t.Fatalf("Ask: %v, want context.Canceled", err)
	}
}

// TestRestBetweenExchanges: with a rest of an hour the second request cannot leave before its context ends.
func TestRestBetweenExchanges(t *testing.T) {
	p := newPeer(t)
	timing := quick()
	timing.Gap = time.Hour
	l := newLink(t, p.path, timing)
	if err := l.Tell(t.Context(), []byte("one\n")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := l.Tell(ctx, []byte("two\n")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Tell within the rest: %v, want context.DeadlineExceeded", err)
	}
	p.expect([]byte("one\n"))
}

// TestOneExchangeAtATime: requests of several goroutines never mix, and each gets its own reply.
func TestOneExchangeAtATime(t *testing.T) {
	p := newPeer(t)
	l := newLink(t, p.path, quick())
	go func() {
		for b := make([]byte, 64); ; {
			n, err := p.far.Read(b)
			if err != nil {
				return
			}
			p.say(b[:n])
		}
	}()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			want := fmt.Sprintf("request %d\n", i)
			if reply, err := l.Ask(t.Context(), []byte(want), line); err != nil || string(reply) != want {
				t.Errorf("Ask: %q, %v, want %q", reply, err, want)
			}
		})
	}
	group.Wait()
}

func TestDropAndClose(t *testing.T) {
	p := newPeer(t)
	l := rs232.NewLink(p.path, nil, quick(), logger(t))
	for range 2 {
		wait := p.answers([]byte("ask\n"), []byte("reply\n"))
		if _, err := l.Ask(t.Context(), []byte("ask\n"), line); err != nil {
			t.Fatal(err)
		}
		wait()
		l.Drop()
		l.Drop()
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Tell(t.Context(), []byte("x")); !errors.Is(err, rs232.ErrClosed) {
		t.Fatalf("Tell after Close: %v, want ErrClosed", err)
	}
}
