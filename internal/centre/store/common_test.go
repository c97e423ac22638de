package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"bangtin/internal/centre/store"
	"bangtin/internal/journal"
)

const device = "tinh-bien-01"

var noon = time.Date(2027, 1, 29, 5, 0, 0, 0, time.UTC)

// A chain makes records as a display does.
type chain struct {
	t    *testing.T
	seq  uint64
	hash journal.Hash
	boot string
	mono time.Duration
}

func newChain(t *testing.T) *chain { return &chain{t: t, boot: "boot-1"} }

func (c *chain) stamp() journal.Stamp {
	c.mono += time.Second
	return journal.Stamp{Boot: c.boot, Mono: c.mono, Wall: noon.Add(c.mono), Trust: journal.Synchronised}
}

// next seals one record.
func (c *chain) next(kind journal.Kind, body any) journal.Record {
	c.t.Helper()
	return c.seal(journal.Entry{Stamp: c.stamp(), Kind: kind, Body: body})
}

func (c *chain) seal(e journal.Entry) journal.Record {
	c.t.Helper()
	r, err := journal.Seal(c.hash, c.seq+1, e)
	if err != nil {
		c.t.Fatal(err)
	}
	c.seq, c.hash = r.Seq, r.Hash
	return r
}

func (c *chain) plays(n int) []journal.Record {
	c.t.Helper()
	var all []journal.Record
	for range n {
		all = append(all, c.next(journal.KindPlay, journal.Play{Item: fmt.Sprintf("muc-%d", c.seq), Complete: true}))
	}
	return all
}

// A desk is an open store.
type desk struct {
	*store.Store
	t    *testing.T
	path string
}

func open(t *testing.T, o store.Options) *desk {
	t.Helper()
	o.Path = filepath.Join(t.TempDir(), "center.db")
	d := &desk{t: t, path: o.Path}
	d.reopen(o)
	return d
}

func (d *desk) reopen(o store.Options) {
	d.t.Helper()
	o.Path = d.path
	s, err := store.Open(d.t.Context(), o)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Store = s
	d.t.Cleanup(func() { s.Close() })
}

func (d *desk) write(changes ...store.Change) []store.Outcome {
	d.t.Helper()
	outcomes, err := d.Write(d.t.Context(), noon, changes)
	if err != nil {
		d.t.Fatal(err)
	}
	return outcomes
}

func (d *desk) collect(records ...journal.Record) store.Outcome {
	d.t.Helper()
	return d.write(store.Change{Batch: &store.Batch{Device: device, Records: records}})[0]
}

func (d *desk) verify() store.Report {
	d.t.Helper()
	r, err := store.Verify(d.t.Context(), d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// raw is the database as somebody with a tool sees it.
func (d *desk) raw() *sql.DB {
	d.t.Helper()
	db, err := sql.Open("sqlite3", d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { db.Close() })
	return db
}

// rows gives the first column of a query as text.
func (d *desk) rows(query string, args ...any) []string {
	d.t.Helper()
	rows, err := d.raw().Query(query, args...)
	if err != nil {
		d.t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			d.t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		d.t.Fatal(err)
	}
	return all
}

func codes(o store.Outcome) []string {
	var all []string
	for _, i := range o.Incidents {
		all = append(all, i.Code)
	}
	return all
}
