package control

import (
	"slices"
	"time"

	"bangtin/internal/journal"
)

const (
	// undatedFor is how long after the time became trusted the beginning of a run may still be dated anew: the first
	// server that said the time may have been the wrong one.
	undatedFor = 15 * time.Minute
	// undatedRoom bounds what is remembered of a run whose time is not known. A week without a fault is two stretches.
	// Beyond it the two neighbours that are shortest together become one, as the worse of both: nothing is ever
	// counted as on air that was not.
	undatedRoom = 2048
)

// An undated remembers what held since the beginning of a run, by whole seconds of the monotonic clock, until it is
// sure which seconds of the wall clock they were.
type undated struct {
	begun bool
	from  int64 // first second
	sec   int64 // the second being observed
	worst Status
	held  Status
	last  time.Duration
	runs  []stretch // adjoining, up to sec

	low, high time.Duration // wall time minus monotonic time, of what was booked
	trusted   time.Duration // since when; only where sure
	sure      bool          // a trusted time came
	over      bool          // nothing will be dated anew any more
}

// A stretch is [from, to) in seconds of the monotonic clock.
type stretch struct {
	from, to int64
	Status
}

// zero is what the monotonic clock's zero was on the wall, since 1970.
func zero(at journal.Stamp) time.Duration { return time.Duration(at.Wall.UnixNano()) - at.Mono }

func trusted(t journal.TimeTrust) bool { return t == journal.Synchronised || t == journal.Signed }

// misdated reports whether what was booked so far belongs to other seconds, as the now trusted time of at shows.
func (u *undated) misdated(at journal.Stamp) bool {
	o := zero(at)
	return u.begun && !u.over && trusted(at.Trust) && ((o-u.low).Abs() > ledgerStep || (o-u.high).Abs() > ledgerStep)
}

// observe notes that s holds from at on.
func (u *undated) observe(at journal.Stamp, s Status) {
	if u.over {
		return
	}
	s = s.dated()
	o, sec := zero(at), int64(at.Mono/time.Second)
	if !u.begun {
		u.begun, u.from, u.sec, u.worst, u.low, u.high = true, sec, sec, s, o, o
	} else {
		u.advance(at, sec, s)
	}
	u.low, u.high = min(u.low, o), max(u.high, o)
	u.worst, u.held, u.last = worse(u.worst, s), s, at.Mono
	if !trusted(at.Trust) {
		return
	}
	if !u.sure {
		u.sure, u.trusted = true, at.Mono
	}
	if at.Mono-u.trusted > undatedFor {
		*u = undated{over: true}
	}
}

// advance closes the seconds before sec.
func (u *undated) advance(at journal.Stamp, sec int64, s Status) {
	since := u.held
	if at.Mono-u.last > ledgerGap {
		since = Status{State: journal.Lost, Cause: journal.CauseControllerDown, Rule: u.held.Rule}
	}
	if sec > u.sec {
		u.add(stretch{u.sec, u.sec + 1, worse(u.worst, since)})
		u.add(stretch{u.sec + 1, sec, since})
		u.sec, u.worst = sec, s
		if at.Mono%time.Second > 0 {
			u.worst = since // this second began with it
		}
	}
}

func (u *undated) add(s stretch) {
	if s.from >= s.to {
		return
	}
	if last := len(u.runs) - 1; last >= 0 && u.runs[last].Status == s.Status {
		u.runs[last].to = s.to
		return
	}
	u.runs = append(u.runs, s)
	if len(u.runs) > undatedRoom {
		u.join()
	}
}

// join makes the two neighbours that are shortest together one, and those beside them where they now say the same.
func (u *undated) join() {
	best := 0
	for i := range len(u.runs) - 1 {
		if u.runs[i+1].to-u.runs[i].from < u.runs[best+1].to-u.runs[best].from {
			best = i
		}
	}
	joined := stretch{u.runs[best].from, u.runs[best+1].to, worse(u.runs[best].Status, u.runs[best+1].Status)}
	from, to := best, best+2
	if from > 0 && u.runs[from-1].Status == joined.Status {
		from--
		joined.from = u.runs[from].from
	}
	if to < len(u.runs) && u.runs[to].Status == joined.Status {
		joined.to = u.runs[to].to
		to++
	}
	u.runs = slices.Replace(u.runs, from, to, joined)
}

// redated forgets the seconds at which things were booked before: from now on they are booked at those of at.
func (u *undated) redated(at journal.Stamp) { u.low, u.high = zero(at), zero(at) }

// Misdated reports whether at.Wall is the first trusted time of this run, or near it, and shows that what was booked
// since the run began belongs to other seconds. Observe then books it there; step is how far the wall clock moved.
func (l *Ledger) Misdated(at journal.Stamp) (step time.Duration, wrong bool) {
	if !l.undated.misdated(at) {
		return 0, false
	}
	return zero(at) - zero(l.last), true
}

// redate takes back what this run has booked and books it at the seconds in which it happened. What lies between the
// books of the last run and the true beginning of this one is down.
func (l *Ledger) redate(at journal.Stamp) {
	now := at.Wall.Unix()
	shift := now - l.undated.sec
	start := l.undated.from + shift
	first := min(l.from0, start)
	if first < l.sec {
		l.void(first, RuleNoTime)
	}
	l.countAgain(l.before, first)
	switch from := l.downFrom(start); {
	case l.down == "", start-from > int64(plausible/time.Second):
		l.skip(max(start, first))
	case from < start:
		l.account(from, start, Status{State: journal.Lost, Cause: l.down, Rule: RuleSchedule})
	}
	for _, r := range l.undated.runs {
		l.account(r.from+shift, r.to+shift, r.Status)
	}
	l.sec, l.worst = now, l.undated.worst
	l.undated.redated(at)
}

// downFrom is where the time begins in which nothing ran before start. Of a journal that was lost no more than the day
// is missed.
func (l *Ledger) downFrom(start int64) int64 {
	if l.down != journal.CauseAccountingLost {
		return l.from0
	}
	day, _ := l.schedule.Day(time.Unix(start, 0))
	return day.Unix()
}
