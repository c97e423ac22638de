package gpio_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/gpio"
)

// play is a part of the bench that is a process of its own.
func play(part string) int {
	switch part {
	case "burner":
		for {
			runtime.Gosched()
		}
	case "relay", "fire nc", "fire no": // closes the relay, or opens it in a fire, and waits for its end
		nc, fire := part == "fire nc", part != "relay"
		r, err := gpio.NewRelay(gpio.RelayConfig{
			Line:       gpio.Line{Chip: os.Getenv("BANGTIN_GPIO_CHIP"), Name: "RELAY", ActiveLow: nc},
			SafeClosed: nc, KeepOpen: func() bool { return fire },
		})
		if err == nil {
			err = r.Set(theirs(), !fire)
		}
		fmt.Println(err)
		bufio.NewReader(os.Stdin).ReadString('\n')
		if err == nil {
			r.Close()
		}
		return 0
	case "periph":
		return periph()
	}
	return 2
}

// another runs the relay in another process until it has closed it, or opened it where part is a fire. stop ends it in
// the two ways there are.
func another(t *testing.T, chip, part string) (stop func(kill bool)) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BANGTIN_GPIO_PART="+part, "BANGTIN_GPIO_CHIP="+chip)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "<nil>\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return func(kill bool) {
		if kill {
			cmd.Process.Kill()
		} else {
			in.Close()
		}
		cmd.Wait()
	}
}

func TestBenchRelayNeverFlips(t *testing.T) {
	onBench(t)
	chip := newSim(t, "relay", "RELAY", "DOOR", "BACK", "LOW")
	back := gpio.Line{Chip: "relay", Name: "BACK"}
	relay := newRelay(t, gpio.RelayConfig{Line: gpio.Line{Chip: "relay", Name: "RELAY"}, SafeClosed: true})
	low := newRelay(t, gpio.RelayConfig{Line: gpio.Line{Chip: "relay", Name: "LOW", ActiveLow: true}, SafeClosed: true, Feedback: &back})
	chip.pull(2, true) // it stands for a contact that says closed
	var looks, flips atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	defer func() { stop(); <-stopped }()
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			high, _ := os.ReadFile(chip.lines + "/sim_gpio0/value") // an error is no level, and so a flip
			low, _ := os.ReadFile(chip.lines + "/sim_gpio3/value")
			if string(high) != "1\n" || string(low) != "0\n" {
				flips.Add(1)
			}
			looks.Add(1)
		}
	}()
	readings := input(t, hal.Door, gpio.Line{Chip: "relay", Name: "DOOR"})
	for n := range 3000 {
		if err := relay.Set(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if n%50 == 0 {
			if err := low.Set(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			chip.pull(1, n%100 == 0)
			await(t, readings, "moved", is(hal.QualityGood, n%100 == 0))
		}
	}
	stop()
	<-stopped
	t.Logf("%d looks at two relays during 3,060 writes and 60 readings of the same chip: %d flips", looks.Load(), flips.Load())
	if looks.Load() < 100 || flips.Load() > 0 {
		t.Error("a relay flipped, or nobody looked")
	}
}

func TestBenchRelayIsSafeAtStartAndExit(t *testing.T) {
	onBench(t)
	chip := newSim(t, "safe", "RELAY")
	for _, tt := range []struct {
		closed, low bool
		want        string
	}{{false, false, "0"}, {true, false, "1"}, {false, true, "1"}, {true, true, "0"}} {
		other := map[string]string{"0": "1", "1": "0"}[tt.want]
		chip.pull(0, other == "1") // the pin floats to the unsafe state
		r, err := gpio.NewRelay(gpio.RelayConfig{Line: gpio.Line{Chip: "safe", Name: "RELAY", ActiveLow: tt.low}, SafeClosed: tt.closed})
		if err != nil {
			t.Fatal(err)
		}
		if got := chip.value(0); got != tt.want {
			t.Errorf("%+v: at start the pin is %s", tt, got)
		}
		if err := r.Set(t.Context(), !tt.closed); err != nil || chip.value(0) != other {
			t.Errorf("%+v: Set left the pin at %s, %v", tt, chip.value(0), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBenchFeedbackContradicts(t *testing.T) {
	onBench(t)
	chip := newSim(t, "contact", "RELAY", "BACK")
	r := newRelay(t, gpio.RelayConfig{
		Line: gpio.Line{Chip: "contact", Name: "RELAY"}, Feedback: &gpio.Line{Chip: "contact", Name: "BACK", ActiveLow: true},
	})
	chip.pull(1, true)
	if err := r.Set(t.Context(), true); err == nil || chip.value(0) != "1" {
		t.Errorf("a relay that sticks was closed: %v", err)
	}
	if err := r.Set(t.Context(), false); err != nil || chip.value(0) != "0" {
		t.Errorf("cannot open: %v", err)
	}
	chip.pull(1, false)
	if err := r.Set(t.Context(), true); err != nil {
		t.Errorf("a relay that moves was not closed: %v", err)
	}
}

// TestBenchKilled measures what doc.go says of the pin after the process.
func TestBenchKilled(t *testing.T) {
	onBench(t)
	chip := newSim(t, "killed", "RELAY")
	for _, up := range []bool{false, true} {
		for _, kill := range []bool{true, false} {
			chip.pull(0, up)
			stop := another(t, "killed", "relay")
			during := chip.value(0)
			stop(kill)
			after := chip.value(0)
			t.Logf("pull-up %v, killed %v: %s while closed, %s after", up, kill, during, after)
			if want := map[bool]string{true: "1", false: "0"}[up]; during != "1" || after != want {
				t.Errorf("the pin does not follow its resistor")
			}
			r := newRelay(t, gpio.RelayConfig{Line: gpio.Line{Chip: "killed", Name: "RELAY"}})
			if got := chip.value(0); got != "0" {
				t.Errorf("after the restart the pin is %s", got)
			}
			r.Close()
		}
	}
}

// TestBenchFireAtTheEnd measures what RelayConfig says of KeepOpen: a coil that needs current to cut lets go when the
// line is freed, in a fire too. The pin is pulled down, as a resistor at the transistor's base does; the coil has
// current while it is high.
func TestBenchFireAtTheEnd(t *testing.T) {
	onBench(t)
	chip := newSim(t, "fire", "RELAY")
	for _, tt := range []struct{ part, during, after string }{
		{"fire no", "0", "0"}, // cut, and cut
		{"fire nc", "1", "0"}, // cut, and fed
	} {
		for _, kill := range []bool{true, false} {
			chip.pull(0, false)
			stop := another(t, "fire", tt.part)
			during := chip.value(0)
			stop(kill)
			after := chip.value(0)
			t.Logf("%s, killed %v: the pin is %s in the fire, %s after the program", tt.part, kill, during, after)
			if during != tt.during || after != tt.after {
				t.Errorf("want %s and %s", tt.during, tt.after)
			}
		}
	}
}

// TestBenchPeriph keeps the reasons of doc.go true: when one of them ends, so may the detour.
func TestBenchPeriph(t *testing.T) {
	onBench(t)
	chip := newSim(t, "periph", "RELAY", "DOOR")
	chip.pull(0, true)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BANGTIN_GPIO_PART=periph", "BANGTIN_GPIO_VALUE="+chip.lines+"/sim_gpio0/value", "BANGTIN_GPIO_LIVE="+chip.config+"/live")
	cmd.Stdin = strings.NewReader("")
	began := time.Now()
	out, err := cmd.CombinedOutput()
	t.Logf("in %v:\n%s", time.Since(began), out)
	if err != nil {
		t.Fatal(err)
	}
	chip.on() // it was switched off there
	for _, want := range []string{
		"closed 0, after Read 1", "WaitForEdge(-1) false at once", "edge of a chip that is gone: false", "level of a chip that is gone: Low",
		"closed the chip, file 0: bad file descriptor", "Init again found 0 chips more",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}
