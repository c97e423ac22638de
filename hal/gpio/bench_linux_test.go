package gpio_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/gpio"
)

// TestMain lets the test's own program be the other processes that the bench needs.
func TestMain(m *testing.M) {
	if part := os.Getenv("BANGTIN_GPIO_PART"); part != "" {
		os.Exit(play(part))
	}
	os.Exit(m.Run())
}

// onBench skips what needs root, a kernel to spoil and gpio-sim.
func onBench(t *testing.T) {
	t.Helper()
	if os.Getenv("BANGTIN_BENCH") == "" {
		t.Skip("BANGTIN_BENCH is not set: this runs as root in a guest that has gpio-sim")
	}
}

// A sim is a chip of gpio-sim.
type sim struct {
	t      *testing.T
	config string // its folder in configfs
	lines  string // its folder in sysfs while it is live
	dirs   []string
}

// newSim makes a chip whose lines are named so and switches it on.
func newSim(t *testing.T, label string, lines ...string) *sim {
	t.Helper()
	return newSimOf(t, label, label, lines...)
}

// newSimOf makes one that is known to configfs by another name than its label.
func newSimOf(t *testing.T, name, label string, lines ...string) *sim {
	t.Helper()
	if out, err := exec.Command("modprobe", "gpio-sim").CombinedOutput(); err != nil {
		t.Fatalf("cannot load gpio-sim: %v\n%s", err, out)
	}
	s := &sim{t: t, config: filepath.Join("/sys/kernel/config/gpio-sim", name)}
	s.mkdir(s.config)
	s.mkdir(s.config + "/bank")
	s.write(s.config+"/bank/num_lines", strconv.Itoa(len(lines)))
	s.write(s.config+"/bank/label", label)
	for n, name := range lines {
		dir := fmt.Sprintf("%s/bank/line%d", s.config, n)
		s.mkdir(dir)
		if name != "" {
			s.write(dir+"/name", name)
		}
	}
	t.Cleanup(func() {
		if s.dirs != nil {
			s.gone()
		}
	})
	s.on()
	return s
}

func (s *sim) mkdir(dir string) {
	s.t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.dirs = append(s.dirs, dir)
}

// gone ends the chip for good.
func (s *sim) gone() {
	s.off()
	for _, dir := range slices.Backward(s.dirs) {
		if err := os.Remove(dir); err != nil {
			s.t.Error(err)
		}
	}
	s.dirs = nil
}

func (s *sim) write(file, text string) {
	s.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sim) read(file string) string {
	s.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func (s *sim) on() {
	s.t.Helper()
	s.write(s.config+"/live", "1")
	s.lines = filepath.Join("/sys/devices/platform", s.read(s.config+"/dev_name"), s.read(s.config+"/bank/chip_name"))
}

// off removes the chip, whoever holds it.
func (s *sim) off() {
	s.t.Helper()
	s.write(s.config+"/live", "0")
}

// node is the kernel's name of the chip at this moment.
func (s *sim) node() string { return filepath.Base(s.lines) }

// pull drives an input from outside.
func (s *sim) pull(line int, high bool) {
	s.t.Helper()
	way := "pull-down"
	if high {
		way = "pull-up"
	}
	s.write(fmt.Sprintf("%s/sim_gpio%d/pull", s.lines, line), way)
}

// value is the level of a line.
func (s *sim) value(line int) string {
	s.t.Helper()
	return s.read(fmt.Sprintf("%s/sim_gpio%d/value", s.lines, line))
}

// start runs a sensor until the test ends. room is for how many readings it need not wait for the test.
func start(t *testing.T, s hal.Sensor, room int) <-chan hal.Reading {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	readings, ended := make(chan hal.Reading, room), make(chan error, 1)
	go func() { ended <- s.Run(ctx, readings) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Errorf("Run ended with %v", err)
		}
	})
	return readings
}

// await takes readings until one is as wanted. A bench that is slow only waits longer; the limit is for one that hangs.
func await(t *testing.T, readings <-chan hal.Reading, what string, want func(hal.Reading) bool) hal.Reading {
	t.Helper()
	var last hal.Reading
	for limit := time.After(time.Minute); ; {
		select {
		case last = <-readings:
			if want(last) {
				return last
			}
		case <-limit:
			t.Fatalf("never %s; last was %+v", what, last)
		}
	}
}

func is(quality hal.Quality, active bool) func(hal.Reading) bool {
	return func(r hal.Reading) bool { return r.Quality == quality && r.Active == active }
}

func input(t *testing.T, kind hal.Kind, line gpio.Line) <-chan hal.Reading {
	t.Helper()
	s, err := gpio.NewInput(gpio.InputConfig{Name: "it", Kind: kind, Line: line})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, s, 0)
}

func TestBenchContactsAreSeen(t *testing.T) {
	onBench(t)
	chip := newSim(t, "contacts", "SMOKE", "DOOR", "", "KEY")
	for _, tt := range []struct {
		name   string
		kind   hal.Kind
		line   gpio.Line
		number int
	}{
		{"by name", hal.Smoke, gpio.Line{Chip: "contacts", Name: "SMOKE"}, 0},
		{"by number", hal.Door, gpio.Line{Chip: "contacts", Name: "1"}, 1},
		{"a line without a name", hal.Tamper, gpio.Line{Chip: "contacts", Name: "2"}, 2},
		{"active low", hal.Key, gpio.Line{Chip: "contacts", Name: "KEY", ActiveLow: true}, 3},
		{"by the place on the bus", hal.Door, gpio.Line{Chip: filepath.Base(filepath.Dir(chip.lines)), Name: "DOOR"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			readings := input(t, tt.kind, tt.line)
			for range 5 {
				chip.pull(tt.number, !tt.line.ActiveLow)
				await(t, readings, "active", is(hal.QualityGood, true))
				chip.pull(tt.number, tt.line.ActiveLow)
				await(t, readings, "inactive", is(hal.QualityGood, false))
			}
		})
	}
}

func TestBenchBouncesAreOneChange(t *testing.T) {
	onBench(t)
	chip := newSim(t, "bounces", "DOOR")
	readings := input(t, hal.Door, gpio.Line{Chip: "bounces", Name: "DOOR"})
	last := await(t, readings, "inactive", is(hal.QualityGood, false))
	changes, moves, stalls := 0, 50, 0
	for move := range moves {
		open := move%2 == 0
		stalls += bounce(func(high bool) { chip.pull(0, high) }, open, 10, 40*time.Millisecond)
		await(t, readings, "moved", func(r hal.Reading) bool {
			if r.Active != last.Active {
				changes++
			}
			last = r
			return is(hal.QualityGood, open)(r)
		})
	}
	// Where the machine stalls within the bounces, the contact may rightly be seen to move there and back.
	t.Logf("%d moves were %d changes, with %d stalls", moves, changes, stalls)
	if changes < moves || changes > moves+2*stalls || stalls > moves/2 {
		t.Errorf("%d moves were %d changes, with %d stalls", moves, changes, stalls)
	}
}

// bounce moves a line to a level with bounces as fast as sysfs takes them, a tenth of a millisecond each. It returns
// how many of them may have lasted limit, because the machine stalled.
func bounce(pull func(bool), level bool, times int, limit time.Duration) (stalls int) {
	began := time.Now()
	to := func(l bool) {
		next := time.Now()
		pull(l)
		if time.Since(began) >= limit {
			stalls++
		}
		began = next
	}
	for range times {
		to(level)
		to(!level)
	}
	to(level)
	return stalls
}

func TestBenchRemovedChipIsUnknownAndReturns(t *testing.T) {
	onBench(t)
	chip := newSim(t, "leaves", "SMOKE", "RELAY")
	readings := input(t, hal.Smoke, gpio.Line{Chip: "leaves", Name: "SMOKE"})
	relay := newRelay(t, gpio.RelayConfig{Line: gpio.Line{Chip: "leaves", Name: "RELAY"}})
	for trial := range 5 {
		await(t, readings, "calm", is(hal.QualityGood, false))
		if err := relay.Set(t.Context(), true); err != nil || chip.value(1) != "1" {
			t.Fatalf("trial %d: the relay is at %s, %v", trial, chip.value(1), err)
		}
		chip.off()
		r := await(t, readings, "unknown", is(hal.QualityUnknown, false))
		if err := relay.Set(t.Context(), true); err == nil {
			t.Fatal("a relay without its chip was closed")
		}
		if err := relay.Set(t.Context(), false); err == nil {
			t.Fatal("a relay without its chip was opened")
		}
		chip.on()
		if trial == 0 {
			t.Logf("while it is gone: %s", r.Reason)
		}
	}
}

func TestBenchChipsKeepTheirIdentity(t *testing.T) {
	onBench(t)
	a, b := newSim(t, "first", "X"), newSim(t, "second", "X")
	ra, rb := input(t, hal.Door, gpio.Line{Chip: "first", Name: "X"}), input(t, hal.Door, gpio.Line{Chip: "second", Name: "X"})
	before := a.node() + " " + b.node()
	await(t, ra, "inactive", is(hal.QualityGood, false))
	await(t, rb, "inactive", is(hal.QualityGood, false))
	a.off()
	b.off()
	await(t, ra, "unknown", is(hal.QualityUnknown, false))
	await(t, rb, "unknown", is(hal.QualityUnknown, false))
	b.on()
	a.on()
	t.Logf("the chips first and second were %s and are %s %s", before, a.node(), b.node())
	if before == a.node()+" "+b.node() {
		t.Error("the kernel did not swap their numbers: this shows nothing")
	}
	a.pull(0, true)
	await(t, ra, "active", is(hal.QualityGood, true))
	for range 2 {
		await(t, rb, "inactive", is(hal.QualityGood, false))
	}
	b.pull(0, true)
	await(t, rb, "active", is(hal.QualityGood, true))
}

func TestBenchLineOfAnotherIsUnknown(t *testing.T) {
	onBench(t)
	newSim(t, "taken", "DOOR")
	newRelay(t, gpio.RelayConfig{Line: gpio.Line{Chip: "taken", Name: "DOOR"}})
	r := await(t, input(t, hal.Door, gpio.Line{Chip: "taken", Name: "DOOR"}), "unknown", is(hal.QualityUnknown, false))
	if !strings.Contains(r.Reason, "busy") {
		t.Errorf("the reason is %q", r.Reason)
	}
}

func TestBenchAmbiguousChipIsUnknown(t *testing.T) {
	onBench(t)
	newSimOf(t, "twin-a", "twin", "DOOR")
	readings := input(t, hal.Door, gpio.Line{Chip: "twin", Name: "DOOR"})
	await(t, readings, "there", is(hal.QualityGood, false))
	b := newSimOf(t, "twin-b", "twin", "DOOR")
	r := await(t, input(t, hal.Door, gpio.Line{Chip: "twin", Name: "DOOR"}), "unknown", is(hal.QualityUnknown, false))
	if !strings.Contains(r.Reason, "two gpio chips") {
		t.Errorf("the reason is %q", r.Reason)
	}
	byPlace := input(t, hal.Door, gpio.Line{Chip: filepath.Base(filepath.Dir(b.lines)), Name: "DOOR"})
	await(t, byPlace, "there", is(hal.QualityGood, false))
	b.pull(0, true)
	await(t, byPlace, "open", is(hal.QualityGood, true))
	for range 2 {
		await(t, readings, "closed", is(hal.QualityGood, false))
	}
}

func TestBenchLinksLeadToTheChip(t *testing.T) {
	onBench(t)
	chip := newSim(t, "linked", "DOOR", "KEY")
	for _, link := range []string{"/dev/gpio-cabinet", "/dev/gpiochip99"} { // udev's, and the Raspberry Pi's second node
		if err := os.Symlink(chip.node(), link); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(link) })
	}
	door := input(t, hal.Door, gpio.Line{Chip: "/dev/gpio-cabinet", Name: "DOOR"})
	key := input(t, hal.Key, gpio.Line{Chip: "linked", Name: "KEY"})
	for _, active := range []bool{true, false} {
		chip.pull(0, active)
		chip.pull(1, active)
		await(t, door, "moved", is(hal.QualityGood, active))
		await(t, key, "moved", is(hal.QualityGood, active))
	}
}

func newRelay(t *testing.T, cfg gpio.RelayConfig) *gpio.Relay {
	t.Helper()
	r, err := gpio.NewRelay(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}
