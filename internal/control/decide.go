package control

import (
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
	"bangtin/media"
)

// Rule names the rule of Decide that won, highest precedence first.
type Rule string

const (
	RuleFire       Rule = "fire"       // smoke or over-temperature, latched until a person clears it
	RuleBlackout   Rule = "blackout"   // the department: panel off, whatever anybody on site wants
	RuleSafe       Rule = "safe"       // the department: the built-in picture
	RuleLocal      Rule = "local"      // key switch or console
	RuleDepartment Rule = "department" // the department: on or off for a time
	RuleNoTime     Rule = "no-time"    // nobody knows what time it is: better lit than dark
	RuleSchedule   Rule = "schedule"   // the airtime windows
)

// Show is what shall be on the output.
type Show string

const (
	ShowProgramme Show = "programme"
	ShowSlate     Show = "slate" // the built-in picture, which needs no content and no decoding effort
)

// An Override is one person's wish, with its end.
type Override struct {
	State  wire.PowerWish `json:"state"`
	Until  time.Time      `json:"until"`
	Reason string         `json:"reason"`
	By     string         `json:"by"`               // people or unix user
	Digest string         `json:"digest,omitempty"` // of the signed order
	Keys   []string       `json:"keys,omitempty"`   // ids of the keys that signed it
	Role   string         `json:"role,omitempty"`   // that they signed it as; empty for power
	Boot   string         `json:"boot,omitempty"`   // run of the daemon in which a local one was given
	Ends   time.Duration  `json:"ends,omitempty"`   // its end on that run's monotonic clock
	For    time.Duration  `json:"for,omitempty"`    // of the key switch: how long it holds
}

// in reports whether the override holds at now.
func (o *Override) in(now time.Time) bool { return o != nil && now.Before(o.Until) }

// Inputs is everything Decide looks at.
type Inputs struct {
	Now        time.Time
	Trust      journal.TimeTrust
	Moment     media.Moment // of the schedule at Now
	Fire       string       // why the fire latch is set; empty when it is not
	Department *Override    // the order that stands, nil for none
	Local      *Override
	Content    bool    // an approved programme is ready
	Levels     []Level // of brightness, by the time of day in Now's zone
	Hot        bool    // the panel is too warm for its full brightness
}

// Want is what the keepers shall make true.
type Want struct {
	PanelOn    bool
	Brightness int  // percent; LeaveBrightness where nobody asks for any
	Hot        bool // Brightness is an upper limit
	Show       Show
	Relay      bool // closed: the panel is fed
	Rule       Rule
	Reason     string // one English line for a person who asks why
}

// Decide says what shall be, and which rule says so. It is pure: the same inputs give the same answer, on
// whatever path they were reached, so a controller that boots at 09:12 wants what one that ran all day wants.
func Decide(in Inputs) Want {
	w := in.decide()
	w.Brightness = LeaveBrightness
	if !w.PanelOn {
		return w
	}
	if in.Trust != journal.Untrusted { // who does not know the hour does not know how light it is outside
		w.Brightness = brightnessAt(in.Levels, in.Now)
	}
	if in.Hot {
		w.Hot = true
		if w.Brightness == LeaveBrightness || w.Brightness > heatCap {
			w.Brightness = heatCap
		}
	}
	return w
}

func (in Inputs) decide() Want {
	switch {
	case in.Fire != "":
		return Want{Show: ShowSlate, Rule: RuleFire, Reason: in.Fire}
	case in.Department.in(in.Now) && in.Department.State == wire.WishBlackout:
		return off(RuleBlackout, in.Department)
	case in.Department.in(in.Now) && in.Department.State == wire.WishSafe:
		return Want{PanelOn: true, Show: ShowSlate, Relay: true, Rule: RuleSafe, Reason: in.Department.reason()}
	case in.holds(in.Local):
		return in.obey(RuleLocal, in.Local)
	case in.holds(in.Department):
		return in.obey(RuleDepartment, in.Department)
	case in.Trust == journal.Untrusted:
		return in.lit(RuleNoTime, "the time is not known, so the display stays on")
	case in.Moment.InWindow:
		return in.lit(RuleSchedule, "inside the window that ends at "+in.Moment.End.Format("15:04"))
	case in.Moment.Lead:
		return in.lit(RuleSchedule, "warming up for the window that starts at "+in.Moment.Start.Format("15:04"))
	}
	return Want{Show: ShowSlate, Relay: true, Rule: RuleSchedule, Reason: "outside the windows"}
}

// holds reports whether an override for a time does. An "off" that ends before a window begins, or as it does, ends with
// the lead of that window: whoever wants it dark until seven wants it lit at seven.
func (in Inputs) holds(o *Override) bool {
	yields := in.Moment.Lead && in.Trust != journal.Untrusted
	return o.in(in.Now) && !(yields && o.State == wire.WishOff && !o.Until.After(in.Moment.Start))
}

func (in Inputs) obey(rule Rule, o *Override) Want {
	if o.State == wire.WishOn {
		return in.lit(rule, o.reason())
	}
	return off(rule, o)
}

func (in Inputs) lit(rule Rule, reason string) Want {
	w := Want{PanelOn: true, Show: ShowProgramme, Relay: true, Rule: rule, Reason: reason}
	if !in.Content {
		w.Show = ShowSlate
		w.Reason += "; no approved content is ready"
	}
	return w
}

func off(rule Rule, o *Override) Want {
	return Want{Show: ShowSlate, Relay: true, Rule: rule, Reason: o.reason()}
}

func (o *Override) reason() string {
	return string(o.State) + " by " + o.By + " until " + o.Until.UTC().Format(time.RFC3339) + ": " + o.Reason
}
