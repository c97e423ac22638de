package control

import (
	"slices"

	"bangtin/internal/journal"
)

// doubtRoom is over how many closed segments a doubt reaches back: the slowest proof is 24 min old when it falls (pulses of
// 5 W at 1000 a kWh), and 1024 is a change every 1.4 s of them.
const doubtRoom = 1024

// claims reports whether state says more than s.
func claims(state journal.Airtime, s Status) bool {
	return state == journal.OnAir && s.State != journal.OnAir || state == journal.Unverified && s.State == journal.Lost
}

// Doubt books what this run has claimed from second from on as s instead: what proved the claim turned out to be older
// than that. What says no more than s stays as it is. Closed segments are declared void and booked anew. It does not reach
// over a clock that was stepped forward by years, nor further than doubtRoom segments.
func (l *Ledger) Doubt(from int64, s Status) {
	l.undated.doubt(l.sec-from, s)
	if !l.begun || from > l.sec {
		return
	}
	l.worst = worse(l.worst, s)
	segments := slices.Concat(l.closed, []journal.Segment{l.open})
	doubtful := func(seg journal.Segment) bool { return max(from, seg.From) < seg.To && claims(seg.State, s) }
	first := slices.IndexFunc(segments, doubtful)
	if first < 0 {
		return
	}
	from, worst, end := max(from, segments[first].From), l.worst, l.sec
	if first == len(l.closed) { // nobody has recorded it yet
		l.open.To = from
		l.recount(from)
	} else {
		l.void(from, s.Rule)
	}
	for _, seg := range segments[first:] {
		held := Status{State: seg.State, Cause: seg.Cause, Rule: Rule(seg.Rule)}
		if doubtful(seg) {
			held.State, held.Cause = s.State, s.Cause
		}
		l.account(max(from, seg.From), seg.To, held)
	}
	l.sec, l.worst = end, worst
}

// close ends seg, and remembers it for a doubt.
func (l *Ledger) close(seg journal.Segment) {
	l.done = append(l.done, seg)
	l.closed = append(l.closed, seg)
	if len(l.closed) > doubtRoom {
		l.closed = slices.Delete(l.closed, 0, len(l.closed)-doubtRoom)
	}
}

// reopen forgets what was closed from second from on.
func (l *Ledger) reopen(from int64) {
	l.closed = slices.DeleteFunc(l.closed, func(s journal.Segment) bool { return s.From >= from })
	for i := range l.closed {
		l.closed[i].To = min(l.closed[i].To, from)
	}
}

// doubt puts s in place of what claims more within the last n seconds.
func (u *undated) doubt(n int64, s Status) {
	from := u.sec - n
	doubtful := func(r stretch) bool { return max(from, r.from) < r.to && claims(r.State, s) }
	if u.over || !slices.ContainsFunc(u.runs, doubtful) {
		return
	}
	runs := u.runs
	u.runs = nil
	for _, r := range runs {
		if doubtful(r) {
			u.add(stretch{r.from, from, r.Status})
			r.from, r.State, r.Cause = max(from, r.from), s.State, s.Cause
		}
		u.add(r)
	}
	u.worst = worse(u.worst, s)
}
