package control_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/journal"
)

const built = "2027-01-01 00:00:00"

// confirm brings the signed time t, asked trip ago.
func confirm(c *control.Clock, t time.Time, trip time.Duration) error {
	now := c.Mono()
	return c.Confirm(t, now-trip, now)
}

func is(t *testing.T, c *control.Clock, want time.Time, trust journal.TimeTrust) {
	t.Helper()
	if s := c.Stamp(); s.Trust != trust || s.Wall.Sub(want).Abs() > 10*time.Second {
		t.Errorf("it is %s %s, want %s %s", s.Wall, s.Trust, want, trust)
	}
}

// scene has a clock whose floor is built and whose system clock shows now; true time is what the centre signs.
func scene(t *testing.T, now string, play func(t *testing.T, c *control.Clock, w *wallClock)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Minute) // so that there is monotonic time for a question
		c, w := clockAt(t, built, now)
		time.Sleep(time.Minute)
		play(t, c, w)
	})
}

func TestSignedTimeSetsTheClock(t *testing.T) {
	for _, now := range []string{"1970-01-01 00:00:10", "2027-03-01 09:00:00", "2036-02-07 06:28:16", "2099-01-01 00:00:00"} {
		scene(t, now, func(t *testing.T, c *control.Clock, w *wallClock) {
			truth := day(t, "2027-06-01 07:00:00")
			if err := confirm(c, truth, 2*time.Second); err != nil {
				t.Fatal(err)
			}
			if s := c.Stamp(); s.Trust != journal.Signed || !s.Wall.Equal(truth.Add(time.Second)) {
				t.Errorf("worth the middle of the question: %s %s", s.Wall, s.Trust)
			}
			for _, wrong := range []string{"1970-01-01 00:00:10", "2027-05-31 07:00:00", "2099-01-01 00:00:00"} {
				w.set(day(t, wrong))
				is(t, c, truth, journal.Signed) // whatever becomes of the system clock
			}
			time.Sleep(23 * time.Hour)
			is(t, c, truth.Add(23*time.Hour), journal.Signed)
			time.Sleep(2 * time.Hour)
			is(t, c, truth.Add(25*time.Hour), journal.Floored) // goes on, and claims less
			time.Sleep(7 * 24 * time.Hour)
			is(t, c, truth.Add(193*time.Hour), journal.Floored)
		})
	}
}

func TestSignedTimeIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		time   string
		trip   time.Duration
		late   time.Duration // that the answer lay about
		reason string
	}{
		{"eleven seconds under way", "2027-06-01 07:00:00", 11 * time.Second, 0, "too-slow"},
		{"lay about", "2027-06-01 07:00:00", time.Second, 10 * time.Second, "too-slow"},
		{"answered before it was asked", "2027-06-01 07:00:00", -time.Second, 2 * time.Second, "too-slow"},
		{"answered in the future", "2027-06-01 07:00:00", time.Second, -time.Second, "too-slow"},
		{"below the floor", "2026-12-31 23:59:00", time.Second, 0, "below-floor"},
		{"1970", "1970-01-01 00:00:10", time.Second, 0, "below-floor"},
		{"2099", "2099-01-01 00:00:00", time.Second, 0, "implausible"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scene(t, "2027-03-01 09:00:00", func(t *testing.T, c *control.Clock, _ *wallClock) {
				answered := c.Mono() - tt.late
				err := c.Confirm(day(t, tt.time), answered-tt.trip, answered)
				if no, ok := errors.AsType[*control.Refusal](err); !ok || no.Reason != tt.reason {
					t.Errorf("got %v, want %s", err, tt.reason)
				}
				is(t, c, day(t, "2027-03-01 09:01:00"), journal.Floored)
			})
		})
	}
}

// TestASpareFromTheShelf: five years, and nothing but the centre to tell.
func TestASpareFromTheShelf(t *testing.T) {
	scene(t, "1970-01-01 00:00:00", func(t *testing.T, c *control.Clock, _ *wallClock) {
		truth := day(t, "2032-01-01 07:00:00")
		if err := confirm(c, truth, time.Second); err != nil {
			t.Fatal(err)
		}
		is(t, c, truth, journal.Signed)
		time.Sleep(time.Hour)
		is(t, c, truth.Add(time.Hour), journal.Signed)
		if f := c.Floor(); !f.Equal(day(t, built)) {
			t.Errorf("one answer has put the floor to %s", f)
		}
		if err := confirm(c, truth.Add(time.Hour), time.Second); err != nil {
			t.Fatal(err)
		}
		is(t, c, truth.Add(time.Hour), journal.Signed)
		if f := c.Floor(); f.Sub(truth).Abs() > time.Minute {
			t.Errorf("two answers an hour apart leave the floor at %s", f)
		}
	})
}

// TestOneWrongAnswerLeavesNoFloor: the centre's own clock was wrong for a moment.
func TestOneWrongAnswerLeavesNoFloor(t *testing.T) {
	scene(t, "1970-01-01 00:00:00", func(t *testing.T, c *control.Clock, _ *wallClock) {
		truth := day(t, "2027-06-01 07:00:00")
		for i, at := range []time.Time{day(t, "2031-01-01 00:00:00"), truth.Add(time.Hour), truth.Add(2 * time.Hour)} {
			if err := confirm(c, at, time.Second); err != nil {
				t.Fatal(err)
			}
			is(t, c, at, journal.Signed)
			want := day(t, built)
			if i == 2 {
				want = truth.Add(time.Hour)
			}
			if f := c.Floor(); f.Sub(want).Abs() > time.Minute {
				t.Errorf("after answer %d the floor is %s", i, f)
			}
			time.Sleep(time.Hour)
		}
	})
}

func TestSignedTimeAndNTP(t *testing.T) {
	truth := "2027-06-01 07:00:00"
	t.Run("agree: the finer one is followed", func(t *testing.T) {
		scene(t, truth, func(t *testing.T, c *control.Clock, w *wallClock) {
			w.synced = true
			before := c.Now()
			if err := confirm(c, before.Add(20*time.Second), 2*time.Second); err != nil {
				t.Fatal(err)
			}
			if s := c.Stamp(); !s.Wall.Equal(before) || s.Trust != journal.Signed || c.Disagrees() != "" {
				t.Errorf("it is %s %s, %s", s.Wall, s.Trust, c.Disagrees())
			}
			w.synced = false // and time goes on without a step
			if s := c.Stamp(); !s.Wall.Equal(before) || s.Trust != journal.Signed {
				t.Errorf("it is %s %s", s.Wall, s.Trust)
			}
			w.synced = true
			time.Sleep(25 * time.Hour)
			is(t, c, before.Add(25*time.Hour), journal.Synchronised)
		})
	})
	t.Run("disagree: the signed one is believed", func(t *testing.T) {
		scene(t, "2027-06-01 10:00:00", func(t *testing.T, c *control.Clock, w *wallClock) {
			w.synced = true
			is(t, c, day(t, "2027-06-01 10:01:00"), journal.Synchronised)
			if err := confirm(c, day(t, truth), time.Second); err != nil {
				t.Fatal(err)
			}
			is(t, c, day(t, truth), journal.Signed)
			if c.Disagrees() == "" {
				t.Error("nobody is told")
			}
			time.Sleep(25 * time.Hour)
			is(t, c, day(t, truth).Add(25*time.Hour), journal.Floored) // NTP has shown what it is worth
			w.set(day(t, truth).Add(25 * time.Hour))
			is(t, c, day(t, truth).Add(25*time.Hour), journal.Synchronised)
			if why := c.Disagrees(); why != "" {
				t.Errorf("still told: %s", why)
			}
		})
	})
	t.Run("a hostile server appears", func(t *testing.T) {
		scene(t, truth, func(t *testing.T, c *control.Clock, w *wallClock) {
			if err := confirm(c, day(t, truth), time.Second); err != nil {
				t.Fatal(err)
			}
			w.synced = true
			for _, lie := range []string{"1970-01-01 00:00:00", "2027-06-01 06:50:00", "2027-06-01 14:00:00", "2099-01-01 00:00:00"} {
				w.set(day(t, lie))
				is(t, c, day(t, truth), journal.Signed)
				if c.Disagrees() == "" {
					t.Errorf("%s: nobody is told", lie)
				}
			}
		})
	})
}

// TestNobodyStepsTheClockUnconfirmed: without NTP and signed time nothing moves a clock that is believed.
func TestNobodyStepsTheClockUnconfirmed(t *testing.T) {
	for _, synced := range []bool{true, false} {
		scene(t, "2027-06-01 08:00:00", func(t *testing.T, c *control.Clock, w *wallClock) {
			w.synced = synced
			start := c.Now()
			w.synced = false
			for i, wrong := range []string{"2027-05-31 08:00:00", "2027-06-01 09:00:00", "1970-01-01 00:00:00", "2099-01-01 00:00:00"} {
				w.set(day(t, wrong))
				time.Sleep(time.Hour)
				is(t, c, start.Add(time.Duration(i+1)*time.Hour), journal.Floored)
			}
		})
	}
}

// TestAnImplausibleClockIsOnlyAsGoodAsItsServer: NTP says 2099, then there is no NTP.
func TestAnImplausibleClockIsOnlyAsGoodAsItsServer(t *testing.T) {
	scene(t, "2099-01-01 00:00:00", func(t *testing.T, c *control.Clock, w *wallClock) {
		w.synced = true
		is(t, c, day(t, "2099-01-01 00:01:00"), journal.Synchronised)
		if s := c.Sure(); !s.Equal(day(t, built)) {
			t.Errorf("certificates are judged at %s", s)
		}
		w.synced = false
		is(t, c, day(t, "2027-01-01 00:01:00"), journal.Untrusted)
	})
}

// TestNTPCannotLockOutTheTruth: a server says next year for an hour, and the display is switched off and on meanwhile.
func TestNTPCannotLockOutTheTruth(t *testing.T) {
	scene(t, "2027-06-01 07:00:00", func(t *testing.T, c *control.Clock, _ *wallClock) {
		truth := day(t, "2027-06-01 07:00:00")
		for range 2 { // an hour apart: proved
			if err := confirm(c, truth, time.Second); err != nil {
				t.Fatal(err)
			}
			c.Stamp()
			time.Sleep(time.Hour)
			truth = truth.Add(time.Hour)
		}
		proved := c.Floor()
		later, w := clockAt(t, built, "2028-03-01 00:00:00")
		later.Resume(journal.Heartbeat{Floor: proved.Unix(), Proved: proved.Unix(), At: truth.Unix()})
		w.synced = true
		for range 60 {
			later.Stamp()
			time.Sleep(time.Minute)
		}
		if f := later.Floor(); f.Before(day(t, "2028-02-01 00:00:00")) {
			t.Fatalf("the floor is %s: nothing to be mended", f)
		}
		if err := confirm(later, proved.Add(-time.Hour), time.Second); err == nil {
			t.Error("signed time below what signed time has proved is taken")
		}
		truth = truth.Add(time.Hour)
		if err := confirm(later, truth, time.Second); err != nil {
			t.Fatal(err)
		}
		is(t, later, truth, journal.Signed)
		if f := later.Floor(); !f.Equal(proved.Truncate(time.Second)) {
			t.Errorf("the floor is %s, proved is %s", f, proved)
		}
	})
}
