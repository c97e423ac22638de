package command_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/control/command"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// refusedAs gives a command that is not to be obeyed, and checks that it is answered, counted, and changed nothing.
func (s *stage) refusedAs(c *wire.Command, signed command.Signed, status wire.CommandStatus, reason string) {
	s.Helper()
	s.heard()
	before, counted := s.facts("ctr:key-a", "ctr:key-b"), len(s.refused)
	if err := s.commands.Take(s.Context(), c, signed); err != nil {
		s.Fatal(err)
	}
	synctest.Wait()
	all := s.heard()
	if len(all) != 1 || all[0].ID != c.ID || all[0].Digest != signed.Digest || all[0].Status != status || all[0].Reason != reason {
		s.Errorf("answered %+v, want %s %s", all, status, reason)
	}
	if after := s.facts("ctr:key-a", "ctr:key-b"); after != before {
		s.Errorf("it changed\n%s\nto\n%s", before, after)
	}
	if len(s.refused) != counted+1 || s.refused[counted] != "cmd/req "+reason {
		s.Errorf("counted are %v", s.refused[counted:])
	}
}

func TestRefusalsChangeNothing(t *testing.T) {
	for _, test := range []struct {
		name   string
		make   func(s *stage) (*wire.Command, command.Signed)
		status wire.CommandStatus
		reason string
	}{
		{"the counter of the last one", func(s *stage) (*wire.Command, command.Signed) {
			last := s.power(wire.WishOn)
			s.take(last)
			c := s.power(wire.WishOff)
			c.Counter = last.Counter
			return c, command.Signed{Keys: []string{"key-a"}, Digest: digest("f")}
		}, wire.Rejected, "replayed"},
		{"a lower counter of one of two signers", func(s *stage) (*wire.Command, command.Signed) {
			c := s.power(wire.WishOff)
			s.take(s.order(wire.DoRestartPlayer, nil), "key-b")
			return c, by(c, "key-a", "key-b")
		}, wire.Rejected, "replayed"},
		{"another command of the same id", func(s *stage) (*wire.Command, command.Signed) {
			first, c := s.power(wire.WishOn), s.power(wire.WishOff)
			s.take(first)
			c.ID = first.ID
			return c, by(c)
		}, wire.Rejected, "id-reused"},
		{"made in twenty minutes", func(s *stage) (*wire.Command, command.Signed) {
			c := s.power(wire.WishOff)
			c.Counter += uint64((20 * time.Minute).Milliseconds())
			return c, by(c)
		}, wire.Rejected, "too-far"},
		{"after its end", func(s *stage) (*wire.Command, command.Signed) {
			c := s.order(wire.DoRestartPlayer, nil)
			time.Sleep(time.Hour + time.Second)
			return c, by(c)
		}, wire.Expired, "expired"},
		{"after the end of its wish", func(s *stage) (*wire.Command, command.Signed) {
			c := s.power(wire.WishOff)
			c.Expires = s.wall().Add(3 * time.Hour).UTC()
			time.Sleep(2*time.Hour + time.Second)
			return c, by(c)
		}, wire.Expired, "expired"},
		{"older than the order that stands", func(s *stage) (*wire.Command, command.Signed) {
			c := s.power(wire.WishOn)
			time.Sleep(time.Second)
			s.desired(wire.WishOff)
			return c, by(c)
		}, wire.Rejected, "stale"},
		{"older than another person's command", func(s *stage) (*wire.Command, command.Signed) {
			c := s.power(wire.WishOn)
			s.take(s.power(wire.WishOff), "key-b")
			return c, by(c)
		}, wire.Rejected, "stale"},
		{"a reboot on air", func(s *stage) (*wire.Command, command.Signed) {
			c := s.order(wire.DoReboot, wire.RebootArgs{})
			return c, by(c)
		}, wire.Rejected, "on-air"},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, func(s *stage) {
				c, signed := test.make(s)
				time.Sleep(time.Minute) // whatever came before has settled
				synctest.Wait()
				s.refusedAs(c, signed, test.status, test.reason)
			})
		})
	}
}

// desired gives a retained power order of the present.
func (s *stage) desired(state wire.PowerWish) (wire.PowerOrder, control.Signature) {
	s.Helper()
	until := s.wall().Add(2 * time.Hour).UTC()
	o := wire.PowerOrder{Device: "tinh-bien-01", Version: uint64(s.wall().UnixMilli()), State: state, Until: &until, Reason: "thử"}
	sig := control.Signature{People: []string{"An"}, Digest: digest("d")}
	if err := s.orders.Power(s.Context(), o, sig); err != nil {
		s.Fatal(err)
	}
	return o, sig
}

// A person's computer may be some minutes ahead.
func TestACounterOfTheNextMinutes(t *testing.T) {
	play(t, func(s *stage) {
		c := s.power(wire.WishOff)
		c.Counter += uint64((9 * time.Minute).Milliseconds())
		s.take(c)
		if a := s.outcome(c, time.Minute); a.Status != wire.Done {
			s.Errorf("%+v", a)
		}
	})
}

// What was signed far ahead of the time, and taken while nobody had confirmed the clock, locks out the department's
// power commands until the trust role sets their sequence down.
func TestTheTrustRoleSetsTheSequenceDown(t *testing.T) {
	play(t, func(s *stage) {
		s.synced.Store(false)
		until := s.wall().Add(8 * 24 * time.Hour).UTC()
		stolen := wire.PowerOrder{Device: "tinh-bien-01", Version: uint64(s.wall().Add(7 * 24 * time.Hour).UnixMilli()), State: wire.WishOn, Until: &until, Reason: "x"}
		if err := s.orders.Power(s.Context(), stolen, control.Signature{Keys: []string{"key-a"}, Digest: digest("c")}); err != nil {
			s.Fatal(err)
		}
		trusted := func(c *wire.Command) command.Signed {
			signed := by(c, "key-b", "key-c")
			signed.Role = "trust"
			return signed
		}
		c := s.power(wire.WishOff)
		s.refusedAs(c, trusted(c), wire.Rejected, "stale") // the clock may be behind, for all anybody knows
		s.synced.Store(true)
		time.Sleep(time.Minute)
		c = s.power(wire.WishOff)
		s.refusedAs(c, by(c, "key-b"), wire.Rejected, "stale")
		c = s.power(wire.WishOff)
		if err := s.commands.Take(s.Context(), c, trusted(c)); err != nil {
			s.Fatal(err)
		}
		if a := s.outcome(c, time.Minute); a.Status != wire.Done {
			s.Errorf("by the trust role: %+v", a)
		}
		if n := s.ordersSaying("sequence set down from"); n != 1 {
			s.Errorf("%d records say so", n)
		}
		if err := s.orders.Power(s.Context(), stolen, control.Signature{Keys: []string{"key-a"}, Digest: digest("c")}); err == nil {
			s.Error("what was made ahead of time came back")
		}
		c = s.power(wire.WishOn)
		s.take(c, "key-b")
		if a := s.outcome(c, time.Minute); a.Status != wire.Done {
			s.Errorf("by the power role, afterwards: %+v", a)
		}
		c = s.power(wire.WishOff) // nothing is ahead any more
		if err := s.commands.Take(s.Context(), c, trusted(c)); err != nil {
			s.Fatal(err)
		}
		s.outcome(c, time.Minute)
		if n := s.ordersSaying("sequence set down from"); n != 1 {
			s.Errorf("%d records say so", n)
		}
	})
}

// ordersSaying counts the records of orders with these words.
func (s *stage) ordersSaying(words string) int {
	s.Helper()
	found, err := s.journal.Recent(s.Context(), journal.KindOrder, 1000)
	if err != nil {
		s.Fatal(err)
	}
	n := 0
	for _, r := range found {
		if strings.Contains(string(r.Body), words) {
			n++
		}
	}
	return n
}

func TestCountersArePerKey(t *testing.T) {
	play(t, func(s *stage) {
		first, second := s.power(wire.WishOn), s.order(wire.DoRestartPlayer, nil)
		s.take(second, "key-b")
		s.take(first) // lower, but of another key, and power is only compared with power
		time.Sleep(time.Minute)
		both := s.power(wire.WishOff)
		s.take(both, "key-a", "key-b")
		for key, want := range map[string]uint64{"ctr:key-a": both.Counter, "ctr:key-b": both.Counter} {
			if n, err := s.journal.Counter(s.Context(), key); err != nil || n != want {
				s.Errorf("%s is %d, want %d; %v", key, n, want, err)
			}
		}
	})
}

func TestExpiryByAClockThatNobodyBelieves(t *testing.T) {
	play(t, func(s *stage) {
		c := s.order(wire.DoIdentify, wire.IdentifyArgs{Seconds: 5})
		s.end()
		floor := s.wall()
		s.synced.Store(false)
		s.ahead.Add(int64(20 * 365 * 24 * time.Hour)) // 2047: a broken clock
		s.newClock(floor)
		s.begin()
		if trust := s.clock.Stamp().Trust; trust != "untrusted" {
			s.Fatalf("the clock is %s", trust)
		}
		s.take(c)
		if a := s.outcome(c, time.Minute); a.Status != wire.Done {
			s.Errorf("%+v", a)
		}
	})
}

// A battery clock that is ahead, which nobody has confirmed yet, makes no command too late.
func TestExpiryByAClockThatNobodyConfirmed(t *testing.T) {
	play(t, func(s *stage) {
		c := s.order(wire.DoIdentify, wire.IdentifyArgs{Seconds: 5})
		s.end()
		floor := s.wall().Add(-24 * time.Hour)
		s.synced.Store(false)
		s.ahead.Add(int64(2 * time.Hour))
		s.newClock(floor)
		s.begin()
		if trust := s.clock.Stamp().Trust; trust != "floored" {
			s.Fatalf("the clock is %s", trust)
		}
		s.take(c)
		if a := s.outcome(c, time.Minute); a.Status != wire.Done {
			s.Errorf("%+v", a)
		}
	})
}

func TestADuplicateHasTheFirstResult(t *testing.T) {
	play(t, func(s *stage) {
		c := s.power(wire.WishOff)
		s.take(c)
		s.take(c)
		synctest.Wait()
		if all := s.heard(); len(all) != 2 || all[1].Status != wire.Duplicate || all[1].First != wire.Received {
			s.Errorf("while it is open: %+v", all)
		}
		time.Sleep(time.Minute)
		first := s.heard()
		s.end()
		s.begin() // over a restart too
		s.take(c)
		all := s.heard()
		if len(first) != 1 || len(all) != 1 || all[0].Status != wire.Duplicate || all[0].First != wire.Done || string(all[0].Evidence) != string(first[0].Evidence) {
			s.Errorf("afterwards: %+v, first %+v", all, first)
		}
		s.settled(c, wire.Done)
	})
}

func TestAFloodOfDuplicatesIsHardlyAnswered(t *testing.T) {
	play(t, func(s *stage) {
		c := s.order(wire.DoIdentify, wire.IdentifyArgs{Seconds: 5})
		s.take(c)
		s.outcome(c, time.Second)
		answered := 0
		for range 1000 {
			s.take(c)
			answered += len(s.heard())
		}
		if answered != 30 {
			s.Errorf("%d answers", answered)
		}
		time.Sleep(time.Minute)
		s.take(c)
		if n := len(s.heard()); n != 1 {
			s.Errorf("a minute later: %d answers", n)
		}
	})
}

func TestSixteenAreOpen(t *testing.T) {
	play(t, func(s *stage) {
		s.player.slow = 9 * time.Second
		for range 16 {
			s.take(s.order(wire.DoScreenshot, nil))
		}
		c := s.order(wire.DoScreenshot, nil)
		s.refusedAs(c, by(c), wire.Rejected, "busy")
		time.Sleep(10 * time.Second) // one is settled
		s.heard()
		s.take(c) // the same bytes again
		if a := s.outcome(c, 3*time.Minute); a.Status != wire.Done {
			s.Errorf("%+v", a)
		}
		if n := len(s.sent.names); n != 17 {
			s.Errorf("%d pictures were sent", n)
		}
	})
}

// What is slow elsewhere takes no room from the panel.
func TestScreenshotsLeaveRoomForABlackout(t *testing.T) {
	play(t, func(s *stage) {
		s.player.slow = 5 * time.Minute
		for range 16 {
			s.take(s.order(wire.DoScreenshot, nil))
		}
		full := s.order(wire.DoDiagnostics, nil)
		s.refusedAs(full, by(full), wire.Rejected, "busy")
		restart := s.order(wire.DoRestartPlayer, nil)
		s.take(restart)
		c := s.power(wire.WishBlackout)
		s.take(c, "key-b")
		time.Sleep(time.Minute)
		status := map[string]wire.CommandStatus{}
		for _, a := range s.heard() {
			status[a.ID] = a.Status
		}
		if status[c.ID] != wire.Done || status[restart.ID] != wire.Done {
			s.Errorf("%v", status)
		}
	})
}

func TestSixtyFourAreRemembered(t *testing.T) {
	play(t, func(s *stage) {
		var all []*wire.Command
		for range 90 {
			c := s.order(wire.DoIdentify, wire.IdentifyArgs{Seconds: 5})
			s.take(c)
			synctest.Wait()
			all = append(all, c)
		}
		time.Sleep(time.Minute)
		s.end()
		s.begin()
		time.Sleep(time.Minute)
		for i, c := range all[90-64:] {
			time.Sleep(3 * time.Second)
			s.heard()
			s.take(c)
			if a := s.heard(); len(a) != 1 || a[0].Status != wire.Duplicate {
				s.Fatalf("command %d from the end: %+v", 64-i, a)
			}
		}
		s.refusedAs(all[0], by(all[0]), wire.Rejected, "replayed") // forgotten, and still not obeyed
		if n := len(s.player.names); n != 90 {
			s.Errorf("%d names were shown", n)
		}
	})
}

func TestAFullDiskAcceptsNothing(t *testing.T) {
	play(t, func(s *stage) {
		for _, c := range []*wire.Command{s.power(wire.WishOff), s.order(wire.DoRestartPlayer, nil)} {
			before := s.facts("ctr:key-a")
			s.disk.full.Store(true)
			if err := s.commands.Take(s.Context(), c, by(c)); !errors.Is(err, errFull) {
				s.Fatalf("Take: %v", err)
			}
			s.disk.full.Store(false)
			if after := s.facts("ctr:key-a"); after != before || len(s.heard()) > 0 || s.player.restarts > 0 {
				s.Errorf("it changed\n%s\nto\n%s", before, after)
			}
			s.take(c) // fleet brings it again
			if a := s.outcome(c, 2*time.Minute); a.Status != wire.Done {
				s.Errorf("%+v", a)
			}
		}
	})
}

// A result that cannot be written is written later, and only then told.
func TestAFullDiskAtTheEnd(t *testing.T) {
	play(t, func(s *stage) {
		s.player.slow = 5 * time.Second
		c := s.order(wire.DoScreenshot, nil)
		s.take(c)
		s.disk.full.Store(true)
		time.Sleep(time.Minute)
		if all := s.heard(); len(all) != 1 || all[0].Status != wire.Received {
			s.Errorf("told before it is on disk: %+v", all)
		}
		s.disk.full.Store(false)
		time.Sleep(time.Minute)
		if all := s.heard(); len(all) != 1 || all[0].Status != wire.Done || len(s.sent.names) != 1 {
			s.Errorf("%+v, %v", all, s.sent.names)
		}
		s.settled(c, wire.Done)
	})
}

// Without anybody who listens the oldest answers make way.
func TestAnswersThatNobodyTakes(t *testing.T) {
	play(t, func(s *stage) {
		var last *wire.Command
		for range 40 {
			last = s.order(wire.DoIdentify, wire.IdentifyArgs{Seconds: 5})
			s.take(last)
			synctest.Wait()
		}
		all := s.heard()
		if n := len(all); n != 32 || all[n-1].ID != last.ID || all[n-1].Status != wire.Done {
			s.Errorf("%d answers, the last is %+v", n, all[n-1])
		}
	})
}

func TestACopyThatTheBrokerKeepsStaysSilent(t *testing.T) {
	play(t, func(s *stage) {
		kept, sig := s.desired(wire.WishOff)
		time.Sleep(time.Minute)
		c := s.power(wire.WishOn)
		s.take(c)
		time.Sleep(time.Minute)
		for range 2 {
			if err := s.orders.Power(s.Context(), kept, sig); err != nil {
				s.Errorf("the copy of an accepted order: %v", err)
			}
			if got := s.orders.Standing(); got != by(c).Digest {
				s.Errorf("%s stands, not the command", got)
			}
			s.end()
			s.begin()
		}
		older := kept
		older.Version++ // never accepted, and older than the command
		err := s.orders.Power(s.Context(), older, control.Signature{Digest: digest("e")})
		if no, ok := errors.AsType[*control.Refusal](err); !ok || no.Reason != "stale" {
			s.Errorf("an older order: %v", err)
		}
	})
}

func TestTakeEndsWithItsContext(t *testing.T) {
	play(t, func(s *stage) {
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		c := s.power(wire.WishOff)
		if err := s.commands.Take(ctx, c, by(c)); err == nil {
			s.Error("taken")
		}
	})
}
