package haltest_test

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/haltest"
	"bangtin/hal/rs232"
)

// hardware names the port of a real Samsung panel with set ID 1: go test ./hal/haltest -hardware /dev/ttyUSB0.
// The panel goes on and off several times.
var hardware = flag.String("hardware", "", "port of a wired Samsung `panel` with set ID 1")

func TestWiredMDCPanel(t *testing.T) {
	if *hardware == "" {
		t.Skip("no panel is wired: -hardware names no port")
	}
	haltest.Run(t, haltest.Harness{Setup: func(t *testing.T) haltest.Bench {
		b := haltest.Bench{New: func() hal.Panel {
			return rs232.NewMDC(rs232.Config{Port: *hardware, SetID: 1, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
		}}
		p := b.New()
		if err := p.SetPower(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		return b
	}})
}

// TestMDCOverPty drives an independent panel in its own process over a real terminal.
func TestMDCOverPty(t *testing.T) {
	program := haltest.BuildMDCPanel(t)
	haltest.Run(t, haltest.Harness{Setup: func(t *testing.T) haltest.Bench {
		t.Parallel()
		return newCable(t, program).bench()
	}})
}

// A cable is a fixed path to a panel that can be pulled out of one and put into another.
type cable struct {
	t       *testing.T
	program string
	path    string
	panel   *haltest.MDCPanel
}

func newCable(t *testing.T, program string) *cable {
	c := &cable{t: t, program: program, path: filepath.Join(t.TempDir(), "by-id")}
	c.plug()
	return c
}

func (c *cable) plug() {
	c.panel = haltest.StartMDCPanel(c.t, c.program, "-id=1", "-warmup=100ms")
	if err := os.Symlink(c.panel.Path, c.path); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cable) unplug() {
	c.panel.Stop()
	if err := os.Remove(c.path); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cable) bench() haltest.Bench {
	toggle := func(begin, end string) func(bool) {
		return func(active bool) {
			if active {
				c.panel.Do(begin)
			} else {
				c.panel.Do(end)
			}
		}
	}
	return haltest.Bench{
		New:      c.driver,
		Lit:      func() bool { return c.panel.State() == "on" },
		Silence:  toggle("silent", "talk"),
		Refuse:   toggle("nak", "obey"),
		Disobey:  toggle("disobey", "obey"),
		CutPower: func() { c.panel.Do("lose-power") },
		Unplug:   c.unplug,
		Replug:   c.plug,
		Late:     toggle("late", "clean"),
		Noise: map[string]func(bool){
			"garbage":   toggle("garbage", "clean"),
			"split":     toggle("split", "clean"),
			"duplicate": toggle("duplicate", "clean"),
		},
	}
}

// driver has short times: the panel in the next process answers within milliseconds. SettleOn is longer than
// the panel's warm-up.
func (c *cable) driver() hal.Panel {
	return rs232.NewMDC(rs232.Config{
		Port: c.path, SetID: 1,
		Timing: rs232.Timing{
			Reply: 250 * time.Millisecond, Gap: 5 * time.Millisecond,
			SettleOn: 250 * time.Millisecond, SettleOff: 50 * time.Millisecond,
		},
		Log: slog.New(slog.NewTextHandler(c.t.Output(), nil)),
	})
}
