package sqlite_test

import (
	"testing"

	"bangtin/internal/journal"
)

func TestRecentIsTheNewestFirst(t *testing.T) {
	j := open(t, options(newPath(t)))
	commit(t, j, incident(1), play(1), incident(2), play(2), incident(3))
	got, err := j.Recent(t.Context(), journal.KindIncident, 2)
	must(t, err)
	if len(got) != 2 || got[0].Seq != 5 || got[1].Seq != 3 || got[0].Kind != journal.KindIncident {
		t.Errorf("got %+v, want the records 5 and 3", got)
	}
	if got, err = j.Recent(t.Context(), journal.KindCommand, 2); err != nil || len(got) != 0 {
		t.Errorf("of a kind that never was: %v, %v", got, err)
	}
}
