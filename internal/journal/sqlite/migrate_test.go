package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

// An update that is taken back leaves a journal behind that the older program does not know.
func TestNewerJournalIsSetAside(t *testing.T) {
	for _, tt := range []struct {
		name, newer string
		settings    bool // are taken over
	}{
		{"other tables are new", "CREATE TABLE future (x); ALTER TABLE record RENAME TO link; ALTER TABLE chain DROP COLUMN acked", true},
		{"nothing but the number", "", true},
		{"the frozen tables are gone", "DROP TABLE setting; DROP TABLE counter; DROP TABLE heartbeat", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filled(t)
			tamper(t, path, tt.newer+"; PRAGMA user_version = 99")
			closed(t, options(path), func(j *sqlite.Journal) {
				r := j.Recovered()
				if !strings.HasPrefix(r.Aside, path+".newer-") || !strings.Contains(r.String(), "its schema is 99, this program knows 2") {
					t.Errorf("recovered %s", r)
				}
				checkTakenOver(t, j, tt.settings, false)
				checkNewChain(t, j, journal.Technical)
				n, err := j.Counter(t.Context(), "playlist")
				must(t, err)
				beat, _, err := j.LastHeartbeat(t.Context())
				must(t, err)
				if (n == 1020) != tt.settings || (beat.At == 77) != tt.settings {
					t.Errorf("counter %d, heartbeat %+v", n, beat)
				}
			})
			mustVerify(t, path)
			closed(t, options(path), func(j *sqlite.Journal) {
				if r := j.Recovered(); r != (sqlite.Recovered{}) {
					t.Errorf("second start: %s", r)
				}
			})
		})
	}
}

func TestNewerJournalsDoNotPushOutDamagedOnes(t *testing.T) {
	path := filled(t)
	o := options(path)
	for n := range 8 {
		at := noon.Add(time.Duration(n) * time.Hour)
		o.Stamp = func() journal.Stamp { return stampAt(at) }
		if n < 4 {
			must(t, os.WriteFile(path, []byte(strings.Repeat("damaged", 200)), 0o600))
		} else {
			tamper(t, path, "PRAGMA user_version = 99")
		}
		closed(t, o, func(*sqlite.Journal) {})
	}
	want := "damaged-20270101T070000Z damaged-20270101T080000Z newer-20270101T110000Z newer-20270101T120000Z"
	var kept []string
	for _, pattern := range []string{"damaged-*", "newer-*"} {
		names, err := filepath.Glob(path + "." + pattern)
		must(t, err)
		for _, name := range names {
			if strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-shm") {
				continue
			}
			kept = append(kept, strings.TrimPrefix(name, path+"."))
		}
	}
	if got := strings.Join(kept, " "); got != want {
		t.Errorf("kept %s, want %s", got, want)
	}
}

// The copy from before a migration is the journal as it was; the one from an earlier migration goes.
func TestCopyBeforeMigration(t *testing.T) {
	path := filled(t)
	tamper(t, path, "PRAGMA user_version = 1")
	for _, old := range []string{".schema0", ".schema1", ".schema1.draft"} {
		must(t, os.WriteFile(path+old, []byte("from an earlier migration"), 0o600))
	}
	closed(t, options(path), func(*sqlite.Journal) {})
	left, err := filepath.Glob(path + ".schema*")
	must(t, err)
	if fmt.Sprint(left) != fmt.Sprint([]string{path + ".schema1"}) {
		t.Fatalf("copies %v", left)
	}
	const count = "SELECT 'records', count(*) FROM record UNION SELECT 'schema', user_version FROM pragma_user_version"
	if got := query(t, path+".schema1", count); got["records"] != 40 || got["schema"] != 1 {
		t.Errorf("the copy holds %v", got)
	}
	if got := query(t, path, count); got["records"] != 40 || got["schema"] != 2 {
		t.Errorf("the journal holds %v", got)
	}
	before, err := os.Stat(left[0])
	must(t, err)
	closed(t, options(path), func(*sqlite.Journal) {})
	if after, err := os.Stat(left[0]); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("a start without a migration made another copy (%v)", err)
	}
}

// Without room for a copy the display still has to start.
func TestMigrationWithoutCopy(t *testing.T) {
	path := filled(t)
	tamper(t, path, "PRAGMA user_version = 1")
	must(t, os.MkdirAll(path+".schema1/in the way", 0o700))
	closed(t, options(path), func(j *sqlite.Journal) { commit(t, j, play(99)) })
	mustVerify(t, path)
}
