package command_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/internal/wire"
)

// at puts the wall clock to a time of the next day in Vietnam.
func (s *stage) at(hour, minute, second int) {
	s.Helper()
	s.ahead.Add(int64(time.Date(2027, 2, 6, hour+17, minute, second, 0, time.UTC).Sub(s.wall())))
	time.Sleep(2 * time.Second) // decided by that
	synctest.Wait()
}

// final is the last answer to each command.
func (s *stage) final() map[string]wire.CommandAck {
	s.Helper()
	final := map[string]wire.CommandAck{}
	for _, a := range s.heard() {
		if a.Status.Final() {
			final[a.ID] = a
		}
	}
	return final
}

// acts counts what was begun that can be seen.
func (s *stage) acts() int {
	s.player.mu.Lock()
	defer s.player.mu.Unlock()
	return len(s.player.names) + s.player.restarts + len(s.sent.names) + s.machine.asked
}

// queues are of a command that takes minutes and one that waits behind it.
func queues() map[string]func(s *stage) (first, second *wire.Command) {
	behind := func(first, second wire.CommandKind, args any) func(s *stage) (*wire.Command, *wire.Command) {
		return func(s *stage) (*wire.Command, *wire.Command) {
			s.player.slow, s.player.dead = 3*time.Minute, true
			var force any
			if first == wire.DoReboot {
				force = wire.RebootArgs{Force: true}
			}
			return s.order(first, force), s.order(second, args)
		}
	}
	return map[string]func(s *stage) (first, second *wire.Command){
		"identify":       behind(wire.DoRestartPlayer, wire.DoIdentify, wire.IdentifyArgs{Seconds: 5}),
		"restart-player": behind(wire.DoRestartPlayer, wire.DoRestartPlayer, nil),
		"screenshot":     behind(wire.DoScreenshot, wire.DoScreenshot, nil),
		"diagnostics":    behind(wire.DoScreenshot, wire.DoDiagnostics, nil),
		"reboot":         behind(wire.DoReboot, wire.DoReboot, wire.RebootArgs{Force: true}),
	}
}

// What waited in its lane until after its end is not done any more.
func TestACommandThatWaitedTooLong(t *testing.T) {
	for name, queue := range queues() {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				first, second := queue(s)
				second.Expires = s.wall().Add(30 * time.Second).UTC()
				s.take(first)
				s.take(second)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				final := s.final()
				if a := final[second.ID]; a.Status != wire.Expired || a.Reason != "expired" {
					t.Errorf("%+v", a)
				}
				s.settled(second, wire.Expired)
				if n := s.acts(); final[first.ID].ID == "" || n != 1 {
					t.Errorf("%d acts, the first ended with %+v", n, final[first.ID])
				}
			})
		})
	}
}

// A command whose signer's key is struck while it waits is not done any more.
func TestACommandWhoseKeyIsStruckAsItWaits(t *testing.T) {
	for name, queue := range queues() {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				var struck atomic.Bool
				s.orders.Trusting(func(role string, keys []string) bool {
					return role == "" && (keys[0] != "key-b" || !struck.Load())
				})
				first, second := queue(s)
				s.take(first)
				s.take(second, "key-b")
				time.Sleep(time.Second)
				synctest.Wait()
				struck.Store(true)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if a := s.final()[second.ID]; a.Status != wire.Failed || a.Reason != "revoked" {
					t.Errorf("%+v", a)
				}
				s.settled(second, wire.Failed)
				if n := s.acts(); n != 1 {
					t.Errorf("%d acts", n)
				}
			})
		})
	}
}

// What goes on after a restart is asked for its keys too.
func TestACommandWhoseKeyIsStruckOverARestart(t *testing.T) {
	for _, kind := range []wire.CommandKind{wire.DoPower, wire.DoPlaylist} {
		t.Run(string(kind), func(t *testing.T) {
			play(t, func(s *stage) {
				c := s.power(wire.WishOff)
				if kind == wire.DoPlaylist {
					c = s.order(kind, wire.PlaylistArgs{Digest: digest("b")})
				}
				s.end()
				s.load() // accepted by a run that never comes to it
				s.take(c)
				s.heard()
				s.load()
				s.orders.Trusting(func(string, []string) bool { return false })
				s.run()
				time.Sleep(time.Minute)
				synctest.Wait()
				if a := s.final()[c.ID]; a.Status != wire.Failed || a.Reason != "revoked" || s.library.hurried > 0 {
					t.Errorf("%+v", a)
				}
				if st := s.control.State(); st.Panel.Power != "on" {
					t.Errorf("the panel is %s", st.Panel.Power)
				}
			})
		})
	}
}

// A reboot that waited while the window came near is not done, and one that comes then is not taken: a display would not
// be back for the start of what it owes.
func TestARebootBeforeTheWindow(t *testing.T) {
	play(t, func(s *stage) {
		s.at(6, 52, 0) // the panel is powered at 06:58:30
		first, second := s.order(wire.DoReboot, wire.RebootArgs{}), s.order(wire.DoReboot, wire.RebootArgs{})
		s.take(first)
		s.take(second)
		time.Sleep(time.Minute)
		s.take(s.order(wire.DoDiagnostics, nil))
		time.Sleep(40 * time.Second) // 06:53:42
		s.heard()
		late := s.order(wire.DoReboot, wire.RebootArgs{})
		s.refusedAs(late, by(late), wire.Rejected, "on-air")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if a := s.final()[second.ID]; a.Status != wire.Failed || a.Reason != "on-air" {
			s.Errorf("%+v", a)
		}
		if s.machine.asked != 1 {
			s.Errorf("asked for %d times", s.machine.asked)
		}
	})
}

// A department's darkness that is over before a display would be back does not excuse a reboot.
func TestARebootBeforeTheEndOfDarkness(t *testing.T) {
	play(t, func(s *stage) {
		off := s.power(wire.WishOff) // for two hours, inside the window
		s.take(off)
		s.outcome(off, time.Minute)
		s.at(7, 0, 0)
		until := s.wall().Add(20 * time.Minute).UTC()
		off = s.order(wire.DoPower, wire.PowerArgs{State: wire.WishOff, Until: &until, Reason: "thử"})
		s.take(off)
		s.outcome(off, time.Minute)
		c := s.order(wire.DoReboot, wire.RebootArgs{})
		s.take(c)
		s.outcome(c, 4*time.Minute)
		time.Sleep(11 * time.Minute)
		late := s.order(wire.DoReboot, wire.RebootArgs{})
		s.refusedAs(late, by(late), wire.Rejected, "on-air")
		if s.machine.asked != 1 {
			s.Errorf("asked for %d times", s.machine.asked)
		}
	})
}
