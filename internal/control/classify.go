package control

import (
	"errors"
	"time"

	"bangtin/hal"
	"bangtin/internal/journal"
	"bangtin/media"
)

// How old an observation may be and still prove something. The panel is read every 5 s: one reading may be missed
// and the next late. The player is looked at every second.
const (
	panelFresh  = 15 * time.Second
	playerFresh = 4 * time.Second
)

// Status is what the present second counts as, if a window owes it.
type Status struct {
	State journal.Airtime // OnAir, Unverified or Lost
	Cause journal.Cause   // set exactly when State is Lost
	Rule  Rule
	// Dated is OnAir or Unverified where that is what it is worth once it is known when it was; else empty.
	Dated journal.Airtime
}

// dated is what s is worth once it is known when it was.
func (s Status) dated() Status {
	if s.Dated == "" {
		return s
	}
	return Status{State: s.Dated, Rule: s.Rule}
}

// Seen is everything that was observed of the display.
type Seen struct {
	Trust   journal.TimeTrust // of the wall clock
	Panel   PanelSeen
	Player  media.Playing
	Mains   *bool     // nil when no sensor tells
	MainsAt time.Time // when Mains changed last
	Light   Evidence
}

// Classify says whether approved content is provably on the panel, and if not, the one cause. Where several
// things are wrong at once the one nearest to the root wins: a wish before the supply, the supply before the
// panel, the panel before the player. now is process time (with a monotonic reading), like all times in seen.
func Classify(now time.Time, want Want, content bool, seen Seen) Status {
	lost := func(c journal.Cause) Status { return Status{State: journal.Lost, Cause: c, Rule: want.Rule} }
	if c := wished(want); c != "" {
		return lost(c)
	}
	if !want.PanelOn && want.Rule == RuleSchedule {
		return lost(journal.CauseClockUntrusted) // outside the windows; it is owed only where the clock was wrong
	}
	if c := dark(now, seen); c != "" {
		return lost(c)
	}
	c := contradiction(now, seen)
	if c == journal.CauseNoSignal && content && seen.Player.State == media.PlayerDown {
		c = "" // it is the player that puts out no picture
	}
	if c != "" && seen.Light.Proven {
		return lost(c)
	}
	unproven := c != ""
	if c := playerCause(now, content, seen.Player); c != "" {
		return lost(c)
	}
	shown := Status{State: journal.OnAir, Rule: want.Rule}
	if unproven || seen.Panel.Blind && seen.Light.Draw != DrawLit {
		shown.State = journal.Unverified
	}
	if seen.Trust == journal.Untrusted { // nobody can say in which second
		return Status{State: journal.Lost, Cause: journal.CauseClockUntrusted, Rule: want.Rule, Dated: shown.State}
	}
	return shown
}

// dark is why the panel is not known to be lit; empty when it was read back as on, or obeyed and is blind.
// A reading from before the mains went away proves nothing about the panel after it, of the panel or of its watts; one from
// after it proves that the contact is wrong.
func dark(now time.Time, seen Seen) journal.Cause {
	p := seen.Panel
	unfed := seen.Mains != nil && !*seen.Mains
	if !p.Blind && p.Power == hal.PowerOn && now.Sub(p.ReadAt) <= panelFresh && !(unfed && p.ReadAt.Before(seen.MainsAt)) {
		return ""
	}
	glows := p.Blind && seen.Light.Draw == DrawLit
	switch {
	case unfed && !(glows && seen.Light.LitAt.After(seen.MainsAt)):
		return journal.CauseMainsLost
	case glows, p.Blind && p.Obeyed:
		return ""
	case p.Err == nil && p.ReadAt.IsZero() && !p.Blind, now.Before(p.SettlesAt), p.Power == hal.PowerWarming:
		return journal.CausePanelStarting
	case errors.Is(p.Err, hal.ErrRefused):
		return journal.CausePanelRefused
	case p.Err != nil, !p.Blind && now.Sub(p.ReadAt) > panelFresh:
		return journal.CausePanelSilent
	}
	return journal.CausePanelOff
}

// contradiction is why a panel that counts as lit by its protocol is not; empty when nothing says so.
func contradiction(now time.Time, seen Seen) journal.Cause {
	switch {
	case seen.Light.stands(now, InputWrong):
		return journal.CauseInputWrong
	case seen.Light.stands(now, DarkButOn) && seen.Panel.Blind:
		return journal.CausePanelOff // it never said otherwise
	case seen.Light.stands(now, DarkButOn):
		return journal.CauseContradicted
	case seen.Light.stands(now, SignalLost):
		return journal.CauseNoSignal
	}
	return ""
}

// wished is the cause when somebody or something wants no programme; empty when it is wanted. Outside the
// windows the panel is off by the schedule, which the Ledger counts as idle whatever the cause says.
func wished(want Want) journal.Cause {
	switch {
	case want.Rule == RuleFire:
		return journal.CauseSafety
	case want.Rule == RuleSafe, want.Rule == RuleBlackout:
		return journal.CauseDepartment
	case !want.PanelOn && want.Rule == RuleDepartment:
		return journal.CauseDepartment
	case !want.PanelOn && want.Rule == RuleLocal:
		return journal.CauseLocal
	}
	return ""
}

func playerCause(now time.Time, content bool, p media.Playing) journal.Cause {
	switch {
	case !content:
		return journal.CauseNoContent
	case p.At.IsZero():
		return journal.CausePlayerStarting
	case now.Sub(p.At) > playerFresh, p.State == media.PlayerDown:
		return journal.CausePlayerDown
	case p.State == media.PlayerStalled:
		return journal.CausePlayerStalled
	case p.State == media.PlayerPlaying:
		return ""
	}
	return journal.CausePlayerStarting // also the slate, while the programme is on its way
}
