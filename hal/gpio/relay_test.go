package gpio_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal/gpio"
)

func fakeRelay(t *testing.T, f *gpio.Fake, cfg gpio.RelayConfig) *gpio.Relay {
	t.Helper()
	cfg.Line = at("RELAY")
	r, err := gpio.RelayOn(f, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func last(f *gpio.Fake) gpio.Write {
	w := f.Written()
	return w[len(w)-1]
}

func TestRelayIsSafeFirst(t *testing.T) {
	for _, safe := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := gpio.NewFake()
			r := fakeRelay(t, f, gpio.RelayConfig{SafeClosed: safe})
			if w := f.Written(); len(w) != 1 || w[0].Active != safe || !w[0].Opened {
				t.Fatalf("at start it wrote %+v", w)
			}
			if err := r.Set(t.Context(), !safe); err != nil || last(f).Active == safe {
				t.Errorf("then %+v, %v", last(f), err)
			}
			if err := errors.Join(r.Close(), r.Close()); err != nil || last(f).Active != safe {
				t.Errorf("closed it wrote %+v, %v", last(f), err)
			}
			n := len(f.Written())
			if err := r.Set(t.Context(), !safe); err == nil || len(f.Written()) != n {
				t.Errorf("after Close it writes, %v", err)
			}
		})
	}
}

func TestRelayRepeatsHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		r := fakeRelay(t, f, gpio.RelayConfig{Dwell: time.Minute, SafeClosed: true})
		for _, closed := range []bool{true, true, false, false} {
			n := len(f.Written())
			if err := r.Set(t.Context(), closed); err != nil {
				t.Fatal(err)
			}
			if w := f.Written(); len(w) != n+1 || w[n].Active != closed || w[n].Opened {
				t.Errorf("Set %v wrote %+v", closed, w[n:])
			}
		}
	})
}

func TestRelayDwells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		r := fakeRelay(t, f, gpio.RelayConfig{Dwell: time.Minute})
		set := func(closed bool, took time.Duration) {
			t.Helper()
			began := time.Now()
			if err := r.Set(t.Context(), closed); err != nil || last(f).Active != closed || time.Since(began) != took {
				t.Errorf("Set %v took %v and wrote %+v, %v", closed, time.Since(began), last(f), err)
			}
		}
		set(true, time.Minute) // since the start
		set(true, 0)
		set(false, 0)
		time.Sleep(20 * time.Second)
		set(false, 0) // repeated, which is no new opening
		set(true, 40*time.Second)
		set(false, 0)
		time.Sleep(time.Hour)
		set(true, 0)
	})
}

// A fire does not wait for a relay that waits to close, and that one does not close after it.
func TestRelayOpensAtOnce(t *testing.T) {
	for _, by := range []string{"a newer wish", "its context", "Close"} {
		synctest.Test(t, func(t *testing.T) {
			f := gpio.NewFake()
			r := fakeRelay(t, f, gpio.RelayConfig{Dwell: time.Minute})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			waiting := make(chan error, 1)
			go func() { waiting <- r.Set(ctx, true) }()
			time.Sleep(30 * time.Second)
			began := time.Now()
			switch by {
			case "a newer wish":
				if err := r.Set(t.Context(), false); err != nil {
					t.Error(err)
				}
			case "its context":
				cancel()
			case "Close":
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
			if err := <-waiting; err == nil || time.Since(began) > 0 {
				t.Errorf("ended by %s, after %v the one that waited says %v", by, time.Since(began), err)
			}
			time.Sleep(time.Hour)
			for _, w := range f.Written() {
				if w.Active {
					t.Errorf("ended by %s it closed all the same: %+v", by, w)
				}
			}
		})
	}
}

// At the very moment in which the dwell ends, the newest wish wins all the same.
func TestRelayOpensInTheMomentOfClosing(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			f := gpio.NewFake()
			r := fakeRelay(t, f, gpio.RelayConfig{Dwell: time.Minute})
			waiting := make(chan error, 1)
			go func() { waiting <- r.Set(t.Context(), true) }()
			time.Sleep(time.Minute)
			if err := r.Set(t.Context(), false); err != nil {
				t.Error(err)
			}
			if <-waiting; last(f).Active {
				t.Fatalf("it ended closed: %+v", f.Written())
			}
		})
	}
}

func TestRelayFeedback(t *testing.T) {
	back := at("BACK")
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		r := fakeRelay(t, f, gpio.RelayConfig{Feedback: &back})
		began := time.Now()
		if err := r.Set(t.Context(), true); err == nil || !last(f).Active || time.Since(began) > time.Second {
			t.Errorf("a relay that sticks was closed after %v: %v", time.Since(began), err)
		}
		if err := r.Set(t.Context(), false); err != nil {
			t.Errorf("it is open: %v", err)
		}
		go func() { // a relay that needs 20 ms and bounces
			time.Sleep(20 * time.Millisecond)
			for range 4 {
				f.Drive("BACK", true)
				time.Sleep(2 * time.Millisecond)
				f.Drive("BACK", false)
				time.Sleep(time.Millisecond)
			}
			f.Drive("BACK", true)
		}()
		began = time.Now()
		if err := r.Set(t.Context(), true); err != nil || time.Since(began) < 30*time.Millisecond {
			t.Errorf("a relay that moves was closed after %v: %v", time.Since(began), err)
		}
		// It does not open: the error is no reason to believe that it did.
		if err := r.Set(t.Context(), false); err == nil || last(f).Active {
			t.Errorf("a relay that is welded was opened: %v", err)
		}
	})
}

// A program that did not run for a while has not looked at the contact: that is no contradiction.
func TestRelayFeedbackOfAProgramThatStalls(t *testing.T) {
	back := at("BACK")
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			f := gpio.NewFake()
			f.Slow = time.Second
			r := fakeRelay(t, f, gpio.RelayConfig{Feedback: &back})
			f.Drive("BACK", true)
			if err := r.Set(t.Context(), true); err != nil {
				t.Fatalf("it is closed: %v", err)
			}
			began := time.Now()
			if err := r.Set(t.Context(), false); err == nil || time.Since(began) != 2*time.Second {
				t.Fatalf("it sticks, after %v: %v", time.Since(began), err)
			}
		})
	}
}

// While a welded relay is being looked at, another wish does not wait.
func TestRelayWishesPassTheFeedback(t *testing.T) {
	back := at("BACK")
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		r := fakeRelay(t, f, gpio.RelayConfig{Feedback: &back})
		go r.Set(t.Context(), true)
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		err := r.Set(t.Context(), false)
		if at := last(f); err != nil || at.Active || time.Since(began) > 100*time.Millisecond {
			t.Errorf("after %v %+v, %v", time.Since(began), at, err)
		}
	})
}

func TestRelayLosesItsChip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		r := fakeRelay(t, f, gpio.RelayConfig{Dwell: time.Minute})
		time.Sleep(time.Minute)
		if err := r.Set(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		f.Vanish()
		for _, closed := range []bool{true, false, true} {
			if err := r.Set(t.Context(), closed); err == nil || !strings.Contains(err.Error(), "gone") {
				t.Errorf("without a chip Set %v says %v", closed, err)
			}
		}
		f.Return()
		n := len(f.Written())
		began := time.Now()
		if err := r.Set(t.Context(), true); err != nil || time.Since(began) != time.Minute {
			t.Errorf("back again it closed after %v, %v", time.Since(began), err)
		}
		if w := f.Written()[n:]; len(w) != 2 || w[0].Active || !w[0].Opened || !w[1].Active {
			t.Errorf("back again it wrote %+v", w)
		}
	})
}

// A chip that returns while there is a fire never sees its relay closed, whatever its safe state.
func TestRelayOfAReturningChipOpens(t *testing.T) {
	for _, safe := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := gpio.NewFake()
			f.Vanish()
			r := fakeRelay(t, f, gpio.RelayConfig{SafeClosed: safe})
			if err := r.Set(t.Context(), false); err == nil {
				t.Error("a relay without a chip was opened")
			}
			f.Return()
			if err := r.Set(t.Context(), false); err != nil {
				t.Error(err)
			}
			for _, w := range f.Written() {
				if w.Active {
					t.Errorf("it wrote %+v", w)
				}
			}
		})
	}
}

// An error of the bus is no reason to let go of the line: freeing it may move the relay.
func TestRelayKeepsItsLineThroughErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		r := fakeRelay(t, f, gpio.RelayConfig{})
		f.Break(errors.New("input/output error"))
		if err := r.Set(t.Context(), false); err == nil {
			t.Error("an error of the bus was hidden")
		}
		f.Return()
		if err := r.Set(t.Context(), true); err != nil {
			t.Error(err)
		}
		if w := f.Written(); len(w) != 2 || w[1].Opened {
			t.Errorf("the line was requested and then %+v", w[1:])
		}
	})
}

// TestRelayLetsGoOfALineThatNeverWorks: a handle can be dead beside a chip that is well.
func TestRelayLetsGoOfALineThatNeverWorks(t *testing.T) {
	for name, closed := range map[string]bool{"opening": false, "closing": true} {
		synctest.Test(t, func(t *testing.T) {
			f := gpio.NewFake()
			r := fakeRelay(t, f, gpio.RelayConfig{})
			f.Jam(errors.New("input/output error"))
			for range 3 {
				if err := r.Set(t.Context(), closed); err == nil {
					t.Errorf("%s: an error of the bus was hidden", name)
				}
			}
			if w := f.Written(); len(w) != 1 {
				t.Errorf("%s: before the third failure the line was asked for again: %+v", name, w)
			}
			if err := r.Set(t.Context(), closed); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if w := f.Written(); len(w) < 2 || !w[1].Opened || w[1].Active || last(f).Active != closed {
				t.Errorf("%s: the line was used so: %+v", name, w)
			}
		})
	}
}

func TestRelayWatchdog(t *testing.T) {
	for _, safe := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := gpio.NewFake()
			r := fakeRelay(t, f, gpio.RelayConfig{SafeClosed: safe, Watchdog: time.Minute})
			for range 60 {
				if err := r.Set(t.Context(), !safe); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
			}
			if last(f).Active == safe {
				t.Fatal("it barked at a keeper that is awake")
			}
			time.Sleep(time.Minute)
			if last(f).Active != safe {
				t.Error("nobody drives it and it is not safe")
			}
			if err := r.Set(t.Context(), !safe); err != nil || last(f).Active == safe {
				t.Errorf("awake again: %+v, %v", last(f), err)
			}
		})
	}
}

// A call that waits out a dwell longer than the watchdog is a keeper that is awake, also right after the wait.
func TestRelayWatchdogRestsInTheDwell(t *testing.T) {
	for _, safe := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := gpio.NewFake()
			r := fakeRelay(t, f, gpio.RelayConfig{SafeClosed: safe, Watchdog: time.Minute, Dwell: 3 * time.Minute})
			if err := r.Set(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := r.Set(t.Context(), true); err != nil || time.Since(began) != 3*time.Minute {
				t.Errorf("it closed after %v, %v", time.Since(began), err)
			}
			time.Sleep(59 * time.Second)
			if n := len(f.Written()); n != 3 || !last(f).Active {
				t.Errorf("it barked at a keeper that waits: %+v", f.Written())
			}
		})
	}
}

// After a wait that was given up it counts again.
func TestRelayWatchdogCountsAfterTheDwell(t *testing.T) {
	for _, by := range []string{"its context", "a newer wish"} {
		synctest.Test(t, func(t *testing.T) {
			f := gpio.NewFake()
			r := fakeRelay(t, f, gpio.RelayConfig{SafeClosed: true, Watchdog: time.Minute, Dwell: 10 * time.Minute})
			if err := r.Set(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			gaveUp := make(chan error, 1)
			go func() { gaveUp <- r.Set(ctx, true) }()
			if by == "a newer wish" {
				time.Sleep(time.Minute + time.Second)
				if err := r.Set(t.Context(), false); err != nil {
					t.Error(err)
				}
			}
			if err := <-gaveUp; err == nil {
				t.Error("it closed within its dwell")
			}
			time.Sleep(time.Minute - time.Second)
			if last(f).Active {
				t.Errorf("given up for %s, it barks early", by)
			}
			time.Sleep(2 * time.Second)
			if !last(f).Active {
				t.Errorf("given up for %s, nobody drives it and it is not safe", by)
			}
		})
	}
}

// The safe state is tried for until it is there, on a line that is asked for anew, and the fire is asked about each time.
func TestRelayWatchdogDoesNotGiveUp(t *testing.T) {
	for _, tt := range []struct {
		name        string
		spoil, mend func(f *gpio.Fake)
		fire        bool
	}{
		{"the chip is away", (*gpio.Fake).Vanish, (*gpio.Fake).Return, false},
		{"the chip is away in a fire", (*gpio.Fake).Vanish, (*gpio.Fake).Return, true},
		{"the chip was away", func(f *gpio.Fake) { f.Vanish(); f.Return() }, func(*gpio.Fake) {}, false},
		{"the bus fails", func(f *gpio.Fake) { f.Break(errors.New("input/output error")) }, (*gpio.Fake).Return, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := gpio.NewFake()
				var fire atomic.Bool
				fire.Store(true)
				r := fakeRelay(t, f, gpio.RelayConfig{SafeClosed: true, KeepOpen: fire.Load, Watchdog: time.Minute})
				if err := r.Set(t.Context(), !tt.fire); err != nil {
					t.Fatal(err)
				}
				fire.Store(tt.fire)
				n := len(f.Written())
				tt.spoil(f)
				time.Sleep(10 * time.Minute)
				tt.mend(f)
				time.Sleep(6 * time.Second)
				w := f.Written()[n:]
				if len(w) != 1 || w[0].Active == tt.fire || !w[0].Opened {
					t.Fatalf("it wrote %+v", w)
				}
				time.Sleep(time.Hour)
				if len(f.Written()) != n+1 {
					t.Errorf("it goes on: %+v", f.Written()[n:])
				}
			})
		})
	}
}

// A keeper that awakes while the safe state is being tried for is heard.
func TestRelayWatchdogYieldsToItsKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		r := fakeRelay(t, f, gpio.RelayConfig{SafeClosed: true, Watchdog: time.Minute})
		f.Vanish()
		time.Sleep(2 * time.Minute)
		f.Return()
		if err := r.Set(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		n := len(f.Written())
		time.Sleep(59 * time.Second)
		if len(f.Written()) != n || last(f).Active {
			t.Errorf("it wrote %+v", f.Written())
		}
	})
}

// A fire that nobody has cleared keeps the relay open at start, when nobody drives it, and at exit.
func TestRelayStaysOpenAfterAFire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gpio.NewFake()
		fire := true
		config := gpio.RelayConfig{SafeClosed: true, KeepOpen: func() bool { return fire }, Watchdog: time.Minute}
		r := fakeRelay(t, f, config)
		time.Sleep(2 * time.Minute)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		for _, w := range f.Written() {
			if w.Active {
				t.Errorf("it wrote %+v", w)
			}
		}
		fire = false
		r = fakeRelay(t, f, config)
		if !last(f).Active {
			t.Error("it begins open after the fire was cleared")
		}
		fire = true
		if err := r.Close(); err != nil || last(f).Active {
			t.Errorf("a fire at exit: %+v, %v", last(f), err)
		}
	})
}

func TestRelayConfig(t *testing.T) {
	line := at("RELAY")
	for _, tt := range []struct {
		name string
		cfg  gpio.RelayConfig
		want string
	}{
		{"no line", gpio.RelayConfig{}, "1 to 128"},
		{"by the kernel's number", gpio.RelayConfig{Line: gpio.Line{Chip: "gpiochip0", Name: "1"}}, "as it finds them"},
		{"a contact without a line", gpio.RelayConfig{Line: line, Feedback: &gpio.Line{}}, "1 to 128"},
		{"read back on its own line", gpio.RelayConfig{Line: line, Feedback: &line}, "a line of its own"},
		{"long dwell", gpio.RelayConfig{Line: line, Dwell: time.Hour}, "0 to 10m"},
		{"negative", gpio.RelayConfig{Line: line, Watchdog: -1}, "not negative"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := gpio.NewRelay(tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it says %v", err)
			}
		})
	}
}
