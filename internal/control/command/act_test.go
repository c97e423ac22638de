package command_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal/sim"
	"bangtin/internal/control/command"
	"bangtin/internal/wire"
	"bangtin/media"
)

func TestPowerIsReadBack(t *testing.T) {
	for _, test := range []struct {
		wish  wire.PowerWish
		panel string
		rule  string
	}{
		{wire.WishOn, "on", "department"},
		{wire.WishOff, "off", "department"},
		{wire.WishBlackout, "off", "blackout"},
		{wire.WishSafe, "on", "safe"},
		{wire.WishSchedule, "on", "schedule"},
	} {
		t.Run(string(test.wish), func(t *testing.T) {
			play(t, func(s *stage) {
				c := s.power(test.wish)
				given := s.wall()
				s.take(c)
				a := s.outcome(c, time.Minute)
				e := evidence[command.PowerEvidence](t, a)
				if a.Status != wire.Done || e.Panel != test.panel || e.Rule != test.rule {
					t.Errorf("%+v, %+v", a, e)
				}
				if e.VerifiedAt == nil || !e.VerifiedAt.After(given) {
					t.Errorf("read at %v, given at %v", e.VerifiedAt, given)
				}
				if st := s.control.State(); test.wish == wire.WishSafe && st.Player.State != "slate" {
					t.Errorf("the player shows %+v", st.Player)
				}
			})
		})
	}
}

func TestPowerThatIsNotSeen(t *testing.T) {
	for _, test := range []struct {
		name   string
		wish   wire.PowerWish
		before func(s *stage)
		during func(s *stage) // after half a second
		reason string
		rule   string
	}{
		{"fire", wire.WishOn, func(s *stage) { s.rig.SetSmoke(true); time.Sleep(time.Minute) }, nil, "overruled", "fire"},
		{"a person on site", wire.WishOff, func(s *stage) { s.locally(wire.WishOn) }, nil, "overruled", "local"},
		{"a person on site, later", wire.WishSafe, func(s *stage) { s.rig.SetPanelFault(sim.Silent, true) }, func(s *stage) { s.rig.SetSmoke(true) }, "overruled", "fire"},
		{"a silent panel", wire.WishOff, func(s *stage) { s.rig.SetPanelFault(sim.Silent, true) }, nil, "panel-failed", "department"},
		{"a panel that refuses", wire.WishOff, func(s *stage) { s.rig.SetPanelFault(sim.Refuses, true) }, nil, "panel-failed", "department"},
		{"a panel that says yes and stays", wire.WishOff, func(s *stage) { s.rig.SetPanelFault(sim.Disobeys, true) }, nil, "panel-disobeys", "department"},
		{"a later command", wire.WishOff, func(s *stage) { s.rig.SetPanelFault(sim.Silent, true) }, func(s *stage) { s.desired(wire.WishOff) }, "superseded", "department"},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, func(s *stage) {
				test.before(s)
				c := s.power(test.wish)
				s.take(c)
				if test.during != nil {
					time.Sleep(500 * time.Millisecond)
					test.during(s)
				}
				a := s.outcome(c, 70*time.Second)
				if e := evidence[command.PowerEvidence](t, a); a.Status != wire.Failed || a.Reason != test.reason || e.Rule != test.rule {
					t.Errorf("%+v, %s", a, a.Evidence)
				}
				if test.reason != "superseded" && s.orders.Standing() != by(c).Digest {
					t.Error("the wish does not stand any more")
				}
			})
		})
	}
}

func (s *stage) locally(wish wire.PowerWish) {
	s.Helper()
	if err := s.orders.Local(s.Context(), wish, time.Hour, "thử", "trực"); err != nil {
		s.Fatal(err)
	}
}

// Without an end darkness lasts until another order.
func TestOffUntilFurtherNotice(t *testing.T) {
	play(t, func(s *stage) {
		c := s.order(wire.DoPower, wire.PowerArgs{State: wire.WishOff, Reason: "thử"})
		s.take(c)
		s.outcome(c, time.Minute)
		s.end()
		s.ahead.Add(int64(300 * 24 * time.Hour))
		s.begin()
		time.Sleep(time.Minute)
		if st := s.control.State(); st.Panel.Power != "off" || st.Want.Rule != "department" {
			t.Errorf("300 days later: %+v", st.Want)
		}
		back := s.power(wire.WishSchedule)
		s.take(back)
		if a := s.outcome(back, time.Minute); a.Status != wire.Done {
			t.Errorf("%+v", a)
		}
	})
}

// A power command does not wait for what goes on elsewhere, nor for the command before it.
func TestPowerDoesNotWait(t *testing.T) {
	play(t, func(s *stage) {
		s.player.slow = time.Hour
		s.library.set(func() { s.library.current = false })
		s.take(s.order(wire.DoScreenshot, nil))
		s.take(s.order(wire.DoPlaylist, wire.PlaylistArgs{Digest: digest("b")}))
		s.heard()
		on := s.power(wire.WishOn)
		s.take(on)
		off := s.power(wire.WishOff)
		s.take(off)
		time.Sleep(time.Minute)
		status := map[string]wire.CommandStatus{}
		for _, a := range s.heard() {
			status[a.ID] = a.Status
		}
		if status[on.ID] != wire.Failed || status[off.ID] != wire.Done {
			t.Errorf("%v", status)
		}
	})
}

func TestPlaylist(t *testing.T) {
	for _, test := range []struct {
		name   string
		digest string
		before func(l *library, p *player)
		within time.Duration
		status wire.CommandStatus
		reason string
	}{
		{"plays already", digest("b"), func(*library, *player) {}, time.Second, wire.Done, ""},
		{"comes to be current", digest("b"), func(l *library, _ *player) {
			l.current = false
			time.AfterFunc(time.Minute, func() { l.set(func() { l.current = true }) })
		}, 2 * time.Minute, wire.Done, ""},
		{"comes after the command", digest("c"), func(l *library, _ *player) {
			time.AfterFunc(30*time.Second, func() { l.set(func() { l.digest = digest("c") }) })
		}, time.Minute, wire.Done, ""},
		{"was never accepted", digest("c"), func(*library, *player) {}, 2 * time.Minute, wire.Failed, "not-accepted"},
		{"lacks files", digest("b"), func(l *library, _ *player) {
			l.current, l.missing = false, []media.File{{SHA256: digest("e")}}
		}, 31 * time.Minute, wire.Failed, "files-missing"},
		{"is not due before the command ends", digest("b"), func(l *library, _ *player) { l.current = false }, 3 * time.Minute, wire.Failed, "not-due"},
		{"is current and does not play", digest("b"), func(l *library, _ *player) { l.name = "ba-muc@8" }, 3 * time.Minute, wire.Failed, "not-playing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, func(s *stage) {
				s.library.set(func() { test.before(s.library, s.player) })
				c := s.order(wire.DoPlaylist, wire.PlaylistArgs{Digest: test.digest})
				if test.within < 10*time.Minute {
					c.Expires = s.wall().Add(2 * time.Minute).UTC()
				}
				s.take(c)
				a := s.outcome(c, test.within)
				e := evidence[command.PlaylistEvidence](t, a)
				if a.Status != test.status || a.Reason != test.reason || e.Playlist != "ba-muc@7" || e.Item != "muc-1" {
					t.Errorf("%+v, %s", a, a.Evidence)
				}
				if test.reason == "files-missing" && (e.Missing != 1 || e.First != digest("e")) {
					t.Errorf("%+v", e)
				}
				if s.library.hurried != 1 {
					t.Error("the library was not hurried")
				}
			})
		})
	}
}

func TestScreen(t *testing.T) {
	broken := errors.New("cannot reach the centre")
	for _, test := range []struct {
		name   string
		kind   wire.CommandKind
		args   any
		before func(s *stage)
		status wire.CommandStatus
		reason string
		check  func(s *stage) bool
	}{
		{"name", wire.DoIdentify, wire.IdentifyArgs{Seconds: 5}, nil, wire.Done, "", func(s *stage) bool { return slices.Equal(s.player.names, []string{"Cửa khẩu"}) }},
		{"name without a player", wire.DoIdentify, wire.IdentifyArgs{Seconds: 5}, func(s *stage) { s.player.set(media.Playing{State: media.PlayerDown}) }, wire.Failed, "player-down", func(s *stage) bool { return len(s.player.names) == 0 }},
		{"restart", wire.DoRestartPlayer, nil, nil, wire.Done, "", func(s *stage) bool { return s.player.restarts == 1 }},
		{"restart soon after another", wire.DoRestartPlayer, nil, func(s *stage) { s.player.deaf = 500 }, wire.Done, "", func(s *stage) bool { return s.player.restarts == 1 }},
		{"restart for good", wire.DoRestartPlayer, nil, func(s *stage) { s.player.dead = true }, wire.Failed, "player-down", func(s *stage) bool { return s.player.restarts == 1 }},
		{"screenshot", wire.DoScreenshot, nil, nil, wire.Done, "", func(s *stage) bool { return len(s.sent.names) == 1 }},
		{"screenshot without a centre", wire.DoScreenshot, nil, func(s *stage) { s.sent.err = broken }, wire.Failed, "not-uploaded", func(s *stage) bool { return len(s.sent.names) == 1 }},
		{"diagnostics", wire.DoDiagnostics, nil, nil, wire.Done, "", func(s *stage) bool { return len(s.sent.names) == 1 }},
		{"reboot that is not possible", wire.DoReboot, wire.RebootArgs{Force: true}, func(s *stage) { s.machine.err = broken }, wire.Failed, "no-reboot", func(s *stage) bool { return s.machine.asked == 1 }},
		{"reboot that does not come", wire.DoReboot, wire.RebootArgs{Force: true}, nil, wire.Failed, "still-running", func(s *stage) bool { return s.machine.asked == 1 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, func(s *stage) {
				if test.before != nil {
					test.before(s)
				}
				c := s.order(test.kind, test.args)
				s.take(c)
				a := s.outcome(c, 3*time.Minute+time.Second)
				if a.Status != test.status || a.Reason != test.reason || len(a.Evidence) == 0 || !test.check(s) {
					t.Errorf("%+v, %s", a, a.Evidence)
				}
			})
		})
	}
}

// Outside the windows a reboot needs no force.
func TestRebootAtNight(t *testing.T) {
	play(t, func(s *stage) {
		s.ahead.Add(int64(4 * time.Hour)) // 13:00
		time.Sleep(time.Minute)
		c := s.order(wire.DoReboot, wire.RebootArgs{})
		s.take(c)
		s.outcome(c, 4*time.Minute)
		if s.machine.asked != 1 {
			t.Error("it was not asked for")
		}
	})
}

// What a restart of the daemon finds open is finished where it can be, and never done twice.
func TestRestart(t *testing.T) {
	for _, test := range []struct {
		name   string
		kind   wire.CommandKind
		args   any
		kernel string // of the second run
		status wire.CommandStatus
		often  func(s *stage) int // how often the act was begun
	}{
		{"power", wire.DoPower, nil, "kernel-2", wire.Done, nil},
		{"playlist", wire.DoPlaylist, wire.PlaylistArgs{Digest: digest("b")}, "kernel-2", wire.Done, nil},
		{"identify", wire.DoIdentify, wire.IdentifyArgs{Seconds: 5}, "kernel-2", wire.Interrupted, func(s *stage) int { return len(s.player.names) }},
		{"restart-player", wire.DoRestartPlayer, nil, "kernel-1", wire.Interrupted, func(s *stage) int { return s.player.restarts }},
		{"screenshot", wire.DoScreenshot, nil, "kernel-1", wire.Interrupted, func(s *stage) int { return len(s.sent.names) }},
		{"diagnostics", wire.DoDiagnostics, nil, "kernel-1", wire.Interrupted, func(s *stage) int { return len(s.sent.names) }},
		{"reboot", wire.DoReboot, wire.RebootArgs{Force: true}, "kernel-2", wire.Done, func(s *stage) int { return s.machine.asked }},
		{"reboot of the daemon alone", wire.DoReboot, wire.RebootArgs{Force: true}, "kernel-1", wire.Interrupted, func(s *stage) int { return s.machine.asked }},
		{"reboot where the kernel does not say", wire.DoReboot, wire.RebootArgs{Force: true}, "", wire.Interrupted, func(s *stage) int { return s.machine.asked }},
	} {
		for _, begun := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				play(t, func(s *stage) {
					s.player.slow = time.Minute
					s.player.dead = true
					s.library.set(func() { s.library.current = false })
					s.rig.SetPanelFault(sim.Silent, true)
					c := s.power(wire.WishOff)
					if test.kind != wire.DoPower {
						c = s.order(test.kind, test.args)
					}
					if !begun {
						s.end()
						s.load() // accepted by a run that never comes to it
					}
					s.disk.unsettled.Store(begun)
					s.take(c)
					time.Sleep(2 * time.Second)
					if begun {
						s.end()
					}
					s.disk.unsettled.Store(false)
					s.player.dead, s.kernel = false, test.kernel
					s.player.set(media.Playing{State: media.PlayerPlaying, Playlist: "ba-muc", Version: 7, Item: "muc-1"})
					s.library.set(func() { s.library.current = true })
					s.rig.SetPanelFault(sim.Silent, false)
					s.heard()
					s.begin()
					time.Sleep(2 * time.Minute)
					synctest.Wait()
					all := s.heard()
					if len(all) != 1 || all[0].ID != c.ID || all[0].Status != test.status {
						t.Errorf("answered %+v", all)
					}
					s.settled(c, test.status)
					if test.often != nil && test.often(s) > 1 {
						t.Errorf("begun %d times", test.often(s))
					}
					s.end()
					s.begin() // and a third run finds nothing to do
					time.Sleep(time.Minute)
					if all := s.heard(); len(all) > 0 {
						t.Errorf("answered again: %+v", all)
					}
				})
			})
		}
	}
}
