package hwmon_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
)

// A listener hears everything that a sensor says.
type listener struct {
	mu    sync.Mutex
	heard []hal.Reading
	times []time.Time
}

// listen runs the sensor until the test ends.
func listen(t *testing.T, s hal.Sensor) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := make(chan hal.Reading)
	l := &listener{}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, c) }()
	go func() {
		for {
			select {
			case r := <-c:
				l.mu.Lock()
				l.heard, l.times = append(l.heard, r), append(l.times, time.Now())
				l.mu.Unlock()
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v, want context.Canceled", err)
		}
	})
	return l
}

// all returns what a sensor has said so far.
func (l *listener) all(name string) []hal.Reading {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []hal.Reading
	for _, r := range l.heard {
		if r.Sensor == name {
			out = append(out, r)
		}
	}
	return out
}

// last is the newest of them, the zero reading when there is none.
func (l *listener) last(name string) hal.Reading {
	all := l.all(name)
	if len(all) == 0 {
		return hal.Reading{}
	}
	return all[len(all)-1]
}

func celsius(milli int64) physic.Temperature {
	return physic.ZeroCelsius + physic.Temperature(milli)*physic.MilliCelsius
}

// is fails the test unless the sensor's last reading is good and that warm.
func (l *listener) is(t *testing.T, name string, milli int64) {
	t.Helper()
	if r := l.last(name); r.Quality != hal.QualityGood || r.Temperature != celsius(milli) || r.Reason != "" {
		t.Errorf("%s says %s %q, quality %d; want %s", name, r.Temperature, r.Reason, r.Quality, celsius(milli))
	}
}

// unknown fails the test unless the sensor's last reading is of unknown quality, with a reason that holds part.
func (l *listener) unknown(t *testing.T, name, part string) {
	t.Helper()
	isUnknown(t, l.last(name), part)
}

// A tree is a sysfs of files.
type tree struct {
	t    *testing.T
	root string
}

func newTree(t *testing.T) tree { return tree{t, t.TempDir()} }

// write puts a file there at once, as the kernel would: no reader sees half of it.
func (s tree) write(path, text string) {
	s.t.Helper()
	full := filepath.Join(s.root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		s.t.Fatal(err)
	}
	part := filepath.Join(s.root, "part")
	if err := os.WriteFile(part, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(part, full); err != nil {
		s.t.Fatal(err)
	}
}

func (s tree) remove(path string) {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.root, path)); err != nil {
		s.t.Fatal(err)
	}
}

func (s tree) rename(from, to string) {
	s.t.Helper()
	if err := os.Rename(filepath.Join(s.root, from), filepath.Join(s.root, to)); err != nil {
		s.t.Fatal(err)
	}
}

// device makes the link "device" of a folder, as the kernel does.
func (s tree) device(path, device string) {
	s.t.Helper()
	full := filepath.Join(s.root, device)
	if err := os.MkdirAll(full, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Symlink(full, filepath.Join(s.root, path, "device")); err != nil {
		s.t.Fatal(err)
	}
}

// must returns the sensor.
func must(t *testing.T) func(hal.Sensor, error) hal.Sensor {
	return func(s hal.Sensor, err error) hal.Sensor {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}
