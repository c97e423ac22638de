package rs232_test

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bangtin/hal/rs232"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// A peer is the far end of a serial line. Its path stays the same when it is unplugged and plugged again.
type peer struct {
	t    *testing.T
	path string
	far  *os.File // what the panel reads and writes
	near *os.File // held open so that closing the link is no hang-up for the panel
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{t: t, path: filepath.Join(t.TempDir(), "by-id")}
	p.plug()
	t.Cleanup(func() { p.far.Close(); p.near.Close() })
	return p
}

func (p *peer) plug() {
	p.t.Helper()
	var err error
	if p.far, p.near, err = pty.Open(); err != nil {
		p.t.Fatal(err)
	}
	if _, err := term.MakeRaw(int(p.near.Fd())); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Symlink(p.near.Name(), p.path); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) unplug() {
	p.t.Helper()
	p.far.Close()
	p.near.Close()
	if err := os.Remove(p.path); err != nil {
		p.t.Fatal(err)
	}
}

// expect reads exactly want from the line. It runs in goroutines of its own.
func (p *peer) expect(want []byte) bool {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(p.far, got); err != nil {
		p.t.Errorf("peer: %v", err)
		return false
	}
	if !bytes.Equal(got, want) {
		p.t.Errorf("peer got % X, want % X", got, want)
		return false
	}
	return true
}

func (p *peer) say(b []byte) {
	if _, err := p.far.Write(b); err != nil {
		p.t.Errorf("peer: %v", err)
	}
}

// answers lets the peer expect requests and answer each with what follows it. The function it returns waits
// until that is done.
func (p *peer) answers(exchanges ...[]byte) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for len(exchanges) > 0 {
			if !p.expect(exchanges[0]) {
				return
			}
			p.say(exchanges[1])
			exchanges = exchanges[2:]
		}
	}()
	return func() {
		p.t.Helper()
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			p.t.Fatal("peer did not get what it expects")
		}
	}
}

// quick has times for a peer in the same process. A reply that does come may take its time on a busy machine.
func quick() rs232.Timing {
	return rs232.Timing{Reply: 10 * time.Second, Gap: time.Millisecond, Write: 10 * time.Second}
}

func newLink(t *testing.T, path string, timing rs232.Timing) *rs232.Link {
	t.Helper()
	l := rs232.NewLink(path, nil, timing, logger(t))
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return l
}

func logger(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// line matches everything up to a newline.
func line(stream []byte) (reply []byte, consumed int) {
	if i := bytes.IndexByte(stream, '\n'); i >= 0 {
		return stream[:i+1], i + 1
	}
	return nil, 0
}
