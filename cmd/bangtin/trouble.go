package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bangtin/internal/wire"
)

const (
	outboxMuch  = 500 // records that wait for the centre; a display makes some 200 an hour
	outboxRises = 3   // states in a row with a longer outbox: nobody takes the records
	maxAlarms   = 20  // of one display that are kept
	offAir      = 5   // heartbeats that become one while the panel is meant to be off (PROTOCOL.md)
)

// A sight is what is known of one display, as far as it is watched. Times are by our clock but for those in state.
type sight struct {
	gate  string
	conn  string    // of the last birth or will; empty when there was none
	gone  time.Time // when a will was heard live; zero when the broker kept it
	life  time.Time // the last sign of life
	state *wire.State
	rises int    // states in a row that had more in the outbox than the one before
	ought string // id@version that the department published for it; empty when unknown

	newest    uint64 // trust document that any display goes by; see wall.look
	published bool   // something was
}

// unseen: the broker has nothing of the display's own.
func (s *sight) unseen() bool { return s.conn == "" && s.state == nil }

// takeConn notes a birth, an off or a will.
func (s *sight) takeConn(c *wire.Conn, retained bool, now time.Time) {
	s.conn, s.gone = c.State, time.Time{}
	switch {
	case retained:
	case c.State == wire.Online:
		s.life = now
	default:
		s.gone = now
	}
}

// takeState keeps what is watched. What the broker kept is as old as it says, and never from the future.
func (s *sight) takeState(st *wire.State, retained bool, now time.Time) {
	switch {
	case s.state == nil || st.Outbox.Depth < s.state.Outbox.Depth:
		s.rises = 0
	case st.Outbox.Depth > s.state.Outbox.Depth:
		s.rises++
	}
	life := now
	if retained && st.At.Before(now) {
		life = st.At
	}
	if life.After(s.life) {
		s.life = life
	}
	st.Alarms = slices.Clip(st.Alarms[:min(len(st.Alarms), maxAlarms)])
	st.Temperatures, st.Airtime.Lost = nil, nil
	s.state, s.gate = st, st.Gate
}

// A trouble is one thing that is wrong with a display.
type trouble struct {
	code  string // stable, for programs
	what  phrase
	alarm string // which of the display's, where it is one
}

// hours are the windows in which a display must be lit, in minutes of the day.
type hours []struct{ from, to int }

// parseHours reads windows such as 07:00-11:00.
func parseHours(windows []string) (hours, error) {
	var h hours
	for _, w := range windows {
		from, to, ok := strings.Cut(w, "-")
		a, errA := minuteOf(from)
		b, errB := minuteOf(to)
		if !ok || errA != nil || errB != nil || a >= b {
			return nil, &problem{field: "--window", what: say("%q is not a window", w), remedy: say("write it as 07:00-11:00, several times"), usage: true}
		}
		h = append(h, struct{ from, to int }{a, b})
	}
	return h, nil
}

// minuteOf reads a time of day. 24:00 ends a day, as in a site file.
func minuteOf(text string) (int, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err
}

func (h hours) hold(local time.Time) bool {
	m := local.Hour()*60 + local.Minute()
	return slices.ContainsFunc(h, func(w struct{ from, to int }) bool { return m >= w.from && m < w.to })
}

// troubles lists what is wrong, or nothing. A display that does not speak has no other trouble: what it said last is
// no longer known to be so.
func (p *Program) troubles(s *sight, h hours, now time.Time, silence time.Duration) []trouble {
	if t, away := p.away(s, now, silence); away {
		return []trouble{t}
	}
	var all []trouble
	add := func(code string, what phrase) { all = append(all, trouble{code: code, what: what}) }
	st := s.state
	if st == nil {
		return nil // it was born just now; its state follows
	}
	dark := h.hold(now) && st.Dark() != ""
	if dark {
		add("dark", p.darkWords(st))
	}
	if st.Panel.Error != "" {
		add("panel", say("panel: %s", visible(st.Panel.Error)))
	}
	lit := st.Want.Panel == "on" && st.Want.Show == "programme"
	if lit && !dark && st.Player.State != "playing" {
		add("player", say("the player is %s", p.text(playerWord(st.Player.State))))
	}
	if lit && s.ought != "" && st.Player.Playlist != s.ought {
		add("playlist", say("plays %s, but %s was published", or(visible(st.Player.Playlist), "-"), visible(s.ought)))
	}
	for _, a := range st.Alarms {
		all = append(all, trouble{"alarm", say("alarm: %s", p.reasonWords(a)), a})
	}
	if st.Time.Trust != "synchronised" && st.Time.Trust != "signed" {
		add("clock", say("its clock cannot be trusted (%s)", visible(st.Time.Trust)))
	}
	if st.TrustVersion != 0 && st.TrustVersion < s.newest {
		add("trust", say("goes by trust document %d, others by %d already", st.TrustVersion, s.newest))
	}
	if st.Outbox.Depth >= outboxMuch || s.rises >= outboxRises {
		add("outbox", say("records wait for the centre, and more and more"))
	}
	return all
}

// darkWords say to people what [wire.State.Dark] found, which decides.
func (p *Program) darkWords(st *wire.State) phrase {
	power, rule, reason := st.Panel.Power, p.text(ruleWord(st.Want.Rule)), p.localTimes(visible(st.Want.Reason))
	switch {
	case st.Player.State != "playing" && (power == "on" || power == "unknown"):
		return say("DARK inside its window: the player is %s, %s: %s", p.text(playerWord(st.Player.State)), rule, reason)
	case power == "on":
		return say("DARK inside its window: panel not read back since %s, %s: %s", p.moment(*st.Panel.VerifiedAt), rule, reason)
	}
	return say("DARK inside its window: panel %s, %s: %s", p.text(powerWord(power)), rule, reason)
}

// away tells whether the display is not there to be asked.
func (p *Program) away(s *sight, now time.Time, silence time.Duration) (trouble, bool) {
	since := s.gone
	if since.IsZero() && !s.life.IsZero() {
		since = s.life
	}
	when := p.text(say("nobody knows when"))
	if !since.IsZero() {
		when = p.moment(since)
	}
	if s.state != nil && s.state.Want.Panel == "off" {
		silence *= offAir
	}
	switch {
	case s.unseen():
		return trouble{code: "never-seen", what: say("never seen, though a playlist was published for it")}, true
	case s.conn == wire.Gone:
		return trouble{code: "lost", what: say("connection lost since %s", when)}, true
	case s.conn == wire.Off:
		return trouble{code: "off", what: say("stopped in good order since %s", when)}, true
	case now.Sub(s.life) > silence:
		return trouble{code: "silent", what: say("silent since %s", when)}, true
	}
	return trouble{}, false
}

// key tells troubles apart from those of the last look.
func (p *Program) key(all []trouble) string {
	var b strings.Builder
	for _, t := range all {
		fmt.Fprintf(&b, "%s %s\n", t.code, p.text(t.what))
	}
	return b.String()
}
