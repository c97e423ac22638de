package main

import (
	"strings"
	"testing"
	"time"

	"bangtin/internal/wire"
)

// A tale is what one display says, in order, by a clock that goes on by a second with everything.
type tale struct {
	*follow
	at time.Time
}

func newTale(t *testing.T, kind wire.CommandKind, args any, playlist string) *tale {
	t.Helper()
	c := &wire.Command{ID: "0123456789abcdef", Counter: uint64(morning.UnixMilli()), Kind: kind}
	if args != nil {
		raw, err := wire.Encode(args)
		if err != nil {
			t.Fatal(err)
		}
		c.Args = raw
	}
	g, err := goalOf(c, playlist)
	if err != nil {
		t.Fatal(err)
	}
	return &tale{&follow{display: "tinh-bien-01", command: c, digest: strings.Repeat("a", 64), goal: g, stage: stageSent}, morning}
}

func (l *tale) tick() time.Time {
	l.at = l.at.Add(time.Second)
	return l.at
}

func (l *tale) answer(s wire.CommandStatus, reason string) {
	at := l.tick()
	l.hearAnswer(&wire.CommandAck{ID: l.command.ID, Digest: l.digest, Status: s, Reason: reason, At: at}, at)
}

// unbelieved is the answer to a copy of the command whose signature is not good.
func (l *tale) unbelieved() {
	at := l.tick()
	l.hearAnswer(&wire.CommandAck{Digest: l.digest, Status: wire.Rejected, Reason: "bad-signature", At: at}, at)
}

// reports a state in which the panel was read back just now.
func (l *tale) reports(change func(*wire.State)) {
	at := l.tick()
	s := &wire.State{At: at, Boot: "run-1", Panel: wire.PanelState{VerifiedAt: &at}}
	change(s)
	l.hearState(s, false)
}

func panel(is, rule string) func(*wire.State) {
	return func(s *wire.State) { s.Want.Panel, s.Panel.Power, s.Want.Rule = is, is, rule }
}

// What a display reports never outranks what it answers.
func TestAFinalAnswerOutranksAState(t *testing.T) {
	digest := wire.PlaylistArgs{Digest: strings.Repeat("b", 64)}
	tests := map[string]struct {
		kind     wire.CommandKind
		args     any
		playlist string
		reason   string
		shown    func(*wire.State) // what would show it
	}{
		"reboot":         {wire.DoReboot, wire.RebootArgs{}, "", "still-running", func(s *wire.State) { s.Boot = "run-2" }},
		"playlist":       {wire.DoPlaylist, digest, "a@1", "not-playing", func(s *wire.State) { s.Player = wire.PlayerState{State: "playing", Playlist: "a@1"} }},
		"off":            {wire.DoPower, wire.PowerArgs{State: wire.WishOff}, "", "panel-disobeys", panel("off", "department")},
		"restart-player": {wire.DoRestartPlayer, nil, "", "not-restarted", func(s *wire.State) { s.Player.State = "playing" }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newTale(t, tt.kind, tt.args, tt.playlist)
			l.hearConn(&wire.Conn{State: wire.Online, Boot: "run-1"}, true)
			l.answer(wire.Received, "")
			l.reports(tt.shown)
			if l.stage != stageAccepted {
				t.Errorf("%s before the display said that it did it", l.stage)
			}
			l.answer(wire.Failed, tt.reason)
			l.reports(tt.shown)
			if l.stage != stageFailed {
				t.Errorf("the display says FAILED, the tool says %s", l.stage)
			}

			l = newTale(t, tt.kind, tt.args, tt.playlist)
			l.hearConn(&wire.Conn{State: wire.Online, Boot: "run-1"}, true)
			l.answer(wire.Received, "")
			l.answer(wire.Done, "")
			l.reports(tt.shown)
			if l.stage != stageVerified {
				t.Errorf("done and shown: %s", l.stage)
			}
		})
	}
}

// The run that took the command is the one before a reboot: neither a will that the broker kept nor a daemon that
// started anew meanwhile.
func TestRebootIsJudgedByTheRunThatTookIt(t *testing.T) {
	l := newTale(t, wire.DoReboot, wire.RebootArgs{}, "")
	l.hearConn(&wire.Conn{State: wire.Gone, Boot: "run-0"}, true) // dark since yesterday
	l.hearConn(&wire.Conn{State: wire.Online, Boot: "run-1"}, false)
	l.reports(func(*wire.State) {})
	l.answer(wire.Received, "")
	l.answer(wire.Done, "")
	l.reports(func(*wire.State) {})
	if l.stage != stageDone || l.settled() {
		t.Errorf("%s by the run that took it, settled %v", l.stage, l.settled())
	}
	l.reports(func(s *wire.State) { s.Boot = "run-2" })
	if l.stage != stageVerified {
		t.Errorf("%s by the next run", l.stage)
	}
	// which run took it is not known: its word has to do
	l = newTale(t, wire.DoReboot, wire.RebootArgs{}, "")
	l.answer(wire.Received, "")
	l.answer(wire.Done, "")
	l.reports(func(s *wire.State) { s.Boot = "run-2" })
	if l.stage != stageDone || !l.settled() {
		t.Errorf("%s, settled %v", l.stage, l.settled())
	}
}

func TestPlaylistIsSeenPlayingAlone(t *testing.T) {
	for _, state := range []string{"down", "stalled", "slate", "starting", ""} {
		l := newTale(t, wire.DoPlaylist, wire.PlaylistArgs{Digest: strings.Repeat("b", 64)}, "a@1")
		l.answer(wire.Received, "")
		l.answer(wire.Done, "")
		l.reports(func(s *wire.State) { s.Player = wire.PlayerState{State: state, Playlist: "a@1"} })
		if l.stage == stageVerified {
			t.Errorf("verified by a player that is %q", state)
		}
	}
}

func TestPowerIsSeenByItsRuleAlone(t *testing.T) {
	rules := []string{"fire", "blackout", "safe", "local", "department", "no-time", "schedule", "other", ""}
	tests := map[wire.PowerWish]struct{ panel, show, rules string }{
		wire.WishOn:       {"on", "programme", "department"},
		wire.WishOff:      {"off", "slate", "department"},
		wire.WishBlackout: {"off", "slate", "blackout"},
		wire.WishSafe:     {"on", "slate", "safe"},
		wire.WishSchedule: {"off", "slate", "schedule no-time local"},
	}
	for wish, tt := range tests {
		for _, rule := range rules {
			for _, is := range []string{"on", "off", "unknown", "warming"} {
				l := newTale(t, wire.DoPower, wire.PowerArgs{State: wish}, "")
				l.answer(wire.Received, "")
				l.answer(wire.Done, "")
				l.reports(func(s *wire.State) {
					s.Want = wire.WantState{Panel: tt.panel, Show: tt.show, Rule: rule}
					s.Panel.Power, s.Player.State = is, tt.show
				})
				want := is == tt.panel && strings.Contains(" "+tt.rules+" ", " "+rule+" ") && rule != ""
				if got := l.stage == stageVerified; got != want {
					t.Errorf("%s, panel %s by rule %q: verified %v", wish, is, rule, got)
				}
			}
		}
	}
}

// A panel that stays as it was makes no news: the answer tells that it was read back.
func TestPanelThatStaysIsReadBackInTheAnswer(t *testing.T) {
	for _, read := range []time.Duration{time.Second, -time.Hour} {
		l := newTale(t, wire.DoPower, wire.PowerArgs{State: wire.WishOff}, "")
		l.answer(wire.Received, "")
		l.reports(func(s *wire.State) {
			panel("off", "department")(s)
			before := s.At.Add(-time.Minute)
			s.Panel.VerifiedAt = &before
		})
		at := l.tick()
		raw, err := wire.Encode(evidence{Panel: "off", VerifiedAt: new(at.Add(read)), Rule: "department"})
		if err != nil {
			t.Fatal(err)
		}
		l.hearAnswer(&wire.CommandAck{ID: l.command.ID, Digest: l.digest, Status: wire.Done, Evidence: raw, At: at}, at)
		if got := l.stage == stageVerified; got != (read > 0) {
			t.Errorf("read back %s after the answer: %s", read, l.stage)
		}
	}
}

// Anybody can send a copy with a broken signature: what the display says of that does not end ours.
func TestAnswerWithoutAnIDEndsNoGoodCommand(t *testing.T) {
	l := newTale(t, wire.DoReboot, wire.RebootArgs{}, "")
	l.answer(wire.Received, "")
	l.unbelieved()
	if l.stage != stageAccepted {
		t.Errorf("%s after it was accepted", l.stage)
	}
	l = newTale(t, wire.DoReboot, wire.RebootArgs{}, "")
	l.unbelieved()
	if l.stage != stageRefused {
		t.Errorf("%s where nothing else was heard", l.stage)
	}
	l.answer(wire.Received, "")
	if l.stage != stageAccepted {
		t.Errorf("%s though it was accepted then", l.stage)
	}
	l.answer(wire.Failed, "no-reboot")
	l.answer(wire.Done, "")
	if l.stage != stageFailed {
		t.Errorf("%s: the first final answer does not stand", l.stage)
	}
}

// A display that has too many commands open gets the same bytes again.
func TestBusyIsNotTheEnd(t *testing.T) {
	const silence = 10 * time.Second
	l := newTale(t, wire.DoReboot, wire.RebootArgs{}, "")
	l.sentAt = l.at
	l.answer(wire.Rejected, wire.Busy)
	if l.stage.over() || l.settled() || l.stage != stageBusy {
		t.Errorf("%s is the end", l.stage)
	}
	if l.due(l.at.Add(silence-time.Second), silence) || !l.due(l.at.Add(silence), silence) {
		t.Error("not sent again 10 s after that answer")
	}
	l.answer(wire.Rejected, wire.Busy)
	l.answer(wire.Received, "")
	l.answer(wire.Rejected, "on-air")
	if steps := l.take(); l.stage != stageRefused || len(steps) != 3 {
		t.Errorf("%s after %d steps", l.stage, len(steps))
	}
}
