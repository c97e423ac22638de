package control

import (
	"cmp"
	"slices"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
	"bangtin/media"
)

// What the Ledger believes of the time between two observations. The loop observes at least every second.
const (
	ledgerGap  = 10 * time.Second // longer unobserved than this was not seen at all
	ledgerStep = 2 * time.Second  // wall and monotonic time drifting apart by more between two ticks is a step
)

// A Ledger accounts for every second: each belongs to exactly one segment, each inside a window counts as on
// air, unverified or lost, and each lost one has a cause. A second in which several things held counts as the
// worst of them, so a fraction of a second in the dark is a whole second lost.
//
// A wall clock that steps forward leaves seconds nobody can tell anything of: lost, clock-untrusted. One that
// steps back has shown that what was booked for the seconds after it belonged to other moments: that is declared
// void, and they are booked anew as they are lived. Where the time of a run was a guess until it became trusted, what
// was booked meanwhile is void too, and booked anew at the seconds in which it happened.
//
// It does no I/O and is not safe for concurrent use.
type Ledger struct {
	schedule media.Schedule
	moment   media.Moment // of the schedule, valid until its NextChange
	from     int64        // first second moment is valid for

	begun bool
	from0 int64           // where the books of the last run end
	down  journal.Cause   // for the time between the last run and the first observation; empty when there was none
	sec   int64           // the second being observed; everything before it is accounted for
	worst Status          // of what held within sec so far
	held  Status          // what holds since the last observation
	last  journal.Stamp   // of the last observation
	open  journal.Segment // To is sec once anything was accounted for
	done  []journal.Segment
	day   day

	undated undated
	closed  []journal.Segment // the newest ones that were recorded, in order, for Doubt
	before  []journal.Segment // of the last run, up to from0
	today   []journal.Segment // what day counts, so that it can be counted again; closed and open ones
}

// day counts the seconds of one local day.
type day struct {
	from, to int64
	onAir    int64
	blind    int64
	lost     map[journal.Cause]int64
}

// NewLedger continues the books at second from. What lies between from and the first observation inside a
// window is lost with the cause down, which is empty where there was no run before. before are the segments of the
// day so far, for today's totals, and of later days where the last run was ahead; open is the one the last run left
// open, its To being from, or zero.
func NewLedger(schedule media.Schedule, from int64, down journal.Cause, before []journal.Segment, open journal.Segment) *Ledger {
	l := &Ledger{schedule: schedule, sec: from, from0: from, down: down, open: open}
	l.before = slices.Concat(before, []journal.Segment{open})
	l.startDay(from)
	for _, s := range l.before {
		l.count(s)
	}
	return l
}

// Observe notes that s holds from at on, and returns the segments that this closed, void ones among them.
func (l *Ledger) Observe(at journal.Stamp, s Status) []journal.Segment {
	_, wrong := l.Misdated(at)
	l.undated.observe(at, s)
	if wrong {
		l.redate(at)
	} else {
		l.book(at, s)
	}
	l.begun = true
	l.worst = worse(l.worst, s)
	l.held, l.last = s, at
	done := l.done
	l.done = nil
	return done
}

// book accounts for the time up to at.
func (l *Ledger) book(at journal.Stamp, s Status) {
	now := at.Wall.Unix()
	if l.sec-now > int64(ledgerStep/time.Second) {
		l.void(now, RuleNoTime)
	}
	if now-l.sec > int64(plausible/time.Second) {
		l.skip(now)
	}
	unseen := l.unseen(at)
	if now > l.sec {
		if l.begun {
			l.account(l.sec, l.sec+1, worse(l.worst, unseen))
			l.sec++
		}
		l.account(l.sec, now, unseen)
		l.sec, l.worst = now, s
		if at.Wall.Nanosecond() > 0 {
			l.worst = unseen // this second began with it
		}
	}
	if l.worst.State == "" {
		l.worst = s
	}
}

// void takes back everything booked from second now on.
func (l *Ledger) void(now int64, rule Rule) {
	end := l.sec
	if l.open.To = min(l.open.To, now); l.open.To > l.open.From {
		l.close(l.open)
	}
	l.reopen(now)
	l.done = append(l.done, journal.Segment{From: now, To: end, State: journal.Void, Rule: string(rule)})
	l.open, l.sec, l.worst = journal.Segment{}, now, Status{}
	l.recount(now)
}

// skip begins anew at second now: nobody owes airtime for years that only a broken clock has seen.
func (l *Ledger) skip(now int64) {
	if l.open.To > l.open.From {
		l.done = append(l.done, l.open)
	}
	l.open, l.sec, l.worst, l.closed = journal.Segment{}, now, Status{}, nil
	l.startDay(now)
}

// recount counts today's segments again up to second end.
func (l *Ledger) recount(end int64) {
	l.countAgain(l.today, end)
}

// countAgain counts segments anew up to second end.
func (l *Ledger) countAgain(segments []journal.Segment, end int64) {
	l.startDay(max(end-1, 0))
	for _, s := range segments {
		if s.To = min(s.To, end); s.From < s.To {
			l.count(s)
		}
	}
}

// unseen is what the time since the last observation counts as.
func (l *Ledger) unseen(at journal.Stamp) Status {
	elapsed := at.Mono - l.last.Mono
	switch {
	case !l.begun:
		return Status{State: journal.Lost, Cause: cmp.Or(l.down, journal.CauseControllerDown), Rule: RuleSchedule}
	case at.Wall.Sub(l.last.Wall)-elapsed > ledgerStep:
		return Status{State: journal.Lost, Cause: journal.CauseClockUntrusted, Rule: l.held.Rule}
	case elapsed > ledgerGap:
		return Status{State: journal.Lost, Cause: journal.CauseControllerDown, Rule: l.held.Rule}
	}
	return l.held
}

// Stepped is how far the wall clock moved against the monotonic one since the last observation; zero when that
// is no more than drift.
func (l *Ledger) Stepped(at journal.Stamp) time.Duration {
	if !l.begun {
		return 0
	}
	d := at.Wall.Sub(l.last.Wall) - (at.Mono - l.last.Mono)
	if d.Abs() <= ledgerStep {
		return 0
	}
	return d
}

// account books [from, to), cut at the edges of the windows.
func (l *Ledger) account(from, to int64, s Status) {
	for from < to {
		if from < l.from || !time.Unix(from, 0).Before(l.moment.NextChange) {
			l.moment, l.from = l.schedule.At(time.Unix(from, 0)), from
		}
		end := min(to, l.moment.NextChange.Unix())
		seg := journal.Segment{From: from, To: end, State: s.State, Cause: s.Cause, Rule: string(s.Rule)}
		if !l.moment.InWindow {
			seg.State, seg.Cause = journal.Idle, ""
		}
		l.add(seg)
		from = end
	}
}

// add joins seg to the open segment, or closes that and opens seg.
func (l *Ledger) add(seg journal.Segment) {
	l.count(seg)
	o := &l.open
	if o.To == seg.From && o.To > o.From && o.State == seg.State && o.Cause == seg.Cause && o.Rule == seg.Rule {
		o.To = seg.To
		return
	}
	if o.To > o.From {
		l.close(*o)
	}
	*o = seg
}

// count adds seg to today's totals. A later day begins them anew.
func (l *Ledger) count(seg journal.Segment) {
	for seg.To > l.day.to {
		seg.From = max(seg.From, l.day.to)
		l.startDay(seg.From)
	}
	seg.From = max(seg.From, l.day.from)
	n := seg.To - seg.From
	if n <= 0 || seg.State == journal.Idle {
		return
	}
	if last := len(l.today) - 1; last >= 0 && l.today[last].To == seg.From && l.today[last].State == seg.State && l.today[last].Cause == seg.Cause {
		l.today[last].To = seg.To
	} else {
		l.today = append(l.today, seg)
	}
	switch seg.State {
	case journal.OnAir:
		l.day.onAir += n
	case journal.Unverified:
		l.day.blind += n
	case journal.Lost:
		l.day.lost[seg.Cause] += n
	}
}

func (l *Ledger) startDay(sec int64) {
	from, to := l.schedule.Day(time.Unix(sec, 0))
	l.day = day{from: from.Unix(), to: to.Unix(), lost: map[journal.Cause]int64{}}
	l.today = nil
}

// Books is where the accounts stand: everything before At is accounted for, and Open runs up to it.
func (l *Ledger) Books() (at int64, open journal.Segment) { return l.sec, l.open }

// Airtime is what was owed and delivered since local midnight.
func (l *Ledger) Airtime() wire.AirtimeState {
	a := wire.AirtimeState{DeliveredS: l.day.onAir, UnverifiedS: l.day.blind, Lost: []wire.Lost{}}
	a.RequiredS = a.DeliveredS + a.UnverifiedS
	for _, c := range journal.Causes() {
		if n := l.day.lost[c]; n > 0 {
			a.Lost = append(a.Lost, wire.Lost{Cause: string(c), S: n})
			a.RequiredS += n
		}
	}
	return a
}

// worse is the worse of two states; of two lost ones the first, because it came first.
func worse(a, b Status) Status {
	order := []journal.Airtime{journal.OnAir, journal.Unverified, journal.Lost}
	if slices.Index(order, b.State) > slices.Index(order, a.State) {
		return b
	}
	return a
}
