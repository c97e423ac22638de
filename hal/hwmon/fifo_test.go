package hwmon_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/hal"
	"bangtin/hal/hwmon"
)

// TestReadThatHangs reads a real file that does not answer: a FIFO that nobody writes. It waits for readings and
// measures no time.
func TestReadThatHangs(t *testing.T) {
	sys := newTree(t)
	sys.write("class/hwmon/hwmon0/name", "lm75\n")
	fifo := filepath.Join(sys.root, "class/hwmon/hwmon0/temp1_input")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	c := cabinet(sys.root)
	c.Every = 100 * time.Millisecond
	c.Limits = hwmon.DefaultLimits(hal.Temperature)
	c.Limits.Stale = time.Millisecond // three readings' time is the least
	s := must(t)(hwmon.New(c))
	ctx, cancel := context.WithCancel(t.Context())
	readings, done := make(chan hal.Reading), make(chan error, 1)
	go func() { done <- s.Run(ctx, readings) }()

	isUnknown(t, <-readings, "does not answer a read")

	// A reader that hung is let go, and what it reads counts again.
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	sys.write("class/hwmon/hwmon0/temp1_input", "25000\n") // in the place of the FIFO
	if _, err := w.WriteString("25000\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for r := range readings {
		if r.Quality == hal.QualityGood {
			if r.Temperature != celsius(25000) {
				t.Errorf("%+v, want 25 °C", r)
			}
			break
		}
	}
	cancel()
	<-done
}
