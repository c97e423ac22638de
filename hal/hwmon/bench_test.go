package hwmon_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/hwmon"
)

// TestBenchLM75 reads an LM75 through the kernel's own driver. The chip's registers are i2c-stub's. It needs root, Debian's
// kernel and i2c-tools, and changes the machine it runs on: the bench boots one for it.
func TestBenchLM75(t *testing.T) {
	if os.Getenv("BANGTIN_BENCH") == "" {
		t.Skip("needs a kernel of its own: set BANGTIN_BENCH in a booted bench")
	}
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	run("modprobe", "lm75")
	run("modprobe", "i2c-dev")
	run("modprobe", "i2c-stub", "chip_addr=0x48,0x49")
	t.Cleanup(func() { run("rmmod", "i2c-stub") })
	adapter, number := stubAdapter(t)
	register := func(address string, degrees int8) { // forced, because the driver has the chip
		t.Helper()
		run("i2cset", "-f", "-y", number, address, "0x00", fmt.Sprintf("%#04x", uint8(degrees)), "w")
	}
	tell := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(adapter, file), []byte(text), 0o200); err != nil {
			t.Fatal(err)
		}
	}
	register("0x48", 25)
	register("0x49", 50)
	tell("new_device", "lm75 0x49") // a twin, with the lower number
	tell("new_device", "lm75 0x48")

	c := hwmon.Config{Name: "cabinet", Chip: "lm75", Device: number + "-0048", Channel: "temp1", Kind: hal.Temperature}
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	readings := start(t, must(t)(hwmon.New(c)))
	good := func(degrees int64) {
		t.Helper()
		from := time.Now()
		await(t, readings, func(r hal.Reading) bool {
			return r.Quality == hal.QualityGood && r.Temperature == celsius(degrees*1000)
		})
		t.Logf("%d °C after %s", degrees, time.Since(from).Round(time.Millisecond))
	}
	unknown := func(because string) {
		t.Helper()
		from := time.Now()
		r := await(t, readings, func(r hal.Reading) bool {
			return r.Quality == hal.QualityUnknown && strings.Contains(r.Reason, because)
		})
		t.Logf("unknown after %s: %s", time.Since(from).Round(time.Millisecond), r.Reason)
	}
	good(25)
	register("0x48", 80)
	unknown("jumped")
	good(80)
	register("0x48", -10)
	unknown("jumped")
	good(-10)

	tell("delete_device", "0x48")
	unknown("cannot find")
	tell("delete_device", "0x49")
	register("0x48", 31)
	tell("new_device", "lm75 0x48") // with the number that the twin had
	good(31)
}

// start runs the sensor until the test ends.
func start(t *testing.T, s hal.Sensor) <-chan hal.Reading {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	readings, done := make(chan hal.Reading), make(chan error, 1)
	go func() { done <- s.Run(ctx, readings) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return readings
}

// await returns the first reading that fits. A minute without one ends the test rather than the bench.
func await(t *testing.T, readings <-chan hal.Reading, fits func(hal.Reading) bool) hal.Reading {
	t.Helper()
	limit := time.After(time.Minute)
	var last hal.Reading
	for {
		select {
		case last = <-readings:
			if last.Temperature == celsius(50_000) {
				t.Fatalf("read the twin: %+v", last)
			}
			if fits(last) {
				return last
			}
		case <-limit:
			t.Fatalf("the last reading was %+v", last)
		}
	}
}

// stubAdapter finds i2c-stub's bus in sysfs, and its number.
func stubAdapter(t *testing.T) (path, number string) {
	t.Helper()
	names, err := filepath.Glob("/sys/bus/i2c/devices/i2c-*/name")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(b), "SMBus stub driver") {
			path = filepath.Dir(name)
			return path, strings.TrimPrefix(filepath.Base(path), "i2c-")
		}
	}
	t.Fatalf("no adapter of i2c-stub among %q", names)
	return "", ""
}

// TestBenchOpenBus opens the kernel's bus by its adapter's name. i2c-stub refuses the transfer that periph makes, so the
// refusal shows that it came there; twice, since the bus is opened again after a failure.
func TestBenchOpenBus(t *testing.T) {
	if os.Getenv("BANGTIN_BENCH") == "" {
		t.Skip("needs a kernel of its own: set BANGTIN_BENCH in a booted bench")
	}
	for _, args := range [][]string{{"modprobe", "i2c-dev"}, {"modprobe", "i2c-stub", "chip_addr=0x40"}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := exec.Command("rmmod", "i2c-stub").CombinedOutput(); err != nil {
			t.Errorf("rmmod i2c-stub: %v\n%s", err, out)
		}
	})
	adapter, _ := stubAdapter(t)
	name, err := os.ReadFile(filepath.Join(adapter, "name"))
	if err != nil {
		t.Fatal(err)
	}
	bus, err := hwmon.OpenBus("/sys", strings.TrimSpace(string(name)))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := bus.Tx(inaAddress, []byte{5}, make([]byte, 2)); err == nil || !strings.Contains(err.Error(), "operation not supported") {
			t.Errorf("a transfer: %v; want that i2c-stub does not support it", err)
		}
	}
	if err := bus.Close(); err != nil {
		t.Error(err)
	}
}
