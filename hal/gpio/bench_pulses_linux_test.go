package gpio_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/gpio"
)

const (
	width   = 30 * time.Millisecond // of pulse and pause at least: EN 62053-31
	perKWh  = 1000
	aPulse  = 3_600_000 / perKWh // joules
	hundred = 100 * aPulse
)

// quiet lets the count settle without the silence meanwhile being one that proves nothing.
const quiet = physic.Watt

func counter(t *testing.T, chip string, room int) <-chan hal.Reading {
	t.Helper()
	p, err := gpio.NewPulses(gpio.PulseConfig{Name: "meter", Line: gpio.Line{Chip: chip, Name: "S0"}, PulsesPerKWh: perKWh, Quiet: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, p, room)
}

// settled drops the readings until the count did not move for two of them.
func settled(t *testing.T, readings <-chan hal.Reading) hal.Reading {
	t.Helper()
	last, times := int64(-1), 0
	return await(t, readings, "settled", func(r hal.Reading) bool {
		if times++; r.Joules != last {
			last, times = r.Joules, 0
		}
		return times == 2
	})
}

func TestBenchHundredPulsesAreHundred(t *testing.T) {
	onBench(t)
	for _, tt := range []struct {
		name    string
		bounces int
		burners int
	}{{"clean", 0, 0}, {"while two burners run", 0, 2}, {"bouncing", 5, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			oneProcessor(t)
			burn(t, tt.burners)
			for range 3 {
				if hundredPulses(t, tt.bounces) {
					return
				}
			}
			t.Fatal("this machine stalls: in no attempt most of the pulses were as they should be")
		})
	}
}

// oneProcessor takes the others away until the test ends. The kernel tells a line's edges apart only if its thread runs
// between them. That has a higher priority than any process: with one processor it always does, however long the machine
// below the guest stalls; with two, one may stand still while pulses are driven from the other.
func oneProcessor(t *testing.T) {
	t.Helper()
	others, err := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*/online") // the first has none
	if err != nil || len(others) == 0 {
		t.Fatalf("cannot find the other processors: %v", err)
	}
	turn := func(to string) {
		for _, other := range others {
			if err := os.WriteFile(other, []byte(to), 0); err != nil {
				t.Errorf("cannot turn a processor on or off: %v", err)
			}
		}
	}
	turn("0")
	t.Cleanup(func() { turn("1") })
}

// hundredPulses returns false when nothing can be said: the kernel itself missed edges, or the machine below stalled
// within the bounces of most pulses. A bounce that lasts like a pulse may rightly be one more; none may be one less.
func hundredPulses(t *testing.T, bounces int) (judged bool) {
	chip := newSim(t, "meter", "S0")
	defer chip.gone()
	var told bytes.Buffer
	p, err := gpio.NewPulses(gpio.PulseConfig{
		Name: "meter", Line: gpio.Line{Chip: "meter", Name: "S0"}, PulsesPerKWh: perKWh, Quiet: quiet,
		Log: slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	readings, ended := make(chan hal.Reading, 1000), make(chan error, 1)
	go func() { ended <- p.Run(ctx, readings) }()
	await(t, readings, "there", func(r hal.Reading) bool { return strings.Contains(r.Reason, "two pulses") })
	stalls, began := int64(0), time.Now()
	for range 100 {
		for _, level := range []bool{true, false} {
			stalls += int64(bounce(func(high bool) { chip.pull(0, high) }, level, bounces, 7*time.Millisecond))
			time.Sleep(width)
		}
	}
	took := time.Since(began)
	got := settled(t, readings).Joules
	cancel()
	<-ended
	var edges int
	if _, text, ok := strings.Cut(told.String(), "edges="); !ok {
		t.Fatalf("it says nothing of edges: %s", told.String())
	} else if _, err := fmt.Sscanf(text, "%d", &edges); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of 100 in %v, of %d edges where there were %d, with %d stalls", got/aPulse, took, edges, 200*(2*bounces+1), stalls)
	if edges < 200*(2*bounces+1) || stalls > 50 {
		return false
	}
	if n := got / aPulse; got%aPulse != 0 || n < 100 || n > 100+stalls {
		t.Fatalf("100 pulses with %d stalls were %d J, not %d", stalls, got, hundred)
	}
	return true
}

func TestBenchOverflowIsToldAndTheCountGoesOn(t *testing.T) {
	onBench(t)
	chip := newSim(t, "flood", "S0")
	readings := counter(t, "flood", 0)
	await(t, readings, "there", func(r hal.Reading) bool { return r.Joules == 0 })
	time.Sleep(6 * time.Second) // now the next reading is due, nobody takes it, and so nobody reads the line
	for range 2000 {
		for range 5 {
			chip.pull(0, true)
			chip.pull(0, false)
		}
		time.Sleep(time.Millisecond) // the kernel's own thread must come to tell edges apart
	}
	lost := await(t, readings, "told", func(r hal.Reading) bool { return strings.Contains(r.Reason, "no room") })
	t.Log(lost.Reason)
	if lost.Quality != hal.QualityUnknown {
		t.Errorf("it is %+v", lost)
	}
	before := settled(t, readings).Joules
	for range 10 {
		chip.pull(0, true)
		time.Sleep(width)
		chip.pull(0, false)
		time.Sleep(width)
	}
	after := settled(t, readings)
	// A stalling machine may merge edges here too: that each pulse counts is shown above.
	if n := after.Joules - before; n < aPulse || n > 10*aPulse || after.Quality != hal.QualityGood || after.Watts <= 0 {
		t.Errorf("ten pulses after %d J are %+v", before, after)
	}
}

func TestBenchWattsComeFromTheIntervals(t *testing.T) {
	onBench(t)
	chip := newSim(t, "watts", "S0")
	readings := counter(t, "watts", 100)
	began, pulses := time.Now(), 0
	r := await(t, readings, "known", func(r hal.Reading) bool {
		for range 20 {
			chip.pull(0, true)
			time.Sleep(width)
			chip.pull(0, false)
			time.Sleep(width)
			pulses++
		}
		return r.Quality == hal.QualityGood
	})
	// 3600 J each 60 ms are 60 kW; a slow bench only makes it less, and the counted energy says by how much.
	if most := physic.Power(aPulse/0.06) * physic.Watt; r.Watts > most || r.Watts < most/100 {
		t.Errorf("%d pulses in %v are %v", pulses, time.Since(began), r.Watts)
	}
}

// burn keeps processors busy until the test ends.
func burn(t *testing.T, processes int) {
	t.Helper()
	for range processes {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "BANGTIN_GPIO_PART=burner")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
		})
	}
}
