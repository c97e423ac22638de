package control_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// keyed runs a scene on a display whose key asks for off, for two hours.
func keyed(t *testing.T, scene func(s *stage)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "07:05:00"))
		s.config = func(c *control.Config) { c.Key = control.Key{State: wire.WishOff, For: 2 * time.Hour} }
		s.begin()
		time.Sleep(time.Minute)
		scene(s)
		s.end()
		s.close()
	})
}

func (s *stage) wantRule(what, rule, panel string) {
	s.t.Helper()
	if st := s.control.State(); st.Want.Rule != rule || st.Panel.Power != panel {
		s.t.Errorf("%s: the panel is %s by %s, want %s by %s (%s)", what, st.Panel.Power, st.Want.Rule, panel, rule, st.Want.Reason)
	}
}

// turns lists what is on record of the key.
func (s *stage) turns() []string {
	s.t.Helper()
	time.Sleep(5 * time.Second)
	records, err := s.journal.Pending(s.t.Context(), 10000)
	if err != nil {
		s.t.Fatal(err)
	}
	var all []string
	for _, r := range records {
		var o journal.Order
		if r.Kind == journal.KindOrder && json.Unmarshal(r.Body, &o) == nil && o.People == "key-switch" {
			all = append(all, o.Reason)
		}
	}
	return all
}

func TestTheKey(t *testing.T) {
	keyed(t, func(s *stage) {
		s.rig.TurnKey(true)
		time.Sleep(time.Minute)
		s.wantRule("turned", "local", "off")
		s.rig.SetSensorFault(sim.KeySensor, sim.SensorGone)
		s.rig.TurnKey(false)
		time.Sleep(2 * time.Minute)
		s.wantRule("a key that nobody can read changes nothing", "local", "off")
		s.rig.SetSensorFault(sim.KeySensor, sim.SensorGood)
		time.Sleep(time.Minute)
		s.wantRule("turned back", "schedule", "on")
		s.rig.TurnKey(true)
		time.Sleep(2*time.Hour + time.Minute)
		s.wantRule("turned for too long", "schedule", "on")
		s.end()
		s.close()
		s.begin()
		time.Sleep(time.Minute)
		s.wantRule("a restart takes no turn for a new one", "schedule", "on")
		s.rig.TurnKey(false)
		time.Sleep(time.Second)
		s.rig.TurnKey(true)
		time.Sleep(time.Minute)
		s.wantRule("back and again", "local", "off")
		s.end()
		s.close()
		s.rig.TurnKey(false)
		s.begin()
		time.Sleep(time.Minute)
		s.wantRule("turned back while nobody looked", "schedule", "on")
		want := []string{"turned: off for 2h0m0s", "turned back", "turned: off for 2h0m0s", "turned back", "turned: off for 2h0m0s", "turned back"}
		if got := s.turns(); !slices.Equal(got, want) {
			s.t.Errorf("on record are %q", got)
		}
	})
}

// TestTheLatestOfKeyAndConsole wins, and the key, turned back, ends nobody else's wish.
func TestTheLatestOfKeyAndConsole(t *testing.T) {
	keyed(t, func(s *stage) {
		console := func(wish wire.PowerWish) {
			s.t.Helper()
			if err := s.orders.Local(s.t.Context(), wish, time.Hour, "thử", "root"); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		s.rig.TurnKey(true)
		time.Sleep(time.Minute)
		console(wire.WishSchedule)
		s.wantRule("lifted at the console", "schedule", "on")
		console(wire.WishOff)
		s.rig.TurnKey(false)
		time.Sleep(time.Minute)
		s.wantRule("turned back after the console", "local", "off")
		s.end()
		s.close()
		s.begin()
		time.Sleep(time.Minute)
		s.wantRule("the console's, after a restart", "local", "off")
		console(wire.WishOn)
		s.wantRule("on at the console", "local", "on")
		s.rig.TurnKey(true)
		time.Sleep(time.Minute)
		s.wantRule("the key after the console", "local", "off")
		s.rig.TurnKey(false)
		time.Sleep(time.Minute)
		s.wantRule("turned back", "schedule", "on")
	})
}

// TestTheKeyNeedsNoDisk: it is obeyed at once, and comes to disk when that takes it.
func TestTheKeyNeedsNoDisk(t *testing.T) {
	keyed(t, func(s *stage) {
		s.disk.full.Store(true)
		s.rig.TurnKey(true)
		time.Sleep(time.Minute)
		s.wantRule("on a full disk", "local", "off")
		s.disk.full.Store(false)
		time.Sleep(10 * time.Second)
		s.end()
		s.close()
		s.begin()
		time.Sleep(time.Minute)
		s.wantRule("after a restart", "local", "off")
		if got := s.turns(); len(got) != 1 {
			s.t.Errorf("on record are %q", got)
		}
		hang := make(chan struct{})
		s.disk.hung.Store(&hang)
		for range 200 {
			s.rig.TurnKey(false)
			time.Sleep(time.Second)
			s.rig.TurnKey(true)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		s.wantRule("somebody plays with it, and the disk hangs", "local", "off")
		s.disk.hung.Store(nil)
		close(hang)
		if got := s.turns(); len(got) < 60 || len(got) > 70 {
			s.t.Errorf("%d turns are on record", len(got))
		}
	})
}

// TestAKeyNobodyConfigured does nothing.
func TestAKeyNobodyConfigured(t *testing.T) {
	play(t, func(s *stage) {
		s.rig.TurnKey(true)
		time.Sleep(time.Minute)
		s.wantRule("turned", "schedule", "on")
	})
	for _, k := range []control.Key{{State: wire.WishBlackout, For: time.Hour}, {State: wire.WishOff}, {State: wire.WishOn, For: 25 * time.Hour}} {
		if _, err := control.New(t.Context(), control.Config{Key: k, Health: control.NewHealth(), Journal: noBooks{}}); err == nil {
			t.Errorf("%+v is taken", k)
		}
	}
}
