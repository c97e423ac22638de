package hwmon_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/hwmon"
)

// fireCounts is the judge's part of the two seconds that a fire has until the relay is open (docs/DESIGN.md).
const fireCounts = 600 * time.Millisecond

// TestAFireCountsInTime: a jump over the cut-off, at any moment between two reads, is believed within its part of the time,
// and not at the first reading that says it. Time is virtual.
func TestAFireCountsInTime(t *testing.T) {
	for _, interval := range []string{"", "100\n", "400\n", "-1\n", "garbage"} {
		for phase := time.Duration(0); phase < 500*time.Millisecond; phase += 20 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				sys, l := chip(t, interval)
				time.Sleep(2*time.Second + phase)
				sys.write("class/hwmon/hwmon0/temp1_input", "80000\n")
				at := time.Now()
				time.Sleep(fireCounts)
				synctest.Wait()
				l.is(t, "cabinet", 80000)
				if r := l.last("cabinet"); r.At.Sub(at) < 400*time.Millisecond {
					t.Errorf("update_interval %q, phase %v: believed after %v, by fewer than three readings", interval, phase, r.At.Sub(at))
				}
			})
		}
	}
}

// TestOneWildMeasurement is never believed, though a chip that measures seldom says it in many readings.
func TestOneWildMeasurement(t *testing.T) {
	for _, tt := range []struct {
		interval string        // what the chip says of itself, in ms
		held     time.Duration // how long it says the wild value
	}{
		{"", 200 * time.Millisecond}, {"", 400 * time.Millisecond},
		{"100\n", 100 * time.Millisecond}, {"400\n", 400 * time.Millisecond},
		{"1000\n", time.Second}, {"1500\n", 1500 * time.Millisecond}, {"2000\n", 2 * time.Second},
	} {
		for phase := time.Duration(0); phase < 200*time.Millisecond; phase += 50 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				sys, l := chip(t, tt.interval)
				time.Sleep(5*time.Second + phase + time.Millisecond) // no write at the moment of a read
				sys.write("class/hwmon/hwmon0/temp1_input", "80000\n")
				time.Sleep(tt.held - 2*time.Millisecond)
				sys.write("class/hwmon/hwmon0/temp1_input", "30500\n")
				time.Sleep(10 * time.Second)
				synctest.Wait()
				for _, r := range l.all("cabinet") {
					if r.Quality == hal.QualityGood && r.Temperature > celsius(31000) {
						t.Errorf("update_interval %q, phase %v: believed %s", tt.interval, phase, r.Temperature)
					}
				}
				l.is(t, "cabinet", 30500)
			})
		}
	}
}

// TestAChipThatMeasuresSeldom is believed as soon as a second measurement agrees; one that says that it hardly ever does is not
// waited for longer than a value may be old.
func TestAChipThatMeasuresSeldom(t *testing.T) {
	for millis, want := range map[int]time.Duration{
		600: 800 * time.Millisecond, 1000: 1200 * time.Millisecond, 1500: 1800 * time.Millisecond, 1 << 30: 2200 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			sys, l := chip(t, fmt.Sprintf("%d\n", millis))
			time.Sleep(10*time.Second + time.Millisecond)
			sys.write("class/hwmon/hwmon0/temp1_input", "80000\n")
			time.Sleep(want - 150*time.Millisecond)
			synctest.Wait()
			l.unknown(t, "cabinet", "jumped from 30 °C to 80 °C")
			time.Sleep(150 * time.Millisecond)
			synctest.Wait()
			l.is(t, "cabinet", 80000)
		})
	}
}

// chip is an LM75 at 30 °C that is read as a display does.
func chip(t *testing.T, interval string) (tree, *listener) {
	t.Helper()
	sys := newTree(t)
	sys.write("class/hwmon/hwmon0/name", "lm75\n")
	sys.write("class/hwmon/hwmon0/temp1_input", "30000\n")
	if interval != "" {
		sys.write("class/hwmon/hwmon0/update_interval", interval)
	}
	return sys, listen(t, must(t)(hwmon.New(hwmon.Config{
		Name: "cabinet", Root: sys.root, Chip: "lm75", Channel: "temp1", Kind: hal.Temperature,
	})))
}
