package watchdog_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/internal/watchdog"
)

// patience is how long anything may take before the test gives up on it. It decides nothing else.
const patience = 30 * time.Second

// A manager is systemd's end.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

// newManager sets the environment as systemd does.
func newManager(t *testing.T, limit string) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "watchdog-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", limit)
	t.Setenv("WATCHDOG_PID", "")
	return &manager{t, conn}
}

func (m *manager) next() string {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		m.t.Fatal(err)
	}
	buf := make([]byte, 256)
	n, err := m.conn.Read(buf)
	if err != nil {
		m.t.Fatalf("systemd was not told: %v", err)
	}
	return string(buf[:n])
}

// TestWatchdog leads the loop look by look.
func TestWatchdog(t *testing.T) {
	m := newManager(t, "30000") // microseconds
	var said bytes.Buffer
	ready, found := make(chan struct{}), make(chan string)
	ctx, cancel := context.WithCancel(t.Context())
	late := func() string {
		select {
		case loop := <-found:
			return loop
		case <-ctx.Done():
			return "none of ours"
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- watchdog.Run(ctx, ready, late, slog.New(slog.NewTextHandler(&said, nil))) }()
	found <- ""
	if got := m.next(); got != "WATCHDOG=1" {
		t.Errorf("before it is ready: %s", got)
	}
	found <- "panel"
	found <- "panel"
	close(ready)
	var stand sync.WaitGroup
	moved := make(chan struct{})
	stand.Go(func() {
		for {
			select {
			case found <- "panel":
			case <-moved:
				return
			}
		}
	})
	if got := m.next(); got != "READY=1" {
		t.Errorf("while a loop stands still: %s", got)
	}
	close(moved)
	stand.Wait()
	found <- ""
	if got := m.next(); got != "WATCHDOG=1" {
		t.Errorf("when it turns again: %s", got)
	}
	cancel()
	if got := m.next(); got != "STOPPING=1" {
		t.Errorf("at the end: %s", got)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := strings.Count(said.String(), "loop=panel"); n < 2 {
		t.Errorf("logged %d times: %s", n, said.String())
	}
}

func TestWithoutSystemd(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	ready := make(chan struct{})
	close(ready)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var said bytes.Buffer
	err := watchdog.Run(ctx, ready, func() string { return "" }, slog.New(slog.NewTextHandler(&said, nil)))
	if !errors.Is(err, context.Canceled) || said.Len() > 0 {
		t.Errorf("%v, said %s", err, said.String())
	}
}

func TestALimitThatCannotBeRead(t *testing.T) {
	newManager(t, "soon")
	if err := watchdog.Run(t.Context(), nil, nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("goes on with a limit that it does not know")
	}
}
