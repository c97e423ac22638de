package control

import (
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
)

// A Draw is what the panel's watts prove.
type Draw string

const (
	DrawUnknown Draw = ""     // nothing: no meter, a faulty or silent one, or a value that a lit and a dark panel can have
	DrawLit     Draw = "lit"  // as much as a lit picture takes
	DrawDark    Draw = "dark" // no more than standby
)

// noPanel is what no panel that shows a picture gets by on: our judgement. The smallest e-paper or 7 inch LCD takes about as
// much; what a province hangs at a gate takes 50 W and more. From above there is no such number: an LED wall draws more
// in standby than a small panel does when lit.
const noPanel = 2 * physic.Watt

// Says is what a reading of the meter proves. A reading that is not good proves nothing.
func (m Meter) Says(r hal.Reading) Draw {
	switch {
	case r.Kind != hal.Meter || r.Quality != hal.QualityGood || r.Watts < 0:
		return DrawUnknown
	case m.Lit > 0 && r.Watts >= m.Lit:
		return DrawLit
	case r.Watts <= m.standby():
		return DrawDark
	}
	return DrawUnknown
}

// standby is the most that proves a panel dark.
func (m Meter) standby() physic.Power {
	if m.Dark == 0 && m.Lit == 0 {
		return noPanel
	}
	return m.Dark
}

// since is the reading as far as it is of the panel since it was switched, at from. The pulses of a small panel are minutes
// apart: the first of a window tells of the hours before it, and the last of it goes on telling of the lit panel after it.
// Until two came since from, they have not said anything of the panel as it is now; only their silence does, once it is too
// long for more than standby: by then Watts is no more either.
func (m Meter) since(now, from time.Time, r hal.Reading) hal.Reading {
	if r.Pulse == 0 || !r.From.Before(from) || r.Quality != hal.QualityGood {
		return r
	}
	silent := now.Sub(from)
	if r.At.After(from) {
		silent = now.Sub(r.At)
	}
	if silent.Seconds()*float64(m.standby()) < float64(r.Pulse) { // nanowatts, nanojoules
		r.Quality, r.Reason = hal.QualityUnknown, "no two pulses since the panel was switched"
	}
	return r
}

// A Finding is what the panel's protocol, its watts and its signal say together. The words are those of the incidents.
type Finding string

const (
	Agreed     Finding = ""
	LitButOff  Finding = "panel-lit-but-off"
	DarkButOn  Finding = "panel-dark-but-on"
	SignalLost Finding = "no-signal"
	InputWrong Finding = "input-wrong"
)

// Corroborate compares what a panel says of its power, or was told where it cannot be read back, with what it draws and with the signal it sees.
// wantOn is the present wish. It is pure; how long a disagreement has lasted is for others to see.
func Corroborate(now time.Time, wantOn bool, p PanelSeen, draw Draw) Finding {
	lit, dark := believed(now, wantOn, p)
	s := p.Told.Signal
	switch {
	case dark && draw == DrawLit:
		return LitButOff
	case lit && p.Told.Socket.Wrong: // before the light: this stands at once, and draws and signals as if all were well
		return InputWrong
	case lit && draw == DrawDark:
		return DarkButOn
	case lit && !s.Present && !s.At.IsZero(): // until it sees one again or goes off: silence takes nothing back
		return SignalLost
	}
	return Agreed
}

// believed is what the panel would be by its protocol alone; neither where nobody knows, or it is on its way.
func believed(now time.Time, wantOn bool, p PanelSeen) (lit, dark bool) {
	switch {
	case now.Before(p.SettlesAt):
		return false, false
	case p.Blind:
		return wantOn && p.Obeyed, !wantOn && !p.OffAt.IsZero()
	case now.Sub(p.ReadAt) > panelFresh:
		return false, false
	}
	return p.Power == hal.PowerOn, p.Power == hal.PowerOff
}

const (
	// contradictedAfter is how long watts must disagree before they are believed. The word of a pulse meter is as old as its
	// last pulse: at 1000 pulses a kWh a panel of 60 W gives one a minute.
	contradictedAfter = time.Minute
	// contradictedWait is how long before a person hears of it: a panel that goes off takes its time to fall to standby.
	contradictedWait = 2 * time.Minute
	// nudgeEvery is how often a panel that cannot be read back is told again to go off while it draws what a lit one does.
	nudgeEvery = time.Minute
)

// litStays is how far below Lit, in percent of it, a panel that drew as much goes on being lit: what it draws moves with
// the picture. Our judgement.
const litStays = 90

// Evidence is what the watts and the signal have shown so far. Times are process time.
type Evidence struct {
	Draw    Draw
	Finding Finding
	Since   time.Time // that Finding has held
	LitAt   time.Time // when what last said lit was measured
	AgreeAt time.Time // when what last did not contradict a lit panel was measured, or when nothing claimed that it was lit
	SawAt   time.Time // the same of the picture on its input
	// Proven says that who contradicts the panel has told the opposite before, or names what it shows instead. Without that
	// its word takes no more than the claim: the meter's shunt may be in no circuit, and some panels have no word for a
	// picture and answer no.
	Proven bool
	shone  bool // the meter has told more than a dark panel draws, while the panel was on; restarts do not end it
	saw    bool // the panel has seen a picture; restarts do not end it

	claim    Draw      // what the panel was by its protocol when that last said anything
	switched time.Time // when that became otherwise; zero before it did
}

// claimed notes what the panel is by its protocol.
func (e *Evidence) claimed(now time.Time, lit, dark bool) {
	claim := e.claim
	switch {
	case lit:
		claim = DrawLit
	case dark:
		claim = DrawDark
	}
	if claim != e.claim && e.claim != DrawUnknown {
		e.switched = now
	}
	e.claim = claim
}

// update looks at the newest observations. A meter that never told what a lit panel draws has no word for a dark one where
// nobody measured both.
func (e *Evidence) update(now time.Time, wantOn bool, p PanelSeen, m Meter, r hal.Reading) {
	lit, dark := believed(now, wantOn, p)
	e.claimed(now, lit, dark)
	r = m.since(now, e.switched, r)
	draw := m.Says(r)
	tells := r.Kind == hal.Meter && r.Quality == hal.QualityGood && draw != DrawDark
	e.shone = e.shone || lit && tells
	e.saw = e.saw || p.Told.Signal.Present
	if draw == DrawDark && !e.shone && (m.Lit == 0 || m.Dark == 0) {
		draw = DrawUnknown
	}
	if e.Draw == DrawLit && tells && r.Watts >= m.Lit*litStays/100 {
		draw = DrawLit
	}
	e.Draw = draw
	if draw == DrawLit {
		e.LitAt = r.At
	}
	f := Corroborate(now, wantOn, p, draw)
	if f == DarkButOn && !e.shone && e.saw && Corroborate(now, wantOn, p, DrawUnknown) == SignalLost {
		f = SignalLost // the proven word before the other
	}
	e.Proven = f == DarkButOn && e.shone || f == SignalLost && e.saw || f == InputWrong
	if f != e.Finding || e.Since.IsZero() {
		e.Finding, e.Since = f, now
	}
	if e.AgreeAt.IsZero() || unlit(now, wantOn, p) {
		e.AgreeAt, e.SawAt = now, now
	}
	if tells && r.At.After(e.AgreeAt) {
		e.AgreeAt = r.At
	}
	if seen := p.Told.Signal.SeenAt; seen.After(e.SawAt) {
		e.SawAt = seen
	}
}

// unlit says that nothing claims a lit panel. One that is silent claimed it before.
func unlit(now time.Time, wantOn bool, p PanelSeen) bool {
	return !wantOn || now.Before(p.SettlesAt) || p.Power == hal.PowerOff || p.Power == hal.PowerWarming
}

// stands reports whether the finding has held for so long that it is believed.
func (e Evidence) stands(now time.Time, f Finding) bool {
	if e.Finding != f {
		return false
	}
	return f == SignalLost || f == InputWrong || now.Sub(e.Since) >= contradictedAfter // the keeper has asked for the signal twice
}
