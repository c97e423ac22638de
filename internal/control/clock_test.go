package control_test

import (
	"testing"
	"testing/synctest"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/journal"
)

// wallClock is a system clock that can be set, and synchronised or not.
type wallClock struct {
	ahead  time.Duration
	synced bool
	start  time.Time
}

func (w *wallClock) now() time.Time { return time.Now().Add(w.ahead) }

// set makes the clock show t.
func (w *wallClock) set(t time.Time) { w.ahead = time.Until(t) }

func clockAt(t *testing.T, floor, now string) (*control.Clock, *wallClock) {
	t.Helper()
	w := &wallClock{start: time.Now()}
	w.set(day(t, now))
	return control.NewClock("boot", day(t, floor), control.System{
		Wall: w.now, Mono: func() time.Duration { return time.Since(w.start) }, Synced: func() bool { return w.synced },
	}), w
}

func day(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateTime, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestClockTrust(t *testing.T) {
	const floor = "2027-01-01 00:00:00"
	tests := []struct {
		name, now string
		synced    bool
		doubt     bool
		trust     journal.TimeTrust
		wall      string
	}{
		{"plausible", "2027-03-01 07:00:00", false, false, journal.Floored, "2027-03-01 07:00:00"},
		{"synchronised", "2027-03-01 07:00:00", true, false, journal.Synchronised, "2027-03-01 07:00:00"},
		{"battery dead", "1970-01-01 00:00:10", false, false, journal.Untrusted, "2027-02-01 18:00:00"},
		{"below the floor though synchronised", "1970-01-01 00:00:10", true, false, journal.Untrusted, "2027-02-01 18:00:00"},
		{"battery mad", "2036-02-07 06:28:16", false, false, journal.Untrusted, "2027-02-01 18:00:00"},
		{"right, but before the last run's end", "2027-01-31 12:00:00", false, false, journal.Untrusted, "2027-02-01 18:00:00"},
		{"2099 and confirmed", "2099-01-01 00:00:00", true, false, journal.Synchronised, "2099-01-01 00:00:00"},
		{"stood still while the power was off", "2027-02-01 18:31:00", false, true, journal.Untrusted, "2027-02-01 18:00:00"},
		{"stood still, then synchronised", "2027-02-02 06:50:00", true, true, journal.Synchronised, "2027-02-02 06:50:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, w := clockAt(t, floor, tt.now)
				w.synced = tt.synced
				c.Resume(journal.Heartbeat{Floor: day(t, floor).Unix(), At: day(t, "2027-02-01 18:00:00").Unix()})
				if tt.doubt {
					c.Doubt()
				}
				if s := c.Stamp(); s.Trust != tt.trust || !s.Wall.Equal(day(t, tt.wall)) {
					t.Errorf("got %s %s", s.Wall, s.Trust)
				}
			})
		})
	}
}

func TestClockFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, w := clockAt(t, "2027-01-01 00:00:00", "2027-03-01 06:00:00")
		w.synced = true
		live := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
				c.Stamp()
			}
		}
		live(10 * time.Minute)
		if f := c.Floor(); !f.Equal(day(t, "2027-01-01 00:00:00")) {
			t.Errorf("the floor is %s after ten minutes", f)
		}
		live(10 * time.Minute)
		if f := c.Floor(); f.Before(day(t, "2027-03-01 05:15:00")) || f.After(c.Now().Add(-time.Hour)) {
			t.Errorf("the floor is %s at %s", f, c.Now())
		}
		w.ahead -= 500 * time.Millisecond // a correction by NTP
		if s := c.Stamp(); s.Trust != journal.Synchronised {
			t.Errorf("half a second back and the clock is %s", s.Trust)
		}
		floor := c.Floor()
		w.set(day(t, "2036-02-07 06:28:16")) // a server that lies, for long
		live(time.Hour)
		if f := c.Floor(); !f.Equal(floor) {
			t.Errorf("one bad server has put the floor to %s", f)
		}
		w.set(day(t, "2027-03-01 08:00:00"))
		if s := c.Stamp(); s.Trust != journal.Synchronised || !s.Wall.Equal(day(t, "2027-03-01 08:00:00")) {
			t.Errorf("back to the truth: %s %s", s.Wall, s.Trust)
		}
	})
}

func TestSureIsNeverTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := clockAt(t, "2027-01-01 00:00:00", "2036-02-07 06:28:16")
		c.Resume(journal.Heartbeat{Floor: day(t, "2027-01-01 00:00:00").Unix(), At: day(t, "2027-06-01 00:00:00").Unix()})
		if s := c.Sure(); !s.Equal(day(t, "2027-01-01 00:00:00")) {
			t.Errorf("certificates are judged at %s", s)
		}
	})
}

// TestCertainIsWhatSomebodyConfirmed: a battery clock that is hours ahead judges no command, and what somebody said
// goes on counting when he is gone.
func TestCertainIsWhatSomebodyConfirmed(t *testing.T) {
	const floor, ahead, truth = "2027-01-01 00:00:00", "2027-03-01 08:00:00", "2027-03-01 06:00:00"
	synctest.Test(t, func(t *testing.T) {
		c, w := clockAt(t, floor, ahead)
		if s := c.Stamp(); s.Trust != journal.Floored {
			t.Fatalf("the clock is %s", s.Trust)
		}
		if s := c.Certain(); !s.Equal(day(t, floor)) {
			t.Errorf("nobody confirmed %s", s)
		}
		if s := c.Sure(); !s.Equal(day(t, ahead)) {
			t.Errorf("certificates are judged at %s", s)
		}
		asked := c.Mono()
		time.Sleep(time.Second)
		if err := c.Confirm(day(t, truth), asked, c.Mono()); err != nil {
			t.Fatal(err)
		}
		if s := c.Certain(); s.Sub(day(t, truth)).Abs() > time.Second {
			t.Errorf("signed as %s, and it says %s", truth, s)
		}
		time.Sleep(30 * time.Hour) // and nobody signs again
		if s := c.Certain(); s.Sub(day(t, truth).Add(30*time.Hour)).Abs() > time.Second {
			t.Errorf("a day later it says %s", s)
		}
		w.synced = true // by a server in 2099, which the signed time contradicts
		w.set(day(t, "2099-01-01 00:00:00"))
		if s := c.Certain(); s.After(day(t, "2027-03-03 00:00:00")) {
			t.Errorf("it says %s", s)
		}
	})
}

// TestCertainEndsWithItsServer: NTP alone said 2099; without it the time is a guess again, whatever the system clock says.
func TestCertainEndsWithItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, w := clockAt(t, "2027-01-01 00:00:00", "2099-01-01 00:00:00")
		w.synced = true
		c.Stamp()
		w.synced = false
		w.set(day(t, "2027-06-01 08:00:00"))
		c.Stamp()
		if s := c.Stamp(); s.Trust != journal.Floored {
			t.Fatalf("the clock is %s", s.Trust)
		}
		if s := c.Certain(); !s.Equal(day(t, "2027-01-01 00:00:00")) {
			t.Errorf("nobody confirmed %s", s)
		}
	})
}
