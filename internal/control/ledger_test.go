package control_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/journal"
)

// books replays observations at given seconds and gathers every segment, the open one included.
type books struct {
	t      *testing.T
	ledger *control.Ledger
	closed []journal.Segment
}

func (b *books) observe(wall time.Time, mono time.Duration, s control.Status) {
	b.t.Helper()
	b.closed = append(b.closed, b.ledger.Observe(journal.Stamp{Wall: wall, Mono: mono}, s)...)
}

func (b *books) all() []journal.Segment {
	_, open := b.ledger.Books()
	if open.To > open.From {
		return append(b.closed[:len(b.closed):len(b.closed)], open)
	}
	return b.closed
}

func (b *books) is(want ...journal.Segment) {
	b.t.Helper()
	got := b.all()
	if len(got) != len(want) {
		b.t.Fatalf("got %d segments %v, want %v", len(got), got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			b.t.Errorf("segment %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func onAir() control.Status { return control.Status{State: journal.OnAir, Rule: "schedule"} }

func lost(c journal.Cause) control.Status {
	return control.Status{State: journal.Lost, Cause: c, Rule: "schedule"}
}

func seg(from, to time.Time, s journal.Airtime, c journal.Cause) journal.Segment {
	return journal.Segment{From: from.Unix(), To: to.Unix(), State: s, Cause: c, Rule: "schedule"}
}

func newBooks(t *testing.T, from time.Time) *books {
	return &books{t: t, ledger: control.NewLedger(schedule(t), from.Unix(), journal.CauseControllerDown, nil, journal.Segment{})}
}

func TestLedgerASecondCountsAsItsWorst(t *testing.T) {
	start := at(t, "08:00:00")
	b := newBooks(t, start)
	b.observe(start, 0, onAir())
	b.observe(start.Add(2300*time.Millisecond), 2300*time.Millisecond, lost(journal.CausePlayerDown))
	b.observe(start.Add(2400*time.Millisecond), 2400*time.Millisecond, onAir())
	b.observe(start.Add(5*time.Second), 5*time.Second, onAir())
	b.is(
		seg(start, start.Add(2*time.Second), journal.OnAir, ""),
		seg(start.Add(2*time.Second), start.Add(3*time.Second), journal.Lost, journal.CausePlayerDown),
		seg(start.Add(3*time.Second), start.Add(5*time.Second), journal.OnAir, ""),
	)
}

func TestLedgerCutsAtTheWindow(t *testing.T) {
	start := at(t, "10:59:55")
	b := newBooks(t, start)
	b.observe(start, 0, onAir())
	b.observe(start.Add(9*time.Second), 9*time.Second, onAir())
	b.is(
		seg(start, at(t, "11:00:00"), journal.OnAir, ""),
		seg(at(t, "11:00:00"), at(t, "11:00:04"), journal.Idle, ""),
	)
}

func TestLedgerClosesTheTimeTheControllerWasDown(t *testing.T) {
	beat, boot := at(t, "10:00:00"), at(t, "10:03:00")
	before := []journal.Segment{seg(at(t, "07:00:00"), at(t, "09:00:00"), journal.OnAir, "")}
	open := seg(at(t, "09:00:00"), beat, journal.OnAir, "")
	b := &books{t: t, ledger: control.NewLedger(schedule(t), beat.Unix(), journal.CauseControllerMains, before, open)}
	b.observe(boot, 0, onAir())
	b.observe(boot.Add(time.Minute/12), time.Minute/12, onAir())
	b.is(open, seg(beat, boot, journal.Lost, journal.CauseControllerMains), seg(boot, boot.Add(5*time.Second), journal.OnAir, ""))
	a := b.ledger.Airtime()
	if a.RequiredS != 3*3600+180+5 || a.DeliveredS != 3*3600+5 || len(a.Lost) != 1 || a.Lost[0].S != 180 {
		t.Errorf("airtime of the day is %+v", a)
	}
}

func TestLedgerClockSteps(t *testing.T) {
	start := at(t, "08:00:00")
	last := start.Add(59 * time.Second) // the second in which the clock steps is not proved
	void := func(from, to time.Time) journal.Segment {
		return journal.Segment{From: from.Unix(), To: to.Unix(), State: journal.Void, Rule: "no-time"}
	}
	tests := []struct {
		name  string
		steps time.Duration // of the wall clock, after 60 s on air
		want  []journal.Segment
	}{
		{"forward: nobody can tell", 30 * time.Minute, []journal.Segment{
			seg(start, last, journal.OnAir, ""),
			seg(last, start.Add(31*time.Minute), journal.Lost, journal.CauseClockUntrusted),
			seg(start.Add(31*time.Minute), start.Add(32*time.Minute), journal.OnAir, ""),
		}},
		{"back within the minute: it is lived again", -30 * time.Second, []journal.Segment{
			seg(start, start.Add(30*time.Second), journal.OnAir, ""),
			void(start.Add(30*time.Second), last),
			seg(start.Add(30*time.Second), start.Add(90*time.Second), journal.OnAir, ""),
		}},
		{"back a day", -24 * time.Hour, []journal.Segment{
			void(start.Add(time.Minute-24*time.Hour), last),
			seg(start.Add(time.Minute-24*time.Hour), start.Add(2*time.Minute-24*time.Hour), journal.OnAir, ""),
		}},
		{"a second back is drift: nothing is counted twice", -time.Second, []journal.Segment{
			seg(start, start.Add(119*time.Second), journal.OnAir, ""),
		}},
		{"ten years forward: nobody owes those", 3650 * 24 * time.Hour, []journal.Segment{
			seg(start, last, journal.OnAir, ""),
			seg(start.Add(time.Minute+3650*24*time.Hour), start.Add(2*time.Minute+3650*24*time.Hour), journal.OnAir, ""),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBooks(t, start)
			for s := range 121 {
				mono := time.Duration(s) * time.Second
				wall := start.Add(mono)
				if s > 60 || s == 60 && tt.steps != 0 {
					wall = wall.Add(tt.steps)
				}
				b.observe(wall, mono, onAir())
			}
			b.is(tt.want...)
			_, end := schedule(t).Day(start.Add(tt.steps))
			want := journal.Tally(b.all(), end.AddDate(0, 0, -1).Unix(), end.Unix())
			a := b.ledger.Airtime()
			if a.RequiredS != want.Owed() || a.DeliveredS != want.OnAir {
				t.Errorf("today's totals are %+v, the segments say %+v", a, want)
			}
		})
	}
}

// TestLedgerWrongClockFromBoot: three hours fast until NTP comes at 07:00. What was booked for 07:00 to 10:00 before
// 07:00 was lived elsewhere; the day still adds up.
func TestLedgerWrongClockFromBoot(t *testing.T) {
	boot := at(t, "04:00:00")
	b := newBooks(t, boot.Add(3*time.Hour))
	for s := range 9 * 3600 {
		mono := time.Duration(s) * time.Second
		wall := boot.Add(mono)
		if s < 3*3600 {
			wall = wall.Add(3 * time.Hour)
		}
		state := onAir()
		if s >= 4*3600 && s < 4*3600+600 { // dark from 08:00 to 08:10
			state = lost(journal.CausePanelSilent)
		}
		b.observe(wall, mono, state)
	}
	got := journal.Tally(b.all(), at(t, "07:00:00").Unix(), at(t, "11:00:00").Unix())
	if got.Owed() != 4*3600 || got.Lost[journal.CausePanelSilent] != 600 || got.OnAir != 4*3600-600 {
		t.Errorf("the morning is %+v", got)
	}
	if a := b.ledger.Airtime(); a.DeliveredS != got.OnAir || a.RequiredS != got.Owed() {
		t.Errorf("today's totals are %+v, the segments say %+v", a, got)
	}
}

func TestLedgerDoubtsWhatNoReadingProves(t *testing.T) {
	start := at(t, "08:00:00")
	b := newBooks(t, start)
	for s := range 20 {
		mono := time.Duration(s) * time.Second
		b.observe(start.Add(mono), mono, onAir())
	}
	b.ledger.Doubt(start.Add(15*time.Second).Unix(), lost(journal.CausePanelOff))
	b.observe(start.Add(20*time.Second), 20*time.Second, lost(journal.CausePanelOff))
	b.observe(start.Add(21*time.Second), 21*time.Second, onAir())
	b.is(
		seg(start, start.Add(15*time.Second), journal.OnAir, ""),
		seg(start.Add(15*time.Second), start.Add(21*time.Second), journal.Lost, journal.CausePanelOff),
	)
	if a := b.ledger.Airtime(); a.DeliveredS != 15 || a.RequiredS != 21 {
		t.Errorf("totals are %+v", a)
	}
}

func TestLedgerAFrozenDaemonProvesNothing(t *testing.T) {
	start := at(t, "08:00:00")
	b := newBooks(t, start)
	b.observe(start, 0, onAir())
	b.observe(start.Add(time.Minute), time.Minute, onAir())
	b.is(seg(start, start.Add(time.Minute), journal.Lost, journal.CauseControllerDown))
}

// TestVirtualYear lives through every second of 2027 with faults at random moments, restarts among them.
func TestVirtualYear(t *testing.T) {
	zone := schedule(t).Zone
	start := time.Date(2027, 1, 1, 0, 0, 0, 0, zone)
	end := start.AddDate(1, 0, 0)
	rnd := rand.New(rand.NewPCG(2027, 480))
	states := []control.Status{onAir(), onAir(), onAir(), {State: journal.Unverified, Rule: "schedule"}}
	for _, c := range journal.Causes() {
		states = append(states, lost(c))
	}
	b := newBooks(t, start)
	state := onAir()
	for now := start; !now.After(end); {
		b.observe(now, now.Sub(start), state)
		now = now.Add(time.Duration(1+rnd.Int64N(9000)) * time.Millisecond)
		if rnd.IntN(600) == 0 {
			state = states[rnd.IntN(len(states))]
		}
		if rnd.IntN(100_000) == 0 { // the daemon is killed and comes back up to an hour later
			at, open := b.ledger.Books()
			b.ledger = control.NewLedger(schedule(t), at, journal.CauseControllerDown, nil, open)
			now = now.Add(time.Duration(rnd.Int64N(int64(time.Hour))))
		}
	}
	b.observe(end, end.Sub(start), state)
	checkYear(t, b.all(), start, end)
}

// checkYear recounts by the clock on the wall alone: it knows nothing of media.Schedule.
func checkYear(t *testing.T, segments []journal.Segment, start, end time.Time) {
	t.Helper()
	owed, booked := map[string]int64{}, map[string]int64{}
	for h := start; h.Before(end); h = h.Add(time.Hour) {
		if hour := h.Hour(); hour >= 7 && hour < 11 || hour >= 14 && hour < 18 {
			owed[h.Format(time.DateOnly)] += 3600
		}
	}
	next := start.Unix()
	for _, s := range segments {
		if s.From != next || s.To <= s.From {
			t.Fatalf("segment %v does not follow %d", s, next)
		}
		next = s.To
		if (s.State == journal.Lost) != (s.Cause != "") {
			t.Fatalf("segment %v: a cause belongs to what is lost, and only to that", s)
		}
		if s.State != journal.Idle {
			booked[time.Unix(s.From, 0).In(start.Location()).Format(time.DateOnly)] += s.To - s.From
		}
	}
	if next != end.Unix() {
		t.Errorf("the books end at %d, not at %d", next, end.Unix())
	}
	if len(owed) != 365 {
		t.Errorf("the year has %d days", len(owed))
	}
	for day, s := range owed {
		if s != 480*60 || booked[day] != s {
			t.Errorf("%s: %d s owed, %d s booked", day, s, booked[day])
		}
	}
}
