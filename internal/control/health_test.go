package control_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/internal/control"
)

// TestTheWatchdogBitesForTheSafetyChainAlone: a disk that hangs and a dead player are alarms, as no restart mends them and
// each one moves the relay.
func TestTheWatchdogBitesForTheSafetyChainAlone(t *testing.T) {
	health := control.NewHealth()
	play(t, func(s *stage) {
		s.end()
		s.close()
		s.config = func(c *control.Config) { c.Health = health }
		s.begin()
		time.Sleep(time.Minute)
		hang := make(chan struct{})
		s.disk.hung.Store(&hang)
		s.frozen.Store(true)
		time.Sleep(15 * time.Minute)
		if late := health.Late(); late != "" {
			t.Errorf("%s keeps the watchdog hungry", late)
		}
		for _, code := range []string{"journal-in-memory", "player-down"} {
			if got := s.control.State().Alarms; !slices.Contains(got, code) {
				t.Errorf("alarms %s, want %s", got, code)
			}
		}
		s.disk.hung.Store(nil)
		close(hang)
		s.frozen.Store(false)
		time.Sleep(5 * time.Minute)
		if got := s.control.State().Alarms; len(got) > 0 {
			t.Errorf("alarms %s when all is well again", got)
		}
	})
}

// TestTheWatchdogBitesForAKeeper that stands still, as long as it does.
func TestTheWatchdogBitesForAKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		health := control.NewHealth()
		beat := health.Loop("panel", time.Minute)
		health.Aside("recorder", time.Second)
		for _, step := range []struct {
			rest time.Duration
			late string
		}{{time.Minute, ""}, {time.Second, "panel"}} {
			time.Sleep(step.rest)
			if late := health.Late(); late != step.late {
				t.Errorf("%q is late, want %q", late, step.late)
			}
		}
		if beat(); health.Late() != "" {
			t.Error("late though it turns")
		}
	})
}
