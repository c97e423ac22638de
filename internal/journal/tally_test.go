package journal_test

import (
	"slices"
	"testing"

	"bangtin/internal/journal"
)

func TestEffective(t *testing.T) {
	on := func(from, to int64) journal.Segment {
		return journal.Segment{From: from, To: to, State: journal.OnAir, Rule: "schedule"}
	}
	void := func(from, to int64) journal.Segment {
		return journal.Segment{From: from, To: to, State: journal.Void}
	}
	for _, tt := range []struct {
		name       string
		have, want []journal.Segment
	}{
		{"nothing", nil, nil},
		{"no void", []journal.Segment{on(20, 30), on(10, 20)}, []journal.Segment{on(20, 30), on(10, 20)}},
		{"nothing before it", []journal.Segment{void(0, 100)}, nil},
		{"whole", []journal.Segment{on(10, 20), void(10, 20)}, nil},
		{"several", []journal.Segment{on(0, 10), on(10, 20), on(20, 30), void(5, 25)}, []journal.Segment{on(0, 5), on(25, 30)}},
		{"beginning", []journal.Segment{on(10, 20), void(0, 15)}, []journal.Segment{on(15, 20)}},
		{"end", []journal.Segment{on(10, 20), void(15, 25)}, []journal.Segment{on(10, 15)}},
		{"split", []journal.Segment{on(10, 20), void(14, 15)}, []journal.Segment{on(10, 14), on(15, 20)}},
		{"beside it", []journal.Segment{on(10, 20), void(20, 30), void(0, 10)}, []journal.Segment{on(10, 20)}},
		{"later record counts", []journal.Segment{on(10, 20), void(0, 30), on(10, 12)}, []journal.Segment{on(10, 12)}},
		{"second void", []journal.Segment{on(0, 10), void(0, 5), on(0, 5), void(3, 8)},
			[]journal.Segment{on(8, 10), on(0, 3)}},
		{"empty void", []journal.Segment{on(10, 20), void(15, 15)}, []journal.Segment{on(10, 20)}},
		{"void backwards", []journal.Segment{on(10, 20), void(18, 12)}, []journal.Segment{on(10, 20)}},
	} {
		have := slices.Clone(tt.have)
		if got := journal.Effective(tt.have); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
		if !slices.Equal(have, tt.have) {
			t.Errorf("%s: the argument was changed to %+v", tt.name, tt.have)
		}
	}
}

func TestTallyAppliesVoids(t *testing.T) {
	got := journal.Tally([]journal.Segment{
		{From: 0, To: 100, State: journal.OnAir},
		{From: 100, To: 200, State: journal.Lost, Cause: journal.CausePanelSilent},
		{From: 90, To: 110, State: journal.Void},
		{From: 95, To: 100, State: journal.Unverified},
	}, 10, 150)
	if got.OnAir != 80 || got.Lost[journal.CausePanelSilent] != 40 || got.Unverified != 5 || got.Owed() != 125 {
		t.Errorf("totals %+v", got)
	}
}
