package gpio_test

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/gpio"
)

// meter is 3600 J a pulse, of a panel that draws a watt at least: 2 h without a pulse are plausible.
func meter(t *testing.T, f *gpio.Fake) *log {
	t.Helper()
	return quietMeter(t, f, physic.Watt)
}

func quietMeter(t *testing.T, f *gpio.Fake, quiet physic.Power) *log {
	t.Helper()
	p, err := gpio.PulsesOn(f, gpio.PulseConfig{Name: "meter", Line: at("S0"), PulsesPerKWh: 1000, Quiet: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return watch(t, p)
}

// pulse is one of the shortest that there may be, with bounces of a millisecond at both ends.
func pulse(f *gpio.Fake, l *log, bounces int) {
	for _, level := range []bool{true, false} {
		for range bounces {
			f.Drive("S0", level)
			l.during(500 * time.Microsecond)
			f.Drive("S0", !level)
			l.during(500 * time.Microsecond)
		}
		f.Drive("S0", level)
		l.during(30 * time.Millisecond)
	}
}

func watts(r hal.Reading) float64 { return float64(r.Watts) / float64(physic.Watt) }

func near(got, want float64) bool { return math.Abs(got-want) <= want/100 }

func TestPulsesAreCounted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		bounces int
		spikes  bool
	}{{"clean", 0, false}, {"bouncing", 10, false}, {"with spikes of 5 ms between", 0, true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := gpio.NewFake()
				l := meter(t, f)
				l.during(time.Second)
				for range 100 {
					pulse(f, l, tt.bounces)
					if tt.spikes {
						l.during(20 * time.Millisecond)
						f.Drive("S0", true)
						l.during(5 * time.Millisecond)
						f.Drive("S0", false)
						l.during(20 * time.Millisecond)
					}
				}
				l.during(10 * time.Second)
				if r := l.last(); r.Joules != 100*3600 || r.Quality != hal.QualityGood || r.Kind != hal.Meter || r.Sensor != "meter" {
					t.Errorf("100 pulses are %+v", r)
				}
			})
		})
	}
}

// Two pulses cannot begin within 60 ms: a contact that bounces for longer than the debounce is one.
func TestPulsesThatBounceLongAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		l := meter(t, f)
		l.during(time.Second)
		for range 100 {
			for range 2 {
				f.Drive("S0", true)
				l.during(10 * time.Millisecond)
				f.Drive("S0", false)
				l.during(10 * time.Millisecond)
			}
			pulse(f, l, 0)
		}
		l.during(10 * time.Second)
		if r := l.last(); r.Joules != 100*3600 {
			t.Errorf("100 pulses are %+v", r)
		}
	})
}

func TestPulsesAreCountedWhileNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		l := meter(t, f)
		l.during(time.Second)
		for range 500 { // 30 s; the kernel keeps 1024 edges
			f.Drive("S0", true)
			time.Sleep(30 * time.Millisecond)
			f.Drive("S0", false)
			time.Sleep(30 * time.Millisecond)
		}
		l.during(20 * time.Second)
		if r := l.last(); r.Joules != 500*3600 || r.Quality != hal.QualityGood {
			t.Errorf("500 pulses are %+v", r)
		}
	})
}

func TestLostPulsesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		l := meter(t, f)
		l.during(time.Second)
		for range 1000 { // 2000 edges
			f.Drive("S0", true)
			time.Sleep(30 * time.Millisecond)
			f.Drive("S0", false)
			time.Sleep(30 * time.Millisecond)
		}
		var told []hal.Reading
		for _, r := range l.during(time.Minute) {
			if strings.Contains(r.Reason, "no room") {
				told = append(told, r)
			}
		}
		if len(told) != 1 || told[0].Quality != hal.QualityUnknown {
			t.Errorf("the loss is told so: %+v", told)
		}
		before := l.last()
		if n := before.Joules / 3600; n < 400 || n >= 1000 {
			t.Errorf("of 1000 pulses %d are counted", n)
		}
		for range 10 {
			pulse(f, l, 0)
		}
		l.during(10 * time.Second)
		if r := l.last(); r.Joules-before.Joules != 36000 || r.Quality != hal.QualityGood {
			t.Errorf("ten pulses after %+v are %+v", before, r)
		}
	})
}

func TestWattsOfTheIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		l := meter(t, f)
		if got := l.during(30 * time.Second); len(got) == 0 || got[0].Quality != hal.QualityUnknown || got[0].Reason == "" {
			t.Fatalf("before the first pulse it is %+v", got)
		}
		every := func(d time.Duration, n int) {
			for range n {
				pulse(f, l, 0)
				l.during(d - 60*time.Millisecond)
			}
		}
		every(36*time.Second, 1)
		if r := l.last(); r.Quality != hal.QualityUnknown || r.Joules != 3600 {
			t.Errorf("after one pulse it is %+v", r)
		}
		every(36*time.Second, 3)
		if r := l.last(); r.Quality != hal.QualityGood || !near(watts(r), 100) {
			t.Errorf("3600 J each 36 s are %+v", r)
		}
		every(time.Second, 30)
		if r := l.last(); !near(watts(r), 3600) {
			t.Errorf("3600 J each second are %+v", r)
		}
		// Now nothing comes: after each time it can be no more than one pulse in it.
		silent, before := time.Now().Add(-time.Second), math.Inf(1)
		from := len(l.all)
		for i, r := range l.during(2*time.Hour - time.Minute) {
			since := l.when[from+i].Sub(silent)
			most := 3600/since.Seconds() + 0.1
			if stamp := r.At.Sub(silent); stamp < 0 || stamp > 100*time.Millisecond {
				t.Fatalf("%v after the last pulse it was observed %v after it", since, stamp)
			}
			if w := watts(r); w > most || w > before || r.Quality != hal.QualityGood {
				t.Fatalf("%v after the last pulse it is %v, more than %.1f W or than %v before", since, r.Watts, most, before)
			}
			before = watts(r)
		}
		if r := l.last(); !near(watts(r), 0.504) || r.Joules != 34*3600 {
			t.Errorf("two hours later it is %+v", r)
		}
	})
}

// A meter that stands still and one whose wire is cut look alike: neither says that the panel draws nothing.
func TestSilenceProvesNothing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		quiet physic.Power
		every time.Duration
		limit time.Duration // how long the silence may be that still says something
	}{
		{"100 W", 0, 36 * time.Second, 12 * time.Minute},
		{"100 W and 5 W in standby", 5 * physic.Watt, 36 * time.Second, 24 * time.Minute},
		{"100 W and 50 W in standby", 50 * physic.Watt, 36 * time.Second, 12 * time.Minute},
		{"5 W", 0, 12 * time.Minute, 4 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := gpio.NewFake()
				l := quietMeter(t, f, tt.quiet)
				l.during(time.Second)
				for range 4 {
					l.during(tt.every - 60*time.Millisecond)
					pulse(f, l, 0)
				}
				silent, joules := time.Now(), int64(4*3600)
				from := len(l.all)
				for i, r := range l.during(3 * tt.limit) {
					since := l.when[from+i].Sub(silent)
					if good := r.Quality == hal.QualityGood; good != (since < tt.limit) || !good && !strings.Contains(r.Reason, "no pulse for") || r.Joules != joules {
						t.Fatalf("%v after the last pulse it is %+v", since, r)
					}
				}
				pulse(f, l, 0) // it was no cut wire
				l.during(10 * time.Second)
				if r := l.last(); r.Quality != hal.QualityGood || !near(watts(r), 1200/tt.limit.Seconds()) || r.Joules != joules+3600 {
					t.Errorf("a pulse later it is %+v", r)
				}
			})
		})
	}
}

func TestMeterThatNeverPulsedIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := meter(t, gpio.NewFake())
		l.during(2 * time.Hour)
		before := l.all[0].At
		for _, r := range l.all {
			if r.At.Sub(before) > 10*time.Second {
				t.Fatalf("it was silent for %v", r.At.Sub(before))
			}
			if r.Quality != hal.QualityUnknown || !strings.Contains(r.Reason, "two pulses") {
				t.Fatalf("without a pulse it is %+v", r)
			}
			before = r.At
		}
	})
}

func TestJoulesOutliveTheChip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		l := meter(t, f)
		l.during(time.Second)
		for range 10 {
			pulse(f, l, 0)
		}
		f.Vanish()
		got := l.during(time.Minute)
		if r := l.last(); r.Quality != hal.QualityUnknown || r.Joules != 36000 || r.Watts != 0 || !strings.Contains(r.Reason, "gone") {
			t.Errorf("without its chip it is %+v", r)
		}
		if got[0].At.After(time.Now().Add(-58 * time.Second)) {
			t.Errorf("it took until %v", got[0].At)
		}
		f.Drive("S0", true) // it returns within a pulse, of which nobody saw the beginning
		f.Return()
		l.during(10 * time.Second)
		f.Drive("S0", false)
		l.during(time.Second)
		for range 5 {
			pulse(f, l, 0)
		}
		l.during(10 * time.Second)
		if r := l.last(); r.Quality != hal.QualityGood || r.Joules != 15*3600 {
			t.Errorf("with five pulses more it is %+v", r)
		}
	})
}

func TestPulsesThatChatterAreUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		l := meter(t, f)
		l.during(time.Second)
		for n := range 5000 {
			f.Drive("S0", n%2 == 0)
			l.during(3 * time.Millisecond)
		}
		if r := l.last(); r.Quality != hal.QualityUnknown || r.Joules != 0 {
			t.Errorf("a line that buzzes at 166 Hz is %+v", r)
		}
	})
}

func TestPulsesNeedInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		f.NoEdges = true
		l := meter(t, f)
		l.during(time.Minute)
		if r := l.last(); r.Quality != hal.QualityUnknown || !strings.Contains(r.Reason, "no interrupts") {
			t.Errorf("it is %+v", r)
		}
	})
}

func TestPulseConfig(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  gpio.PulseConfig
		want string
	}{
		{"good", gpio.PulseConfig{Line: at("S0"), PulsesPerKWh: 1000}, ""},
		{"no pulses", gpio.PulseConfig{Line: at("S0")}, "1 to 100000"},
		{"too many", gpio.PulseConfig{Line: at("S0"), PulsesPerKWh: 100_001}, "1 to 100000"},
		{"slow", gpio.PulseConfig{Line: at("S0"), PulsesPerKWh: 1, Debounce: 10 * time.Millisecond}, "below 10ms"},
		{"less than nothing", gpio.PulseConfig{Line: at("S0"), PulsesPerKWh: 1, Quiet: -1}, "does not draw"},
		{"no line", gpio.PulseConfig{PulsesPerKWh: 1}, "1 to 128"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := gpio.NewPulses(tt.cfg)
			if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

// A mean tells from when it is: two pulses apart, or a row of fast ones, and by the wall's clock, whatever passed since the last.
func TestAMeanTellsFromWhenItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		l := meter(t, f)
		l.during(time.Second)
		pulse(f, l, 0)
		l.during(time.Minute)
		if r := l.last(); !r.From.IsZero() {
			t.Errorf("one pulse is a mean from %v", r.From)
		}
		l.during(14*time.Minute - 60*time.Millisecond)
		began := time.Now().Add(-15 * time.Minute)
		pulse(f, l, 0)
		l.during(5 * time.Minute)
		r := l.last()
		if from := r.From.Sub(began); from.Abs() > time.Second || r.Pulse != 3600*physic.Joule {
			t.Errorf("the mean is from %v after the first pulse, of pulses of %v", from, r.Pulse)
		}
		if span := r.At.Sub(r.From); (span-15*time.Minute).Abs() > time.Second || !near(watts(r), 4) {
			t.Errorf("the mean is of %v: %v", span, r.Watts)
		}
		last := r.At
		for range 20 {
			pulse(f, l, 0)
		}
		l.during(10 * time.Second)
		r = l.last()
		if from := r.From.Sub(last); from < -time.Second || from > 6*time.Minute || r.At.Before(r.From) {
			t.Errorf("the fast mean is from %v after the pulse before them", from)
		}
		l.during(time.Minute)
		pulse(f, l, 0)
		l.during(10 * time.Second)
		before := r.At
		if r = l.last(); r.From.Sub(before).Abs() > time.Second {
			t.Errorf("the next mean is from %v after the last pulse before it", r.From.Sub(before))
		}
	})
}
