package store_test

import (
	"errors"
	"strings"
	"testing"

	"bangtin/internal/centre/store"
	"bangtin/internal/journal"
)

// TestVerifyFinds changes the database behind the centre's back, in one way each.
func TestVerifyFinds(t *testing.T) {
	tests := []struct{ name, statement, want string }{
		{"an edit", `UPDATE record SET body = replace(body, 'muc-4', 'muc-5') WHERE seq = 5`, "record 5 was changed"},
		{"another time", `UPDATE record SET wall = wall + 1 WHERE seq = 5`, "record 5 was changed"},
		{"another run", `UPDATE run SET boot = 'boot-9'`, "was changed"},
		{"a removal", `DELETE FROM record WHERE seq = 5`, "records 5 to 5 were removed"},
		{"the end removed", `DELETE FROM record WHERE seq > 8`, "records 9 to 10 were removed at the end"},
		{"the beginning removed", `DELETE FROM record WHERE seq < 3`, "records 1 to 2 were removed"},
		{"two exchanged", `UPDATE record SET seq = CASE seq WHEN 4 THEN 1005 ELSE 1004 END WHERE seq IN (4, 5);
			UPDATE record SET seq = seq - 1000 WHERE seq > 1000`, "does not follow"},
		{"one put behind", `INSERT INTO record SELECT display, 11, epoch, run, mono, wall, trust, kind, body, prev, hash, heard, at, worth, again
			FROM record WHERE seq = 10`, "lie behind the head"},
		{"another head", `UPDATE display SET hash = zeroblob(32)`, "is not the one that the head names"},
		{"a gap invented", `INSERT INTO gap VALUES (1, 0, 4, 5, 0, 'size')`, "are noted as missing and are not"},
		{"a gap to cover a removal", `DELETE FROM record WHERE seq = 5; INSERT INTO gap VALUES (1, 0, 5, 5, 0, NULL)`, "nothing says why"},
		{"a hash of another length", `UPDATE record SET hash = x'00' WHERE seq = 5`, "cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, c := open(t, store.Options{}), newChain(t)
			d.collect(c.plays(10)...)
			if r := d.verify(); !r.OK() {
				t.Fatalf("before: %q", r.Findings)
			}
			if _, err := d.raw().Exec(tt.statement); err != nil {
				t.Fatal(err)
			}
			r := d.verify()
			if r.OK() || !strings.Contains(strings.Join(r.Findings, "\n"), tt.want) {
				t.Errorf("want %q in %q", tt.want, r.Findings)
			}
		})
	}
}

func TestNewerDatabaseIsLeftAlone(t *testing.T) {
	d := open(t, store.Options{})
	if _, err := d.raw().Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Options{Path: d.path}); !errors.Is(err, store.ErrNewer) {
		t.Errorf("Open: %v", err)
	}
	if _, err := store.Verify(t.Context(), d.path); !errors.Is(err, store.ErrNewer) {
		t.Errorf("Verify: %v", err)
	}
}

// At its limit the store takes nothing, keeps what it has, and goes on when there is room.
func TestFull(t *testing.T) {
	d, c := open(t, store.Options{MaxBytes: 256 << 10}), newChain(t)
	var err error
	stored := 0
	var last []journal.Record
	for range 200 {
		last = c.plays(50)
		if _, err = d.Write(t.Context(), noon, []store.Change{{Batch: &store.Batch{Device: device, Records: last}}}); err != nil {
			break
		}
		stored += 50
	}
	if !errors.Is(err, store.ErrFull) || stored == 0 {
		t.Fatalf("%d stored, then %v", stored, err)
	}
	if r := d.verify(); !r.OK() || r.Records != stored {
		t.Errorf("%+v, want %d records", r, stored)
	}
	if err := d.Limit(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if o := d.collect(last...); o.Stored != 50 || o.Gaps+o.Replaced != 0 {
		t.Errorf("with room: %+v", o)
	}
	if r := d.verify(); !r.OK() {
		t.Errorf("%q", r.Findings)
	}
}
