package media_test

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// showing lists the items of the programme at a time.
func (b *bench) showing(at time.Time) string {
	prog, _ := b.library.Programme(at)
	ids := []string{}
	for _, c := range prog.Clips {
		ids = append(ids, c.Item.ID)
	}
	return fmt.Sprint(ids)
}

// Dates are obeyed to the letter by a clock that is believed. One that is not never empties the screen.
func TestDatesNeverEmptyTheScreenByADoubtfulClock(t *testing.T) {
	b := newBench(t, t.TempDir())
	now := b.clock.stamp().Wall
	p := list(1, picture(1), picture(2))
	from, until := now.Add(time.Hour), now.Add(2*time.Hour)
	p.Items[0].Until, p.Items[1].Until, p.Items[2].Until = &until, &until, &until
	p.Items[1].From = &from
	if err := b.air(p, picture(1), picture(2)); err != nil {
		t.Fatal(err)
	}
	if got := b.showing(until); got != "[]" {
		t.Errorf("past its end by a clock that is believed: %s", got)
	}
	b.clock.doubt()
	for _, tt := range []struct {
		at   time.Time
		want string
	}{{now, "[file-1 card]"}, {from, "[file-1 file-2 card]"}, {until, "[file-1 file-2 card]"}, {until.Add(9000 * time.Hour), "[file-1 file-2 card]"}} {
		if got := b.showing(tt.at); got != tt.want {
			t.Errorf("in doubt, %v: %s, want %s", tt.at.Sub(now), got, tt.want)
		}
	}
}

func TestClockThatIsBehindShowsWhatWasToBegin(t *testing.T) {
	b := newBench(t, t.TempDir())
	now := b.clock.stamp().Wall
	p := list(1, picture(1))
	for i := range p.Items {
		p.Items[i].From = &now
	}
	if err := b.air(p, picture(1)); err != nil {
		t.Fatal(err)
	}
	if got := b.showing(now.Add(-time.Hour)); got != "[]" {
		t.Errorf("by a clock that is believed: %s", got)
	}
	b.clock.doubt()
	if got := b.showing(now.Add(-time.Hour)); got != "[file-1 card]" {
		t.Errorf("in doubt: %s", got)
	}
}

// A playlist for next week waits for next week, and the last good one plays until then.
func TestPlaylistWithNothingToShowYetWaits(t *testing.T) {
	b := newBench(t, t.TempDir())
	now := b.clock.stamp().Wall
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	next := list(2, picture(2))
	from := now.Add(24 * time.Hour)
	for i := range next.Items {
		next.Items[i].From = &from
	}
	if err := b.air(next, picture(2)); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 1, 2 clips")
	b = b.restart(t)
	if err := b.library.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 1, 2 clips")
	b.clock.advance(24 * time.Hour)
	if err := b.library.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 2, 2 clips")
}
