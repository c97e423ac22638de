package haltest_test

import (
	"context"
	"flag"
	"log/slog"
	"testing"

	"bangtin/hal"
	"bangtin/hal/haltest"
	"bangtin/hal/rs232"
)

// A real panel: go test ./hal/haltest -hardware /dev/ttyUSB0 -protocol lg -id 1. It goes on and off several times.
var (
	hardware = flag.String("hardware", "", "port of a wired `panel`")
	protocol = flag.String("protocol", "mdc", "what the wired panel speaks")
	setID    = flag.Int("id", 1, "set ID of the wired panel")
)

func TestWiredPanel(t *testing.T) {
	if *hardware == "" {
		t.Skip("no panel is wired: -hardware names no port")
	}
	leaveAsFound(t)
	haltest.Run(t, haltest.Harness[*testing.T]{Setup: func(t *testing.T) haltest.Bench {
		b := haltest.Bench{New: func() hal.Panel {
			return newDriver(t, *protocol, rs232.Config{
				Port: *hardware, SetID: *setID, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
			})
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

// leaveAsFound gives the panel its power back in the end. The suite itself sets back everything else.
func leaveAsFound(t *testing.T) {
	t.Helper()
	p := newDriver(t, *protocol, rs232.Config{Port: *hardware, SetID: *setID, Log: slog.New(quiet())})
	found, err := p.Power(t.Context())
	if err != nil {
		t.Logf("the panel's power cannot be set back afterwards, it does not read: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p := newDriver(t, *protocol, rs232.Config{Port: *hardware, SetID: *setID, Log: slog.New(quiet())})
		if found != hal.PowerUnknown {
			if err := p.SetPower(context.WithoutCancel(t.Context()), found == hal.PowerOn); err != nil {
				t.Errorf("the panel's power was %v and is not set back: %v", found, err)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

func newDriver(t testing.TB, protocol string, c rs232.Config) hal.Panel {
	t.Helper()
	p, err := rs232.New(rs232.Protocol(protocol), c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
