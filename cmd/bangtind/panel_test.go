package main_test

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/wire"
)

// A peer is hal/haltest/panelpeer: a panel in a process of its own, which speaks MDC on a pty and imports nothing of
// the driver.
type peer struct {
	port  string
	stdin io.Writer
	lines chan string
	last  time.Time // when it heard something, of which the test knows
}

func startPeer(t *testing.T, flags ...string) *peer {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "panelpeer")
	if out, err := exec.Command("go", "build", "-o", bin, "bangtin/hal/haltest/panelpeer").CombinedOutput(); err != nil {
		t.Fatalf("cannot build the panel: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"--id", "1", "--warmup", "500ms"}, flags...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // killed: its error says so
	})
	p := &peer{stdin: stdin, lines: make(chan string, 1000)}
	scan := bufio.NewScanner(stdout)
	if !scan.Scan() {
		t.Fatal("the panel did not name its port")
	}
	p.port = scan.Text()
	go func() {
		for scan.Scan() {
			p.lines <- scan.Text()
		}
	}()
	return p
}

// await waits for the panel itself to say that its power changed.
func (p *peer) await(t *testing.T, power string) {
	t.Helper()
	end := time.After(60 * time.Second)
	for {
		select {
		case line := <-p.lines:
			if strings.Contains(line, "power "+power) {
				t.Log(line)
				return
			}
		case <-end:
			t.Fatalf("the panel was not seen %s", power)
		}
	}
}

// TestPanelFollowsTheDay drives a panel over a pty through a window whose clock runs four times faster than life:
// 06:58:30 to 07:03:00 at a site whose window is 07:00 to 07:02.
func TestPanelFollowsTheDay(t *testing.T) {
	t.Parallel()
	panel := startPeer(t)
	w := newWorld(t)
	w.site = siteFile{windows: "07:00-07:02", driver: "mdc", port: panel.port}
	w.inbox(w.approved(10))
	r := w.start("BANGTIN_TEST_WALL=2027-02-06T06:58:30+07:00|4")
	panel.await(t, "on")
	if s := w.until("an answer", func(*wire.State) bool { return true }); !s.At.Before(sevenOClock(t)) {
		t.Errorf("the panel went on at %s, after the window's start", s.At)
	}
	w.until("on air", func(s *wire.State) bool { return playing(10)(s) && s.Airtime.DeliveredS > 0 })
	fmt.Fprintln(panel.stdin, "lose-power")
	panel.await(t, "off")
	panel.await(t, "on")
	w.until("the window's end", func(s *wire.State) bool { return s.Want.Panel == "off" })
	panel.await(t, "off")
	s := w.until("read back as off", func(s *wire.State) bool { return s.Panel.Power == "off" })
	r.stop()
	lost := int64(0)
	for _, l := range s.Airtime.Lost {
		lost += l.S
	}
	if a := s.Airtime; a.RequiredS != 120 || a.DeliveredS+a.UnverifiedS+lost != 120 || a.DeliveredS == 0 || lost == 0 {
		t.Errorf("airtime of the window is %+v", a)
	}
	t.Logf("%+v", s.Airtime)
}

func sevenOClock(t *testing.T) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, "2027-02-06T07:00:00+07:00")
	if err != nil {
		t.Fatal(err)
	}
	return at
}
