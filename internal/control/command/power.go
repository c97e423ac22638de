package command

import (
	"context"
	"time"

	"bangtin/internal/wire"
)

const (
	powerMargin = 30 * time.Second // beside the panel's own settling time: a repetition, two readings
	powerMost   = 3 * time.Minute
)

// PowerEvidence is what the panel was read back as, and which rule of the decision held then.
type PowerEvidence struct {
	Panel      string     `json:"panel"`                 // unknown, off, on, warming or cooling
	VerifiedAt *time.Time `json:"verified_at,omitempty"` // when that was read; absent if never
	Rule       string     `json:"rule"`
	Why        string     `json:"why"`             // of the rule
	Error      string     `json:"error,omitempty"` // of the last attempt on the panel
}

// power waits until the panel was read back as was wished. The wish itself stands since the command was taken, and goes
// on standing until its end where this fails.
func (c *Commands) power(ctx context.Context, kept *slot, beat func()) outcome {
	args, err := kept.Command.Power()
	if err != nil {
		return failed("unreadable", nil)
	}
	if !next(ctx, c.cfg.Display, nil) { // a decision that knows of the wish
		return outcome{}
	}
	state := c.cfg.Display.State()
	from := state.At
	limit := time.NewTimer(min(c.cfg.Display.Settle(state.Want.Panel == "on")+powerMargin, powerMost))
	defer limit.Stop()
	for {
		beat()
		state = c.cfg.Display.State()
		if state.At.Before(from) {
			from = state.At // the clock was set back
		}
		evidence := powerEvidence(state)
		read := state.Panel.VerifiedAt != nil && state.Panel.VerifiedAt.After(from)
		switch {
		case c.cfg.Orders.Standing() != kept.Digest:
			return failed("superseded", evidence)
		case overruled(args.State, state.Want):
			return failed("overruled", evidence)
		case read && state.Panel.Power == state.Want.Panel && (args.State != wire.WishSafe || state.Player.State == "slate"):
			return done(evidence)
		}
		if !next(ctx, c.cfg.Display, limit.C) {
			return failed(dark(state, read), evidence)
		}
	}
}

// next waits for the next decision. It is false where ctx ends or limit comes first.
func next(ctx context.Context, d Display, limit <-chan time.Time) bool {
	select {
	case <-d.Next():
		return true
	case <-limit:
	case <-ctx.Done():
	}
	return false
}

// overruled holds where what is wanted of the display is not what the command wished: fire safety, or people on site.
func overruled(wish wire.PowerWish, want wire.WantState) bool {
	switch wish {
	case wire.WishOn:
		return want.Panel != "on"
	case wire.WishSafe:
		return want.Panel != "on" || want.Show != "slate"
	case wire.WishOff, wire.WishBlackout:
		return want.Panel != "off"
	}
	return false // the schedule, and whatever else stands then, is what was wished
}

// dark says why a panel was not seen to obey.
func dark(state wire.State, read bool) string {
	switch {
	case state.Panel.Error != "":
		return "panel-failed" // it does not answer, or refuses: the evidence has its error
	case !read:
		return "panel-unverified" // it cannot be read back
	case state.Panel.Power != state.Want.Panel:
		return "panel-disobeys"
	}
	return "player-silent" // the panel is on, and the safe picture not on it
}

func powerEvidence(s wire.State) PowerEvidence {
	return PowerEvidence{
		Panel: s.Panel.Power, VerifiedAt: s.Panel.VerifiedAt, Rule: s.Want.Rule, Why: s.Want.Reason, Error: s.Panel.Error,
	}
}
