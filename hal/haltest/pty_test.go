package haltest_test

import (
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/haltest"
	"bangtin/hal/haltest/panelproc"
	"bangtin/hal/haltest/peer"
	"bangtin/hal/rs232"
)

// TestOverPty drives an independent panel in its own process over a real terminal.
func TestOverPty(t *testing.T) {
	program := panelproc.BuildPanel(t)
	for _, protocol := range peer.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			haltest.Run(t, haltest.Harness[*testing.T]{Setup: func(t *testing.T) haltest.Bench {
				t.Parallel()
				return newPty(t, program, protocol).bench()
			}})
		})
	}
}

// A pty is a panel in a process of its own, behind a path that stays when it is unplugged and plugged again.
type pty struct {
	t        *testing.T
	protocol string
	path     string
	panel    *panelproc.Panel
}

func newPty(t *testing.T, program, protocol string, flags ...string) *pty {
	t.Helper()
	path := filepath.Join(t.TempDir(), "by-id")
	flags = append([]string{"-protocol=" + protocol, "-id=1", "-warmup=100ms", "-link=" + path}, flags...)
	return &pty{t: t, protocol: protocol, path: path, panel: panelproc.StartPanel(t, program, flags...)}
}

func (p *pty) bench() haltest.Bench {
	b := peerBench(p.protocol, p.panel.Do)
	// What comes a little after a reply must come within the gap, which only virtual time can promise.
	delete(b.Noise, "again")
	delete(b.Noise, "all but damage")
	b.New = func() hal.Panel { return p.driver(slog.NewTextHandler(p.t.Output(), nil), 10*time.Millisecond) }
	b.Lit = func() bool { return p.panel.State() == "on" }
	b.Unplug = func() { p.panel.Do("unplug") }
	b.Replug = func() { p.panel.Do("replug") }
	return b
}

// driver has short times: the panel in the next process answers within milliseconds. SettleOn is longer than
// the panel's warm-up.
func (p *pty) driver(log slog.Handler, gap time.Duration) hal.Panel {
	return newDriver(p.t, p.protocol, rs232.Config{
		Port: p.path, SetID: 1,
		Timing: rs232.Timing{
			Reply: 500 * time.Millisecond, Gap: gap, Again: gap, Copy: 250 * time.Millisecond,
			Late: 2 * time.Second, Lag: time.Second, SettleOn: 250 * time.Millisecond, SettleOff: 50 * time.Millisecond,
		},
		Log: slog.New(log),
	})
}

// peerBench is what the words of a peer can do to it.
func peerBench(protocol string, do func(string)) haltest.Bench {
	fault := func(word string) func(bool) {
		return func(active bool) {
			if active {
				do(word)
			} else {
				do("no " + word)
			}
		}
	}
	all := func(words ...string) map[string]func(bool) {
		m := map[string]func(bool){}
		for _, word := range words {
			m[word] = fault(word)
		}
		return m
	}
	b := haltest.Bench{
		Silence:  fault("silent"),
		Disobey:  fault("disobey"),
		CutPower: func() { do("lose-power") },
		Refuse:   all("nak", "busy"),
		Late:     all("late", "batch"),
		Noise:    all("garbage", "foreign", "echo", "inside", "split", "merge", "duplicate", "again", "crlf", "mishear"),
	}
	noise := b.Noise
	together := func(words ...string) func(bool) {
		return func(active bool) {
			for _, word := range words {
				noise[word](active)
			}
		}
	}
	noise["all but damage"] = together("garbage", "foreign", "echo", "split", "merge", "duplicate", "again", "crlf")
	noise["all in one piece"] = together("garbage", "foreign", "echo", "merge", "duplicate", "crlf")
	switch protocol {
	case "lg":
		b.Noise["upper"] = fault("upper")
	case "nec":
		b.Noise["BCC 0D"] = func(active bool) {
			do(map[bool]string{true: "temperature -10", false: "temperature 42"}[active])
		}
		b.Noise["BCC 00"] = func(active bool) {
			do(map[bool]string{true: "fan broken", false: "fan good"}[active])
			do(map[bool]string{true: "signal off", false: "signal on"}[active])
		}
	case "sicp":
		b.Noise["another group byte"] = func(active bool) { do(map[bool]string{true: "group 254", false: "group 1"}[active]) }
	}
	return b
}

func quiet() slog.Handler { return slog.NewTextHandler(io.Discard, nil) }
