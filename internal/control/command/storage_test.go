package command_test

import (
	"testing"
	"time"

	"bangtin/internal/control/command"
	"bangtin/internal/wire"
)

// TestAJournalThatIsLostWithTheBoot: what must not be done twice is not done once; what looks, and what the department
// keeps standing, is.
func TestAJournalThatIsLostWithTheBoot(t *testing.T) {
	play(t, func(s *stage) {
		s.end()
		s.forgets = true
		s.begin()
		time.Sleep(time.Minute)
		for _, c := range []*wire.Command{
			s.order(wire.DoReboot, wire.RebootArgs{Force: true}), s.power(wire.WishOff), s.order(wire.DoPlaylist, wire.PlaylistArgs{Digest: digest("b")}),
		} {
			s.refusedAs(c, by(c), wire.Rejected, command.Storage)
		}
		if n := s.machine.asked; n != 0 {
			t.Errorf("started anew %d times", n)
		}
		look := s.order(wire.DoDiagnostics, nil)
		s.take(look)
		time.Sleep(time.Minute)
		s.settled(look, wire.Done)
		s.desired(wire.WishOff) // it fails the test where the order is refused
		time.Sleep(time.Minute)
		if st := s.control.State(); st.Panel.Power != "off" {
			t.Errorf("the order that stands was not obeyed: %+v", st.Panel)
		}
	})
}
