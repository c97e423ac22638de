package sqlite_test

import (
	"fmt"
	"strings"
	"testing"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

// numbersOf lists which of the entries that filled wrote were taken over: record 2n-1 is play n, 2n incident n.
func numbersOf(taken []journal.Record) string {
	var numbers []string
	for _, r := range taken {
		for n := 1; n <= 20; n++ {
			if strings.Contains(string(r.Body), fmt.Sprintf("%q", itemName(n))) {
				number := 2 * n
				if r.Kind == journal.KindPlay {
					number--
				}
				numbers = append(numbers, fmt.Sprint(number))
			}
		}
	}
	return strings.Join(numbers, " ")
}

// The centre acknowledges nothing behind a record that does not hang together, so Open must not leave it there.
// SQLite itself sees nothing wrong with any of these files.
func TestSpoiltUnacknowledgedRecord(t *testing.T) {
	const flip = `UPDATE record SET body = replace(body, 'item-18', 'item-19') WHERE seq = 36;`
	for _, tt := range []struct {
		name, spoil string
		keep        int // commit of two records after which a head is kept; 0 is none
		taken, says string
	}{
		{"one flipped, no kept head", flip, 0, "37 38 39 40", "records 31 to 36 (chain is broken: record 36 was changed"},
		{"one flipped, kept head below", flip, 17, "31 32 33 34 37 38 39 40", "records 35 to 36 (chain is broken: record 36"},
		{"one flipped, kept head above", flip, 19, "37 38 39 40", "records 31 to 36"},
		{"one flipped, kept head on it", flip, 18, "37 38 39 40", "records 31 to 36"},
		{"last flipped", `UPDATE record SET mono = mono + 1 WHERE seq = 40`, 17, "31 32 33 34", "records 35 to 40"},
		{"one missing", `DELETE FROM record WHERE seq = 36`, 17, "31 32 33 34 37 38 39 40", "record 36 is missing"},
		{"first missing", `DELETE FROM record WHERE seq = 31`, 0, "32 33 34 35 36 37 38 39 40", "record 31 is missing"},
		{"hash cut", `UPDATE record SET hash = x'00' WHERE seq = 36`, 0, "37 38 39 40", "record 36 cannot be read"},
		{"two flipped", flip + `UPDATE record SET wall = wall + 1 WHERE seq = 32`, 17, "33 34 37 38 39 40", "records 31 to 32"},
		{"kept head forged", flip + `UPDATE signed_head SET at = at + 1`, 17, "37 38 39 40", "records 31 to 36"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := newPath(t)
			closed(t, options(path), func(j *sqlite.Journal) {
				for n := 1; n <= 20; n++ {
					commit(t, j, play(n), incident(n))
					if n == tt.keep {
						_, err := j.SignHead(t.Context(), noon.Unix())
						must(t, err)
					}
				}
				must(t, j.Acknowledge(t.Context(), 30, pending(t, j)[29].Hash))
			})
			tamper(t, path, tt.spoil)
			j := open(t, options(path))
			all := pending(t, j)
			if got := numbersOf(all[1 : len(all)-1]); got != tt.taken || j.Recovered().Carried != len(all)-2 {
				t.Errorf("taken over %s (%d), want %s", got, j.Recovered().Carried, tt.taken)
			}
			if last := string(all[len(all)-1].Body); !strings.Contains(last, tt.says) || !strings.Contains(last, "cyber") {
				t.Errorf("incident %s, want %q", last, tt.says)
			}
			must(t, j.Acknowledge(t.Context(), all[len(all)-1].Seq, all[len(all)-1].Hash))
			mustVerify(t, path)
		})
	}
}

// Damage within the unacknowledged records costs those that cannot be read, not those around them.
func TestDamagedPageOfUnacknowledgedRecords(t *testing.T) {
	path := newPath(t)
	closed(t, options(path), func(j *sqlite.Journal) {
		for n := 1; n <= 200; n++ {
			commit(t, j, play(n))
			if n%20 == 0 {
				_, err := j.SignHead(t.Context(), noon.Unix())
				must(t, err)
			}
		}
	})
	overwrite(t, path, findPage(t, path, `"item-100"`), make([]byte, 4096))
	j := open(t, options(path))
	if r := j.Recovered(); r.Carried < 160 || r.Carried > 195 {
		t.Errorf("recovered %+v", r)
	}
	mustVerify(t, path)
}

func TestWeeksOfUnacknowledgedRecordsAreTakenOver(t *testing.T) {
	const count = 21_000
	path := newPath(t)
	closed(t, options(path), func(j *sqlite.Journal) {
		for n := 0; n < count; n += 1000 {
			entries := make([]journal.Entry, 1000)
			for i := range entries {
				entries[i] = incident(n + i)
			}
			commit(t, j, entries...)
		}
		must(t, j.Commit(t.Context(), journal.Write{
			Label: "x", Settings: map[string][]byte{"playlist": []byte("tet-2027")},
		}))
	})
	damagePage(t, path)
	j := open(t, options(path))
	if r := j.Recovered(); r.Aside == "" || r.Carried != count {
		t.Errorf("recovered %+v", r)
	}
	mustVerify(t, path)
}

// A recovery that cannot take the records over still gives a journal to work with.
func TestRecordsThatDoNotFitAreLeft(t *testing.T) {
	path := newPath(t)
	o := options(path)
	closed(t, o, func(j *sqlite.Journal) {
		must(t, j.Commit(t.Context(), journal.Write{Label: "x", Raise: map[string]uint64{"n": 5}}))
		for n := range 1000 {
			commit(t, j, play(n))
		}
	})
	tamper(t, path, "UPDATE record SET mono = 7 WHERE seq = 1")
	o.MaxBytes = 256 << 10
	j := open(t, o)
	if r := j.Recovered(); r.Carried != 0 || !strings.Contains(r.Lost, "999 unacknowledged records") {
		t.Errorf("recovered %+v", r)
	}
	if n, err := j.Counter(t.Context(), "n"); err != nil || n != 5 {
		t.Errorf("counter %d, %v", n, err)
	}
	mustVerify(t, path)
}
