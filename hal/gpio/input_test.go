package gpio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	conn "periph.io/x/conn/v3/gpio"

	"bangtin/hal"
	"bangtin/hal/gpio"
)

func at(name string) gpio.Line { return gpio.Line{Chip: "fake", Name: name} }

// A log is what a sensor sent, taken all the time.
type log struct {
	readings chan hal.Reading
	all      []hal.Reading
	when     []time.Time // each of them came
	cancel   func()
}

// watch runs a sensor in a bubble and takes what it sends, until the test stops it.
func watch(t *testing.T, s hal.Sensor) *log {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &log{readings: make(chan hal.Reading), cancel: cancel}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l.readings) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Errorf("Run ended with %v", err)
		}
	})
	return l
}

// during lets time pass and returns what was sent meanwhile.
func (l *log) during(d time.Duration) []hal.Reading {
	from := len(l.all)
	for end := time.After(d); ; {
		select {
		case r := <-l.readings:
			l.all, l.when = append(l.all, r), append(l.when, time.Now())
		case <-end:
			return l.all[from:]
		}
	}
}

// changes drops repetitions.
func changes(readings []hal.Reading) (list []hal.Reading) {
	for _, r := range readings {
		if n := len(list); n == 0 || list[n-1].Active != r.Active || list[n-1].Quality != r.Quality {
			list = append(list, r)
		}
	}
	return list
}

// last is the newest reading.
func (l *log) last() hal.Reading { return l.all[len(l.all)-1] }

func fakeInput(t *testing.T, f *gpio.Fake, kind hal.Kind) *log {
	t.Helper()
	s, err := gpio.InputOn(f, gpio.InputConfig{Name: "it", Kind: kind, Line: at("IN")})
	if err != nil {
		t.Fatal(err)
	}
	return watch(t, s)
}

// both runs a test on a chip with interrupts and on one without.
func both(t *testing.T, test func(t *testing.T, f *gpio.Fake)) {
	for name, noEdges := range map[string]bool{"edges": false, "no interrupts": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := gpio.NewFake()
				f.NoEdges = noEdges
				test(t, f)
			})
		})
	}
}

func TestContactIsSentAtStartAndRepeated(t *testing.T) {
	both(t, func(t *testing.T, f *gpio.Fake) {
		f.Drive("IN", true)
		l := fakeInput(t, f, hal.Door)
		first := l.during(200 * time.Millisecond)
		if len(first) != 1 || !first[0].Active || first[0].Quality != hal.QualityGood || first[0].Kind != hal.Door || first[0].Sensor != "it" {
			t.Fatalf("at start it sends %+v", first)
		}
		before := first[0].At
		for _, r := range l.during(time.Hour) {
			if r.At.Sub(before) > 10*time.Second || !r.Active || r.Quality != hal.QualityGood {
				t.Fatalf("%v after the one before: %+v", r.At.Sub(before), r)
			}
			before = r.At
		}
		if time.Since(before) > 10*time.Second {
			t.Error("it went silent")
		}
	})
}

func TestContactBounces(t *testing.T) {
	both(t, func(t *testing.T, f *gpio.Fake) {
		l := fakeInput(t, f, hal.Door)
		l.during(time.Second)
		for trial, active := range []bool{true, false, true, false} {
			for range 20 { // a bounce of 40 ms
				f.Drive("IN", active)
				l.during(time.Millisecond)
				f.Drive("IN", !active)
				l.during(time.Millisecond)
			}
			f.Drive("IN", active)
			moved := time.Now()
			got := changes(l.during(3 * time.Second))
			for len(got) > 0 && got[0].Active != active {
				got = got[1:]
			}
			if len(got) != 1 || got[0].Quality != hal.QualityGood {
				t.Fatalf("trial %d: %+v", trial, got)
			}
			if late := got[0].At.Sub(moved); late > 70*time.Millisecond || late < 40*time.Millisecond && !f.NoEdges {
				t.Errorf("trial %d: known %v after the last bounce", trial, late)
			}
		}
	})
}

func TestContactIgnoresSpikes(t *testing.T) {
	both(t, func(t *testing.T, f *gpio.Fake) {
		l := fakeInput(t, f, hal.Tamper)
		l.during(time.Second)
		for range 100 {
			f.Drive("IN", true)
			l.during(30 * time.Millisecond)
			f.Drive("IN", false)
			l.during(300 * time.Millisecond)
		}
		if got := changes(l.all); len(got) != 1 || got[0].Active {
			t.Errorf("spikes of 30 ms are %+v", got)
		}
	})
}

func TestContactThatChattersIsUnknown(t *testing.T) {
	both(t, func(t *testing.T, f *gpio.Fake) {
		l := fakeInput(t, f, hal.Door)
		l.during(time.Second)
		began := time.Now()
		var got []hal.Reading
		for n := range 1000 { // for 11 s, in step with nothing
			f.Drive("IN", n%2 == 0)
			got = append(got, l.during(11*time.Millisecond)...)
		}
		got = changes(got)
		if n := len(got); n == 0 || got[n-1].Quality != hal.QualityUnknown || got[n-1].Reason == "" || got[n-1].At.Sub(began) > 3*time.Second {
			t.Fatalf("it is %+v", got)
		}
		f.Drive("IN", true)
		l.during(200 * time.Millisecond)
		if r := l.last(); r.Quality != hal.QualityGood || !r.Active {
			t.Errorf("at rest again it is %+v", r)
		}
	})
}

// TestSmokeThatChattersIsSmoke: a detector in alarm may have a contact that never comes to rest.
func TestSmokeThatChattersIsSmoke(t *testing.T) {
	for _, tt := range []struct{ active, pause time.Duration }{{30, 30}, {45, 20}, {5, 5}, {40, 1}, {20, 45}, {49, 49}, {1, 2}} {
		both(t, func(t *testing.T, f *gpio.Fake) {
			if f.NoEdges && tt.active < 7 {
				return // it is read each 7 ms: what it sees of these is chance
			}
			l := fakeInput(t, f, hal.Smoke)
			l.during(time.Second)
			var alarm time.Duration
			for began := time.Now(); time.Since(began) < 15*time.Second; {
				f.Drive("IN", true)
				l.during(tt.active * time.Millisecond)
				f.Drive("IN", false)
				l.during(tt.pause * time.Millisecond)
				if r := l.last(); alarm == 0 && r.Active {
					alarm = time.Since(began)
				} else if alarm > 0 && (!r.Active || r.Quality != hal.QualityGood) {
					t.Fatalf("%d ms active, %d ms not: after %v it is %+v", tt.active, tt.pause, time.Since(began), r)
				}
			}
			if alarm == 0 || alarm > 600*time.Millisecond {
				t.Errorf("%d ms active, %d ms not: smoke after %v", tt.active, tt.pause, alarm)
			}
			l.during(time.Second)
			if r := l.last(); r.Active || r.Quality != hal.QualityGood {
				t.Errorf("at rest again it is %+v", r)
			}
		})
	}
}

// TestSmokeIgnoresSpikes that are rare: they do not add up.
func TestSmokeIgnoresSpikes(t *testing.T) {
	both(t, func(t *testing.T, f *gpio.Fake) {
		l := fakeInput(t, f, hal.Smoke)
		l.during(time.Second)
		for range 200 {
			f.Drive("IN", true)
			l.during(10 * time.Millisecond)
			f.Drive("IN", false)
			l.during(90 * time.Millisecond)
		}
		if got := changes(l.all); len(got) != 1 || got[0].Active || got[0].Quality != hal.QualityGood {
			t.Errorf("spikes of 10 ms are %+v", got)
		}
	})
}

func TestMainsPulses(t *testing.T) {
	both(t, func(t *testing.T, f *gpio.Fake) {
		l := fakeInput(t, f, hal.Mains)
		pulses := func(n int) {
			for range n { // 100 Hz, conducting for 4 ms
				f.Drive("IN", true)
				l.during(4 * time.Millisecond)
				f.Drive("IN", false)
				l.during(6 * time.Millisecond)
			}
		}
		pulses(6000)
		if got := changes(l.all); got[len(got)-1].Quality != hal.QualityGood || !got[len(got)-1].Active || len(got) > 2 {
			t.Fatalf("a minute of mains is %+v", got)
		}
		from := len(l.all)
		for range 50 { // two of three pulses fail
			pulses(1)
			l.during(20 * time.Millisecond)
		}
		if f.NoEdges {
			from = len(l.all) // who looks each 7 ms may miss 4 ms three times
			pulses(20)
		}
		ended := time.Now().Add(-6 * time.Millisecond)
		if !f.NoEdges {
			ended = ended.Add(-20 * time.Millisecond)
		}
		l.during(5 * time.Second)
		got := changes(l.all[from:])
		if got[len(got)-1].Active || len(got) > 2 {
			t.Fatalf("mains that ended is %+v", got)
		}
		lost := got[len(got)-1].At.Sub(ended)
		if lost < 30*time.Millisecond || lost > 50*time.Millisecond {
			t.Errorf("mains was called lost %v after its last pulse", lost)
		}
		f.Drive("IN", true) // a spike is no mains
		l.during(time.Millisecond)
		f.Drive("IN", false)
		if got := changes(l.during(5 * time.Second)); len(got) != 1 || got[0].Active {
			t.Errorf("a spike is %+v", got)
		}
	})
}

func TestMainsThatIsSteady(t *testing.T) {
	both(t, func(t *testing.T, f *gpio.Fake) {
		f.Drive("IN", true)
		l := fakeInput(t, f, hal.Mains)
		if got := changes(l.during(time.Minute)); len(got) != 1 || !got[0].Active {
			t.Errorf("it is %+v", got)
		}
		f.Drive("IN", false)
		if got := changes(l.during(time.Second)); len(got) != 1 || got[0].Active {
			t.Errorf("without it is %+v", got)
		}
	})
}

func TestVanishedChipIsUnknown(t *testing.T) {
	both(t, func(t *testing.T, f *gpio.Fake) {
		l := fakeInput(t, f, hal.Smoke)
		l.during(time.Minute)
		for trial := range 3 {
			f.Vanish()
			gone := time.Now()
			got := l.during(time.Minute)
			if len(got) == 0 || got[0].Quality != hal.QualityUnknown || got[0].At.Sub(gone) > 2*time.Second || !strings.Contains(got[0].Reason, "gone") {
				t.Fatalf("trial %d: it is %+v", trial, got)
			}
			if len(got) > 30 {
				t.Errorf("%d readings in a minute", len(got))
			}
			before := gone
			for _, r := range got {
				if r.Quality != hal.QualityUnknown || r.At.Sub(before) > 10*time.Second {
					t.Errorf("without a chip: %+v", r)
				}
				before = r.At
			}
			f.Drive("IN", trial%2 == 0) // while nobody could see
			f.Return()
			l.during(6 * time.Second)
			if r := l.last(); r.Quality != hal.QualityGood || r.Active != (trial%2 == 0) {
				t.Fatalf("trial %d: back again it is %+v", trial, r)
			}
		}
	})
}

func TestReadErrorIsUnknown(t *testing.T) {
	both(t, func(t *testing.T, f *gpio.Fake) {
		f.Drive("IN", true)
		l := fakeInput(t, f, hal.Smoke)
		l.during(time.Minute)
		f.Break(errors.New("input/output error"))
		for _, r := range l.during(time.Minute) {
			if r.Quality == hal.QualityGood && !r.Active {
				t.Fatalf("an error reads as safe: %+v", r)
			}
		}
		if r := l.last(); r.Quality != hal.QualityUnknown || !strings.Contains(r.Reason, "input/output error") {
			t.Errorf("it is %+v", r)
		}
		f.Return()
		l.during(6 * time.Second)
		if r := l.last(); r.Quality != hal.QualityGood || !r.Active {
			t.Errorf("healed it is %+v", r)
		}
	})
}

// A driver that looks for edges now and then tells of none when the mains and it are in step.
func TestDullChipsAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		f.Dull = true
		l := fakeInput(t, f, hal.Mains)
		for range 6000 {
			f.Drive("IN", true)
			l.during(4 * time.Millisecond)
			f.Drive("IN", false)
			l.during(6 * time.Millisecond)
		}
		if got := changes(l.all); len(got) > 2 || !got[len(got)-1].Active {
			t.Errorf("a minute of mains is %+v", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		f.Dull = true
		l := fakeInput(t, f, hal.Smoke)
		l.during(time.Minute)
		f.Drive("IN", true)
		if got := changes(l.during(1200 * time.Millisecond)); len(got) == 0 || !got[len(got)-1].Active {
			t.Errorf("a second of smoke is %+v", got)
		}
	})
}

// A reader that was busy learns what is, and never what was.
func TestSlowReaderLearnsTheLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		l := fakeInput(t, f, hal.Door)
		l.during(time.Second)
		for n := range 10_001 { // 100 s, and far more edges than the kernel keeps
			f.Drive("IN", n%2 == 0)
			time.Sleep(10 * time.Millisecond)
		}
		l.during(time.Second)
		if r := l.last(); !r.Active || r.Quality != hal.QualityGood {
			t.Errorf("after a pause it is %+v", r)
		}
	})
}

func TestInputConfig(t *testing.T) {
	good := gpio.InputConfig{Name: "it", Kind: hal.Smoke, Line: gpio.Line{Chip: "ftdi-cbus", Name: "1", Pull: conn.PullUp}}
	for _, tt := range []struct {
		name string
		edit func(*gpio.InputConfig)
		want string // part of the error; empty is none
	}{
		{"good", func(*gpio.InputConfig) {}, ""},
		{"by USB port", func(c *gpio.InputConfig) { c.Line.Chip = "1-1.2" }, ""},
		{"by link", func(c *gpio.InputConfig) { c.Line.Chip = "/dev/gpio-cabinet" }, ""},
		{"by the kernel's number", func(c *gpio.InputConfig) { c.Line.Chip = "gpiochip0" }, "as it finds them"},
		{"by the kernel's node", func(c *gpio.InputConfig) { c.Line.Chip = "/dev/gpiochip12" }, "as it finds them"},
		{"no chip", func(c *gpio.InputConfig) { c.Line.Chip = "" }, "1 to 128"},
		{"no line", func(c *gpio.InputConfig) { c.Line.Name = "" }, "1 to 128"},
		{"control characters", func(c *gpio.InputConfig) { c.Line.Name = "A\nB" }, "1 to 128"},
		{"no contact", func(c *gpio.InputConfig) { c.Kind = hal.Temperature }, "two positions"},
		{"a cut cable is no fire", func(c *gpio.InputConfig) { c.Line.ActiveLow = true }, "cut cable"},
		{"a cut cable is no fire, pulled down", func(c *gpio.InputConfig) { c.Line.Pull = conn.PullDown }, "cut cable"},
		{"a door may be so", func(c *gpio.InputConfig) { c.Kind, c.Line.ActiveLow = hal.Door, true }, ""},
		{"fast", func(c *gpio.InputConfig) { c.Debounce = -1 }, "0 to 1s"},
		{"slow", func(c *gpio.InputConfig) { c.Hold = time.Minute }, "0 to 1s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good
			tt.edit(&cfg)
			_, err := gpio.NewInput(cfg)
			if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it says %v", err)
			}
		})
	}
}
