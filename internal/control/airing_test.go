package control_test

import (
	"testing"
	"time"

	"bangtin/internal/journal"
)

// TestAiring: what a person at the display is told of the present second and of its window.
func TestAiring(t *testing.T) {
	talk(t, "06:50:00", func(s *stage, _ *talker) {
		tell := func(want journal.Airtime, cause journal.Cause, start, end string) {
			s.t.Helper()
			status, m := s.control.Airing()
			if status.State != want || status.Cause != cause || !m.Start.Equal(at(t, start)) || !m.End.Equal(at(t, end)) {
				s.t.Errorf("%+v, window %v to %v; want %s %s", status, m.Start, m.End, want, cause)
			}
		}
		time.Sleep(time.Minute)
		tell(journal.Idle, "", "07:00:00", "11:00:00")
		time.Sleep(10 * time.Minute)
		tell(journal.OnAir, "", "07:00:00", "11:00:00")
		time.Sleep(4 * time.Hour)
		tell(journal.Idle, "", "14:00:00", "18:00:00")
		if err := s.orders.Local(s.t.Context(), "off", 5*time.Hour, "thử", "root"); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		tell(journal.Lost, journal.CauseLocal, "14:00:00", "18:00:00")
	})
}
