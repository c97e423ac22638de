package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

// tamper runs a statement as anyone could who gets hold of the file.
func tamper(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	must(t, err)
	_, err = db.Exec(statements)
	must(t, err)
	must(t, db.Close())
}

func verify(t testing.TB, path string) sqlite.Report {
	t.Helper()
	report, err := sqlite.Verify(t.Context(), path, publicKey())
	must(t, err)
	return report
}

func mustVerify(t testing.TB, path string) sqlite.Report {
	t.Helper()
	report := verify(t, path)
	if !report.OK() {
		t.Fatalf("findings in a sound journal:\n%s", strings.Join(report.Findings, "\n"))
	}
	return report
}

// tenRecords writes records 1 to 10, with a signed head kept at 5.
func tenRecords(t *testing.T) string {
	t.Helper()
	path := newPath(t)
	closed(t, options(path), func(j *sqlite.Journal) {
		for n := 1; n <= 10; n++ {
			commit(t, j, play(n))
			if n == 5 {
				head, err := j.SignHead(t.Context(), noon.Unix())
				must(t, err)
				must(t, head.Check(publicKey()))
			}
		}
	})
	return path
}

func TestVerifySoundJournal(t *testing.T) {
	report := mustVerify(t, tenRecords(t))
	if report.Records != 10 || report.First != 1 || report.Last != 10 {
		t.Errorf("report %+v", report)
	}
	path := newPath(t)
	closed(t, options(path), func(*sqlite.Journal) {})
	if report := mustVerify(t, path); report.Records != 0 {
		t.Errorf("empty journal: %+v", report)
	}
}

func TestVerifyFindsTampering(t *testing.T) {
	const copyOf4 = "SELECT boot, mono, wall, trust, kind, body, prev, hash FROM record WHERE seq = 4"
	for _, tt := range []struct{ name, statements, want string }{
		{"edited body", `UPDATE record SET body = replace(body, 'item-4', 'item-9') WHERE seq = 4`, "record 4 was changed"},
		{"edited last body", `UPDATE record SET body = '{}' WHERE seq = 10`, "record 10 was changed"},
		{"edited wall", `UPDATE record SET wall = wall + 1 WHERE seq = 4`, "record 4 was changed"},
		{"wall out of range", `UPDATE record SET wall = -1 WHERE seq = 4`, "record 4: wall time"},
		{"edited mono", `UPDATE record SET mono = 0 WHERE seq = 4`, "record 4 was changed"},
		{"edited boot", `UPDATE record SET boot = 'other' WHERE seq = 4`, "record 4 was changed"},
		{"edited trust", `UPDATE record SET trust = 'signed' WHERE seq = 4`, "record 4 was changed"},
		{"edited kind", `UPDATE record SET kind = 'incident' WHERE seq = 4`, "record 4 was changed"},
		{"edited hash", `UPDATE record SET hash = prev WHERE seq = 4`, "record 5 does not follow"},
		{"short hash", `UPDATE record SET hash = x'00' WHERE seq = 4`, "record 4: chain is broken: hash has 1 bytes"},
		{"removed first", `DELETE FROM record WHERE seq = 1`, "the first record is 2, it must be 1"},
		{"removed first, numbers moved", `DELETE FROM record WHERE seq = 1; UPDATE record SET seq = seq - 1`, "record 1 was changed"},
		{"removed middle", `DELETE FROM record WHERE seq = 4`, "records 4 to 4 are missing"},
		{"removed middle, numbers moved", `DELETE FROM record WHERE seq = 4;
			UPDATE record SET seq = seq - 1 WHERE seq > 4`, "record 4 does not follow"},
		{"removed last", `DELETE FROM record WHERE seq = 10`, "records 10 to 10 are missing at the end"},
		{"removed last, head moved", `DELETE FROM record WHERE seq = 10;
			UPDATE chain SET seq = 9, hash = (SELECT hash FROM record WHERE seq = 9)`, "head 9 is not signed"},
		{"removed last, older head put in", `DELETE FROM record WHERE seq > 5;
			UPDATE chain SET (seq, hash, at) = (SELECT seq, hash, at FROM signed_head)`, "head 5 is not signed"},
		{"removed last, kept head put in", `DELETE FROM record WHERE seq > 5;
			UPDATE chain SET (seq, hash, at, signature) = (SELECT seq, hash, at, signature FROM signed_head)`,
			"head 5 is not signed"},
		{"live head put among the kept", `DELETE FROM signed_head;
			INSERT INTO signed_head SELECT seq, hash, at, signature FROM chain`, "kept head 10 is not signed"},
		{"removed all", `DELETE FROM record`, "records 1 to 10 are missing at the end"},
		{"removed all and the head", `DELETE FROM record; DELETE FROM chain; DELETE FROM signed_head`, "there is no head"},
		{"reordered", `UPDATE record SET seq = -4 WHERE seq = 4; UPDATE record SET seq = 4 WHERE seq = 5;
			UPDATE record SET seq = 5 WHERE seq = -4`, "record 4 does not follow"},
		{"inserted at the end", `INSERT INTO record SELECT 11, boot, mono, wall, trust, kind, body, hash, hash
			FROM record WHERE seq = 10`, "records 11 to 11 lie behind the head"},
		{"inserted at the beginning", `INSERT INTO record SELECT 0, * FROM (` + copyOf4 + `)`, "the first record is 0"},
		{"inserted in the middle", `UPDATE record SET seq = -(seq + 1) WHERE seq > 4;
			UPDATE record SET seq = -seq WHERE seq < 0;
			INSERT INTO record SELECT 5, * FROM (` + copyOf4 + `)`, "record 5 does not follow"},
		{"negative number", `UPDATE record SET seq = -4 WHERE seq = 4`, "a record behind 0 cannot be read"},
		{"daily head edited", `UPDATE signed_head SET at = at + 1`, "daily: chain is broken: kept head 5 is not signed"},
		{"daily head of another record", `UPDATE signed_head SET seq = 6`, "record 6 is not the one that the daily head of 6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := tenRecords(t)
			tamper(t, path, tt.statements)
			got := strings.Join(verify(t, path).Findings, "\n")
			if !strings.Contains(got, tt.want) {
				t.Errorf("findings:\n%s\nwant %q", got, tt.want)
			}
		})
	}
}

func TestVerifyNeedsTheRightKey(t *testing.T) {
	path := tenRecords(t)
	other := make([]byte, 32)
	report, err := sqlite.Verify(t.Context(), path, other)
	must(t, err)
	if report.OK() {
		t.Error("no finding with another key")
	}
}

func TestVerifyWhileTheDaemonWrites(t *testing.T) {
	path := newPath(t)
	j := open(t, options(path))
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan error)
	go func() {
		for n := 0; ctx.Err() == nil; n++ {
			if err := j.Commit(t.Context(), journal.Write{Label: "x", Entries: []journal.Entry{play(n)}}); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	deadline := time.Now().Add(20 * time.Second)
	seen := map[int]bool{}
	for len(seen) < 20 && time.Now().Before(deadline) {
		seen[mustVerify(t, path).Records] = true
	}
	stop()
	must(t, <-written)
	if len(seen) < 20 {
		t.Errorf("the journal was seen in %d states only, want 20", len(seen))
	}
}

func TestVerifyOfNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.db")
	if _, err := sqlite.Verify(t.Context(), path, publicKey()); err == nil {
		t.Error("no error for a missing file")
	}
}

func TestVerifyRefusesNewerSchema(t *testing.T) {
	path := tenRecords(t)
	tamper(t, path, "PRAGMA user_version = 99")
	_, err := sqlite.Verify(t.Context(), path, publicKey())
	if !errors.Is(err, sqlite.ErrNewer) || !strings.Contains(err.Error(), "its schema is 99, this program knows 2") {
		t.Errorf("got %v", err)
	}
}

// Schema 1 kept heads with the signature of a live head.
func TestOldKeptHeadsAreDropped(t *testing.T) {
	path := tenRecords(t)
	tamper(t, path, `DELETE FROM signed_head; INSERT INTO signed_head SELECT seq, hash, at, signature FROM chain;
		PRAGMA user_version = 1`)
	closed(t, options(path), func(j *sqlite.Journal) {
		if r := j.Recovered(); r != (sqlite.Recovered{}) {
			t.Errorf("recovered %v", r)
		}
	})
	if report := mustVerify(t, path); report.Records != 10 {
		t.Errorf("report %+v", report)
	}
}

func TestPruneLeavesAVerifiableChain(t *testing.T) {
	path := newPath(t)
	closed(t, options(path), func(j *sqlite.Journal) {
		for n := range 30 {
			commit(t, j, play(n), incident(n))
		}
		all := pending(t, j)
		must(t, j.Acknowledge(t.Context(), 40, all[39].Hash))
		_, err := j.SignHead(t.Context(), noon.Unix())
		must(t, err)
		policy := sqlite.Policy{Age: 1, MaxBytes: 1 << 40, Batch: 7}
		calls, removed := 0, 0
		for more := true; more; calls++ {
			done, err := j.Prune(t.Context(), noon.AddDate(1, 0, 0), policy)
			must(t, err)
			if done.Carried != 0 || done.Unsent != 0 || done.Removed > policy.Batch {
				t.Fatalf("pruned %+v", done)
			}
			removed += done.Removed
			more = done.More
		}
		if removed != 40 || calls != 6 {
			t.Errorf("%d records in %d calls, want 40 in 6", removed, calls)
		}
		if again, err := j.Prune(t.Context(), noon.AddDate(1, 0, 0), policy); err != nil || again != (sqlite.Pruned{}) {
			t.Errorf("again: %+v, %v", again, err)
		}
		if got := pending(t, j); got[0].Seq != 41 {
			t.Errorf("first pending is %d", got[0].Seq)
		}
	})
	report := mustVerify(t, path)
	if report.First != 41 || report.Last != 66 {
		t.Errorf("report %+v", report)
	}
	for name, statement := range map[string]string{
		"removed first":      `DELETE FROM record WHERE seq = 41`,
		"edited checkpoint":  `UPDATE record SET body = replace(body, '"age"', '"size"') WHERE seq = 66`,
		"removed checkpoint": `DELETE FROM record WHERE kind = 'checkpoint'`,
	} {
		tamper(t, path, "CREATE TABLE backup AS SELECT * FROM record; "+statement)
		if verify(t, path).OK() {
			t.Errorf("%s: no finding", name)
		}
		tamper(t, path, "DELETE FROM record; INSERT INTO record SELECT * FROM backup; DROP TABLE backup")
		mustVerify(t, path)
	}
}

// With a clock that nobody trusts the caller names no age: then nothing is old, but the size still counts.
func TestPruneWithoutAge(t *testing.T) {
	j := open(t, options(newPath(t)))
	for n := range 10 {
		commit(t, j, play(n))
	}
	all := pending(t, j)
	must(t, j.Acknowledge(t.Context(), 10, all[9].Hash))
	future := noon.AddDate(200, 0, 0)
	done, err := j.Prune(t.Context(), future, sqlite.Policy{MaxBytes: 1 << 40, Batch: 4})
	if err != nil || done != (sqlite.Pruned{}) {
		t.Errorf("by no age: %+v, %v", done, err)
	}
	done, err = j.Prune(t.Context(), future, sqlite.Policy{MaxBytes: 1, Batch: 4})
	if err != nil || done.Removed != 4 || done.Unsent != 0 {
		t.Errorf("by size: %+v, %v", done, err)
	}
	done, err = j.Prune(t.Context(), future, sqlite.Policy{Age: 1, MaxBytes: 1 << 40, Batch: 4})
	if err != nil || done.Removed != 4 {
		t.Errorf("by age: %+v, %v", done, err)
	}
}

func TestPruneBySizeNeverLosesIncidentsAndOrders(t *testing.T) {
	path := newPath(t)
	order := journal.Entry{Stamp: stampAt(noon), Kind: journal.KindOrder, Body: journal.Order{Source: "local", Reason: "off"}}
	closed(t, options(path), func(j *sqlite.Journal) {
		for n := range 100 {
			commit(t, j, play(n), play(n), play(n))
			if n%10 == 0 {
				commit(t, j, incident(n), order)
			}
		}
		before := stampsOf(pending(t, j), journal.KindIncident, journal.KindOrder)
		policy := sqlite.Policy{Age: 1 << 60, MaxBytes: 1, Batch: 50}
		unsent := uint64(0)
		for more := true; more; {
			done, err := j.Prune(t.Context(), noon, policy)
			must(t, err)
			more = done.More && done.Removed > 0
			unsent = max(unsent, done.Unsent)
			if depth, err := j.Depth(t.Context()); err != nil || depth != uint64(len(pending(t, j))) {
				t.Fatalf("depth %d, %d pending, %v", depth, len(pending(t, j)), err)
			}
		}
		if after := stampsOf(pending(t, j), journal.KindIncident, journal.KindOrder); len(after) != len(before) {
			t.Errorf("%d incidents and orders left of %d", len(after), len(before))
		}
		if plays := stampsOf(pending(t, j), journal.KindPlay); len(plays) != 0 || unsent != 300 {
			t.Errorf("%d plays left, %d told as unsent; want 0 and 300", len(plays), unsent)
		}
	})
	mustVerify(t, path)
}

func stampsOf(records []journal.Record, kinds ...journal.Kind) []journal.Stamp {
	var stamps []journal.Stamp
	for _, r := range records {
		for _, kind := range kinds {
			if r.Kind == kind {
				stamps = append(stamps, r.Stamp)
			}
		}
	}
	return stamps
}
