package main_test

import (
	"errors"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"bangtin/internal/wire"
)

// playerService starts the real bangtin-player for each connection, as systemd does on a controller.
func playerService(t *testing.T, w *world) {
	t.Helper()
	program := w.path("bangtin-player")
	if out, err := exec.Command("go", "build", "-o", program, "bangtin/cmd/bangtin-player").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: w.path("player.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.AcceptUnix()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			stdin, err := conn.File()
			conn.Close()
			if err != nil {
				t.Error(err)
				return
			}
			cmd := exec.Command(program, "-folder", w.path("player"))
			cmd.Stdin = stdin
			if err := cmd.Start(); err != nil {
				t.Error(err)
			} else {
				serving.Go(func() { _ = cmd.Wait() }) // the daemon tells how it went
			}
			stdin.Close()
		}
	})
	t.Cleanup(func() { listener.Close(); serving.Wait() })
}

// TestThePlayerIsAnotherProcess: with -player the daemon shows what is on air without a mpv of its own, and says why
// there is no picture where nobody listens.
func TestThePlayerIsAnotherProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flags = append(w.flags, "--player", w.path("player.sock"))
	w.inbox(w.approved(10))
	r := w.start()
	w.until("the reason", func(s *wire.State) bool {
		return s.Player.State == "down" && strings.Contains(r.log(), "cannot reach the player")
	})
	playerService(t, w)
	w.until("the playlist", playing(10))
	r.stop()
}
