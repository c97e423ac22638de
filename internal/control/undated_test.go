package control_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/journal"
)

// guessed is a run that lives from start on while its clock is wrong by ahead, until it becomes right after n seconds.
// The last run's books end at beat.
type guessed struct {
	beat, start time.Time
	ahead       time.Duration
	n           int
	state       func(second int) control.Status
}

// live gives the books of the run with its wrong clock, and those it would have with a right one.
func (g guessed) live(t *testing.T) (wrong, right *books) {
	t.Helper()
	last := journal.Segment{From: g.beat.Add(-10 * time.Minute).Unix(), To: g.beat.Unix(), State: journal.OnAir, Rule: "schedule"}
	newRun := func() *books {
		return &books{t: t, ledger: control.NewLedger(schedule(t), g.beat.Unix(), journal.CauseControllerDown, nil, last)}
	}
	wrong, right = newRun(), newRun()
	for s := range g.n + 60 {
		mono := 3*time.Second + time.Duration(s)*time.Second // the daemon has run for a moment
		at := journal.Stamp{Mono: mono, Wall: g.start.Add(time.Duration(s) * time.Second), Trust: journal.Synchronised}
		state := g.state(s)
		right.closed = append(right.closed, right.ledger.Observe(at, state)...)
		if s < g.n {
			at.Wall, at.Trust = at.Wall.Add(g.ahead), journal.Untrusted
			if state.State != journal.Lost {
				state = control.Status{State: journal.Lost, Cause: journal.CauseClockUntrusted, Rule: state.Rule, Dated: state.State}
			}
		}
		if step, is := wrong.ledger.Misdated(at); is != (s == g.n && g.ahead.Abs() > 2*time.Second) || is && step != -g.ahead {
			t.Fatalf("second %d: misdated %v by %s", s, is, step)
		}
		wrong.closed = append(wrong.closed, wrong.ledger.Observe(at, state)...)
	}
	return wrong, right
}

// flat is what segments say in the end, second by second where something is owed, sorted and joined.
func flat(segments []journal.Segment) []journal.Segment {
	all := journal.Effective(segments)
	slices.SortFunc(all, func(a, b journal.Segment) int { return int(a.From - b.From) })
	var out []journal.Segment
	for _, s := range all {
		if last := len(out) - 1; last >= 0 && out[last].To == s.From && out[last].State == s.State && out[last].Cause == s.Cause && out[last].Rule == s.Rule {
			out[last].To = s.To
			continue
		}
		out = append(out, s)
	}
	return out
}

func TestARunIsDatedOnceTheTimeIsKnown(t *testing.T) {
	beat := at(t, "08:00:00")
	mostlyOn := func(s int) control.Status {
		if s >= 600 && s < 660 {
			return lost(journal.CausePanelSilent)
		}
		return onAir()
	}
	tests := []struct {
		name string
		guessed
	}{
		{"goes on where the last run stopped, an hour late", guessed{beat, beat.Add(time.Hour), -time.Hour, 1800, mostlyOn}},
		{"a day late", guessed{beat, beat.Add(24 * time.Hour), -24 * time.Hour, 1800, mostlyOn}},
		{"a week late, known after a week", guessed{beat, beat.AddDate(0, 0, 7), -7 * 24 * time.Hour, 7 * 24 * 3600, mostlyOn}},
		{"over the end of a window", guessed{beat, at(t, "10:50:00"), -2 * time.Hour, 3600, mostlyOn}},
		{"two hours ahead", guessed{beat, beat.Add(time.Minute), 2 * time.Hour, 1800, mostlyOn}},
		{"ahead, into the afternoon", guessed{beat, at(t, "10:30:00"), 4 * time.Hour, 3600, mostlyOn}},
		{"ahead, into tomorrow", guessed{beat, beat.Add(time.Hour), 24 * time.Hour, 1800, mostlyOn}},
		{"three seconds", guessed{beat, beat.Add(time.Minute), 3 * time.Second, 1800, mostlyOn}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wrong, right := tt.live(t)
			if got, want := flat(wrong.all()), flat(right.all()); !slices.Equal(got, want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
			if got, want := wrong.ledger.Airtime(), right.ledger.Airtime(); got.RequiredS != want.RequiredS || got.DeliveredS != want.DeliveredS {
				t.Errorf("today's totals are %+v, want %+v", got, want)
			}
		})
	}
}

// TestAnyRunIsDated does the same with whatever may happen.
func TestAnyRunIsDated(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 7))
	states := []control.Status{onAir(), onAir(), {State: journal.Unverified, Rule: "schedule"}}
	for _, c := range journal.Causes() {
		states = append(states, lost(c))
	}
	for range 100 {
		beat := at(t, "00:00:00").Add(time.Duration(rnd.Int64N(24*3600)) * time.Second)
		state := onAir()
		g := guessed{
			beat: beat, start: beat.Add(time.Duration(rnd.Int64N(2*24*3600)) * time.Second), n: 1 + rnd.IntN(20_000),
			state: func(int) control.Status {
				if rnd.IntN(300) == 0 {
					state = states[rnd.IntN(len(states))]
				}
				return state
			},
		}
		// Later than true, or earlier, but never before what the last run knew.
		g.ahead = beat.Sub(g.start) + time.Duration(rnd.Int64N(3*24*3600))*time.Second
		wrong, right := g.live(t)
		if got, want := flat(wrong.all()), flat(right.all()); !slices.Equal(got, want) {
			t.Fatalf("beat %s, start %s, ahead %s, %d s\ngot %v\nwant %v", g.beat, g.start, g.ahead, g.n, got, want)
		}
	}
}

// TestTheBooksOfALastRunThatWasAhead: it was wrong too, and nobody ever told it.
func TestTheBooksOfALastRunThatWasAhead(t *testing.T) {
	g := guessed{beat: at(t, "10:00:00"), start: at(t, "08:00:00"), ahead: 2*time.Hour + time.Minute, n: 600, state: func(int) control.Status { return onAir() }}
	wrong, _ := g.live(t)
	got := journal.Tally(wrong.all(), at(t, "08:00:00").Unix(), at(t, "11:00:00").Unix())
	if got.OnAir != 659 || got.Owed() != 659 {
		t.Errorf("11 minutes were lived: %+v", got)
	}
}

// TestADisplayThatNeverRanOwesNothing: the first run there is begins at the build time of the program.
func TestADisplayThatNeverRanOwesNothing(t *testing.T) {
	built, now := at(t, "08:00:00").AddDate(0, -2, 0), at(t, "09:00:00")
	b := &books{t: t, ledger: control.NewLedger(schedule(t), built.Unix(), "", nil, journal.Segment{})}
	for s := range 1200 {
		mono := time.Duration(s) * time.Second
		at := journal.Stamp{Mono: mono, Wall: built.Add(mono), Trust: journal.Untrusted}
		if s >= 600 {
			at.Wall, at.Trust = now.Add(mono), journal.Signed
		}
		b.closed = append(b.closed, b.ledger.Observe(at, onAir())...)
	}
	got := journal.Tally(b.all(), 0, 1<<40)
	if got.Owed() != 1199 || got.OnAir != 1199 {
		t.Errorf("20 minutes were lived: %+v", got)
	}
}

// TestWhatIsRememberedUndatedIsBounded: a panel that flaps for days. What is joined is never counted as on air.
func TestWhatIsRememberedUndatedIsBounded(t *testing.T) {
	start := at(t, "07:00:00")
	g := guessed{beat: start, start: start, ahead: 24 * time.Hour, n: 4 * 3600, state: func(s int) control.Status {
		if s%6 == 5 {
			return lost(journal.CausePanelOff)
		}
		return onAir()
	}}
	wrong, right := g.live(t)
	onAir := map[int64]bool{}
	for _, seg := range flat(right.all()) {
		for sec := seg.From; seg.State == journal.OnAir && sec < seg.To; sec++ {
			onAir[sec] = true
		}
	}
	claimed := flat(wrong.all())
	for _, seg := range claimed {
		for sec := seg.From; seg.State == journal.OnAir && sec < seg.To; sec++ {
			if !onAir[sec] {
				t.Fatalf("second %d was not on air", sec-start.Unix())
			}
		}
	}
	got := journal.Tally(wrong.all(), start.Unix(), at(t, "11:00:00").Unix())
	if got.Owed() != 4*3600 || got.OnAir < 3600 {
		t.Errorf("the window: %+v", got)
	}
	if n := len(claimed); n < 1000 || n > 2100 {
		t.Errorf("%d segments", n)
	}
}

func TestDoubtReachesWhatIsUndated(t *testing.T) {
	start := at(t, "08:00:00")
	b := newBooks(t, start)
	wrongBy := 3 * time.Hour
	for s := range 30 {
		mono := time.Duration(s) * time.Second
		at := journal.Stamp{Mono: mono, Wall: start.Add(mono).Add(wrongBy), Trust: journal.Floored}
		if s == 20 {
			b.ledger.Doubt(start.Add(wrongBy+15*time.Second).Unix(), lost(journal.CausePanelOff))
		}
		if s >= 25 {
			at.Wall, at.Trust = start.Add(mono), journal.Signed
		}
		state := onAir()
		if s >= 20 {
			state = lost(journal.CausePanelOff)
		}
		b.closed = append(b.closed, b.ledger.Observe(at, state)...)
	}
	got := journal.Tally(b.all(), start.Unix(), start.Add(time.Hour).Unix())
	if got.OnAir != 14 && got.OnAir != 15 || got.OnAir+got.Lost[journal.CausePanelOff] != 29 {
		t.Errorf("on air for 15 s that are proved: %+v", got)
	}
}
