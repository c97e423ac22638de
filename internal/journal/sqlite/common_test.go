package sqlite_test

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

var noon = time.Date(2027, 1, 1, 5, 0, 0, 0, time.UTC)

// testKey is the same in every run and in the child processes.
func testKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

func publicKey() ed25519.PublicKey { return testKey().Public().(ed25519.PublicKey) }

func stampAt(wall time.Time) journal.Stamp {
	return journal.Stamp{Boot: "boot-1", Mono: wall.Sub(noon), Wall: wall, Trust: journal.Synchronised}
}

func options(path string) sqlite.Options {
	return sqlite.Options{
		Path:  path,
		Key:   testKey(),
		Stamp: func() journal.Stamp { return stampAt(noon) },
		Log:   slog.New(slog.DiscardHandler),
	}
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "journal.db") }

func open(t testing.TB, o sqlite.Options) *sqlite.Journal {
	t.Helper()
	j, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// closed runs do on a journal that is closed afterwards.
func closed(t testing.TB, o sqlite.Options, do func(*sqlite.Journal)) {
	t.Helper()
	j, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	do(j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func play(n int) journal.Entry {
	at := noon.Add(time.Duration(n) * 15 * time.Second)
	return journal.Entry{Stamp: stampAt(at), Kind: journal.KindPlay, Body: journal.Play{
		Playlist: "tet-2027", Version: 1798000000000, Item: itemName(n), Category: "country-promotion", Language: "vi",
		SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Start:  at, DurationS: 15, Complete: true, Panel: "on",
	}}
}

func incident(n int) journal.Entry {
	at := noon.Add(time.Duration(n) * time.Minute)
	return journal.Entry{Stamp: stampAt(at), Kind: journal.KindIncident, Body: journal.Incident{
		Class: journal.Technical, Code: "panel-silent", Detail: itemName(n), Count: 1,
	}}
}

func segment(from, to int64, state journal.Airtime, cause journal.Cause) journal.Entry {
	return journal.Entry{Stamp: stampAt(time.Unix(to, 0)), Kind: journal.KindSegment, Body: journal.Segment{
		From: from, To: to, State: state, Cause: cause, Rule: "schedule",
	}}
}

func commit(t testing.TB, j *sqlite.Journal, entries ...journal.Entry) {
	t.Helper()
	must(t, j.Commit(t.Context(), journal.Write{Label: "test", Entries: entries}))
}

func pending(t testing.TB, j *sqlite.Journal) []journal.Record {
	t.Helper()
	all, err := j.Pending(context.Background(), 1<<20)
	must(t, err)
	return all
}

// query reads rows of a text and a number past the package under test.
func query(t testing.TB, path, statement string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	rows, err := db.Query(statement)
	must(t, err)
	defer func() { must(t, rows.Close()) }()
	found := map[string]int{}
	for rows.Next() {
		var text string
		var number int
		must(t, rows.Scan(&text, &number))
		found[text] = number
	}
	must(t, rows.Err())
	return found
}
