package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A stage is how far a command has come at one display.
type stage string

const (
	stageSent     stage = "sent"     // given to the broker; nobody knows more
	stageBusy     stage = "busy"     // the display answered that it has too many open; the same bytes are sent again
	stageAccepted stage = "accepted" // the display answered that it is on its disk
	stageDone     stage = "done"     // the display answered that it did it
	stageVerified stage = "verified" // and what it reports of itself fits
	stageRefused  stage = "refused"  // the display answered that it does not obey; nothing changed
	stageFailed   stage = "failed"   // the display tried and could not, or was interrupted
)

// over: the display has nothing more to say of the command.
func (s stage) over() bool {
	return s == stageDone || s == stageVerified || s == stageRefused || s == stageFailed
}

// A source is where a step is known from. What the broker brings is not signed: it may be believed as far as the broker
// is. Proof is the signed record of the command, which the centre keeps.
type source string

const (
	byAnswer source = "answer" // on cmd/ack, brought by the broker
	byState  source = "state"  // reported, brought by the broker
	byFile   source = "file"   // fetched from the centre, which had it from the display's certificate
)

// A step is one thing that became known of a command at one display.
type step struct {
	Display  string          `json:"display"`
	Step     stage           `json:"step"`
	By       source          `json:"by"`
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
	by     source           // of the stage; empty while it is sent
	answer *wire.CommandAck // the last that moved the stage
	taken  time.Time        // of the first RECEIVED, by the display's clock; zero when it was not heard

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
	f.conn = c
	if !retained && c.State == wire.Online {
		f.again = !f.stage.over()
	}
}

// hearAnswer takes an answer. The first that ends the matter stands, but for one without an id: that is about a copy
// with a signature that the display could not believe, which anybody can send, and gives way to one about ours.
func (f *follow) hearAnswer(a *wire.CommandAck, now time.Time) {
	named := a.ID == f.command.ID
	if a.Digest != f.digest || !named && (a.ID != "" || f.stage != stageSent && f.stage != stageBusy) {
		return
	}
	f.heard = now
	if a.Outcome() == wire.Received && f.taken.IsZero() {
		f.taken = a.At
		f.goal.begin(f.run())
	}
	next := stageOf(a)
	if next == f.stage || f.stage.over() && !(named && f.answer.ID == "") {
		return
	}
	f.answer = a
	f.reach(next, step{By: byAnswer, At: a.At, Status: string(a.Outcome()), Reason: a.Reason, Evidence: a.Evidence})
	f.look()
}

func stageOf(a *wire.CommandAck) stage {
	switch a.Outcome() {
	case wire.Received:
		return stageAccepted
	case wire.Done:
		return stageDone
	case wire.Rejected, wire.Expired:
		if !a.Final() {
			return stageBusy
		}
		return stageRefused
	}
	return stageFailed
}

// run is the daemon's run that speaks now, as far as it is known.
func (f *follow) run() string {
	switch {
	case f.conn != nil && f.conn.State == wire.Online:
		return f.conn.Boot
	case f.state != nil && !f.retained:
		return f.state.Boot
	}
	return ""
}

// hearState takes a reported state.
func (f *follow) hearState(s *wire.State, retained bool) {
	f.state, f.retained = s, retained
	f.look()
}

// look finds whether the last state shows what the display says that it did: before that, and after it said that it
// could not, a state proves nothing. It counts when it was made after the display took the command, by the same clock;
// where that answer was lost, after the command was made, and what the broker kept does not count.
func (f *follow) look() {
	if f.state == nil || f.stage != stageDone {
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
	evidence, ok := f.goal.shownBy(f.state, since, later(f.state.Panel.VerifiedAt, f.readBack()))
	if !ok {
		return
	}
	raw, err := wire.Encode(evidence)
	if err != nil {
		raw = nil // a struct of words and times always encodes
	}
	f.reach(stageVerified, step{By: byState, At: f.state.At, Evidence: raw, shown: &evidence})
}

// readBack is when the panel was read back, by the answer. A display whose panel stays as it was has no reason to tell
// a state after that before its next heartbeat.
func (f *follow) readBack() *time.Time {
	var e evidence
	if trust.DecodeJSON(f.answer.Evidence, &e) != nil {
		return nil
	}
	return e.VerifiedAt
}

func later(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.After(*a) {
		return b
	}
	return a
}

func (f *follow) reach(s stage, told step) {
	f.stage, f.by = s, told.By
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
	boot     string // the daemon's run that took a reboot; empty when it is not known
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

// begin notes which run of the daemon took the command.
func (g *goal) begin(boot string) { g.boot = boot }

// visible: a state can show it at all.
func (g *goal) visible() bool {
	switch g.kind {
	case wire.DoPower, wire.DoRestartPlayer:
		return true
	case wire.DoReboot:
		return g.boot != ""
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

func (g *goal) shownBy(s *wire.State, since time.Time, read *time.Time) (seen, bool) {
	switch g.kind {
	case wire.DoPower:
		return g.powerShownBy(s, since, read)
	case wire.DoPlaylist:
		shown := g.visible() && s.Player.Playlist == g.playlist && s.Player.State == "playing"
		return seen{Player: s.Player.State, Playlist: s.Player.Playlist}, shown
	case wire.DoRestartPlayer:
		runs := s.Player.State == "playing" || s.Player.State == "slate"
		return seen{Player: s.Player.State, Playlist: s.Player.Playlist}, runs
	case wire.DoReboot:
		return seen{Boot: s.Boot}, g.visible() && s.Boot != g.boot
	}
	return seen{}, false
}

// powerShownBy wants the panel read back as it is meant to be, and that by the rule which the wish calls for: a panel
// that the schedule holds dark is no blackout.
func (g *goal) powerShownBy(s *wire.State, since time.Time, read *time.Time) (seen, bool) {
	e := seen{Power: s.Panel.Power, VerifiedAt: read, Rule: s.Want.Rule}
	fits := read != nil && !read.Before(since) && e.Power == s.Want.Panel && slices.Contains(rulesOf(g.power), e.Rule)
	switch g.power {
	case wire.WishOn:
		return e, fits && e.Power == "on"
	case wire.WishOff, wire.WishBlackout:
		return e, fits && e.Power == "off"
	case wire.WishSafe:
		e.Player = s.Player.State
		return e, fits && e.Power == "on" && s.Want.Show == "slate" && e.Player == "slate"
	case wire.WishSchedule:
		return e, fits
	}
	return e, false
}

// rulesOf are the rules of a display's decision by which a wish can hold.
func rulesOf(w wire.PowerWish) []string {
	switch w {
	case wire.WishOn, wire.WishOff:
		return []string{"department"}
	case wire.WishBlackout, wire.WishSafe:
		return []string{string(w)}
	case wire.WishSchedule:
		return []string{"schedule", "no-time", "local"} // what is left when the department wishes nothing
	}
	return nil
}
