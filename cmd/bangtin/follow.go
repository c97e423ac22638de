package main

import (
	"encoding/json"
	"fmt"
	"time"

	"bangtin/internal/wire"
)

// A stage is how far a command has come at one display.
type stage string

const (
	stageSent     stage = "sent"     // given to the broker; nobody knows more
	stageAccepted stage = "accepted" // the display answered that it is on its disk
	stageDone     stage = "done"     // the display answered that it did it
	stageVerified stage = "verified" // and its state shows it
	stageRefused  stage = "refused"  // the display answered that it does not obey; nothing changed
	stageFailed   stage = "failed"   // the display tried and could not, or was interrupted
)

// over: the display has nothing more to say of the command.
func (s stage) over() bool {
	return s == stageDone || s == stageVerified || s == stageRefused || s == stageFailed
}

// A step is one thing that became known of a command at one display.
type step struct {
	Display  string          `json:"display"`
	Step     stage           `json:"step"`
	At       time.Time       `json:"at"` // by the display's clock
	Status   string          `json:"status,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	Evidence json.RawMessage `json:"evidence,omitempty"`

	shown *seen  // what Evidence says, where it is a state's
	saved string // the file, where it was fetched
}

// maxSteps of one display wait to be told; there are no more than the stages, unless somebody plays with us.
const maxSteps = 8

// A follow is a command on its way at one display. It judges what the display says; the clock is its caller's.
type follow struct {
	display string
	command *wire.Command
	digest  string // of the signed payload, as answers name it
	goal    goal

	stage  stage
	answer *wire.CommandAck // the last that moved the stage
	taken  time.Time        // of RECEIVED, by the display's clock; zero when it was not heard

	conn     *wire.Conn
	state    *wire.State
	retained bool      // state is what the broker kept
	heard    time.Time // the last answer, by our clock
	sentAt   time.Time // the last time, by our clock
	again    bool      // the display came back: send once more
	steps    []step
}

// hearConn takes a birth or a will. What the broker kept tells how things stand, not that they changed.
func (f *follow) hearConn(c *wire.Conn, retained bool) {
	if f.conn == nil {
		f.goal.begin(c.Boot)
	}
	f.conn = c
	if !retained && c.State == wire.Online {
		f.again = !f.stage.over()
	}
	f.look()
}

// hearAnswer takes an answer. The first that ends the matter stands.
func (f *follow) hearAnswer(a *wire.CommandAck, now time.Time) {
	if a.Digest != f.digest || a.ID != "" && a.ID != f.command.ID {
		return
	}
	f.heard = now
	if a.Status == wire.Received {
		f.taken = a.At
	}
	if next := stageOf(a.Outcome()); !f.stage.over() && next != f.stage {
		f.answer = a
		f.reach(next, step{At: a.At, Status: string(a.Outcome()), Reason: a.Reason, Evidence: a.Evidence})
	}
	f.look()
}

func stageOf(s wire.CommandStatus) stage {
	switch s {
	case wire.Received:
		return stageAccepted
	case wire.Done:
		return stageDone
	case wire.Rejected, wire.Expired:
		return stageRefused
	}
	return stageFailed
}

// hearState takes a reported state.
func (f *follow) hearState(s *wire.State, retained bool) {
	if f.conn == nil && f.state == nil {
		f.goal.begin(s.Boot)
	}
	f.state, f.retained = s, retained
	f.look()
}

// look finds whether the last state shows what was ordered. A state counts when it was made after the display took
// the command, by the same clock; where that answer was lost, after the command was made, and what the broker kept
// does not count.
func (f *follow) look() {
	if f.state == nil || f.stage != stageAccepted && f.stage != stageDone {
		return
	}
	since := f.taken
	if since.IsZero() {
		since = time.UnixMilli(int64(f.command.Counter))
		if f.retained {
			return
		}
	}
	if f.state.At.Before(since) {
		return
	}
	evidence, ok := f.goal.shownBy(f.state, since, f.stage)
	if !ok {
		return
	}
	raw, err := wire.Encode(evidence)
	if err != nil {
		raw = nil // a struct of words and times always encodes
	}
	f.reach(stageVerified, step{At: f.state.At, Evidence: raw, shown: &evidence})
}

func (f *follow) reach(s stage, told step) {
	f.stage = s
	told.Display, told.Step = f.display, s
	if len(f.steps) < maxSteps {
		f.steps = append(f.steps, told)
	}
}

// take returns the steps since the last call.
func (f *follow) take() []step {
	s := f.steps
	f.steps = nil
	return s
}

// due reports whether the command is to be sent again: the display came back, or nothing was heard for so long.
func (f *follow) due(now time.Time, silence time.Duration) bool {
	if f.stage.over() {
		return false
	}
	last := f.sentAt
	if f.heard.After(last) {
		last = f.heard
	}
	return f.again || now.Sub(last) >= silence
}

// settled: nothing is left to wait for.
func (f *follow) settled() bool {
	return f.stage.over() && (f.stage != stageDone || !f.goal.visible())
}

// A goal is what a state must show for a command to count as verified.
type goal struct {
	kind     wire.CommandKind
	power    wire.PowerWish
	playlist string // id@version, where it is known
	boot     string // of the display before a reboot
}

func goalOf(c *wire.Command, playlist string) (goal, error) {
	g := goal{kind: c.Kind, playlist: playlist}
	if c.Kind == wire.DoPower {
		args, err := c.Power()
		if err != nil {
			return g, fmt.Errorf("cannot follow command: %w", err)
		}
		g.power = args.State
	}
	return g, nil
}

// begin notes which run of the daemon the command came to.
func (g *goal) begin(boot string) { g.boot = boot }

// visible: a state can show it at all.
func (g *goal) visible() bool {
	switch g.kind {
	case wire.DoPower, wire.DoRestartPlayer, wire.DoReboot:
		return true
	case wire.DoPlaylist:
		return g.playlist != ""
	}
	return false
}

// seen is the evidence of a state: what it shows and, for the panel, when that was read back.
type seen struct {
	Power      string     `json:"power,omitempty"`
	VerifiedAt *time.Time `json:"verified_at,omitempty"`
	Rule       string     `json:"rule,omitempty"`
	Player     string     `json:"player,omitempty"`
	Playlist   string     `json:"playlist,omitempty"`
	Boot       string     `json:"boot,omitempty"`
}

func (g *goal) shownBy(s *wire.State, since time.Time, at stage) (seen, bool) {
	switch g.kind {
	case wire.DoPower:
		return g.powerShownBy(s, since)
	case wire.DoPlaylist:
		return seen{Player: s.Player.State, Playlist: s.Player.Playlist}, g.visible() && s.Player.Playlist == g.playlist
	case wire.DoRestartPlayer:
		runs := s.Player.State == "playing" || s.Player.State == "slate"
		return seen{Player: s.Player.State, Playlist: s.Player.Playlist}, runs && at == stageDone
	case wire.DoReboot:
		return seen{Boot: s.Boot}, g.boot != "" && s.Boot != g.boot
	}
	return seen{}, false
}

func (g *goal) powerShownBy(s *wire.State, since time.Time) (seen, bool) {
	e := seen{Power: s.Panel.Power, VerifiedAt: s.Panel.VerifiedAt, Rule: s.Want.Rule}
	read := e.VerifiedAt != nil && !e.VerifiedAt.Before(since)
	switch g.power {
	case wire.WishOn:
		return e, read && s.Want.Panel == "on" && e.Power == "on"
	case wire.WishOff, wire.WishBlackout:
		return e, read && s.Want.Panel == "off" && e.Power == "off"
	case wire.WishSafe:
		e.Player = s.Player.State
		return e, read && s.Want.Show == "slate" && e.Power == "on" && e.Player == "slate"
	case wire.WishSchedule:
		lifted := e.Rule != "" && e.Rule != "blackout" && e.Rule != "safe" && e.Rule != "department"
		return e, lifted && read && e.Power == s.Want.Panel
	}
	return e, false
}
