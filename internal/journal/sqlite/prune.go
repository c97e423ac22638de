package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// A Policy says what Prune removes.
type Policy struct {
	Age      time.Duration // acknowledged records older than this go; 0 means that none goes because of its age
	MaxBytes int64         // over this the oldest records go, acknowledged or not
	Batch    int           // at most so many records are looked at in one transaction
}

// DefaultPolicy keeps 90 days. Whoever does not trust the clock must set Age to 0: one that is years ahead makes
// every record old. A play takes 410 bytes (BenchmarkOpenAndVerify): 90 days of 2000 plays are 74 MB.
func DefaultPolicy() Policy {
	return Policy{Age: 90 * 24 * time.Hour, MaxBytes: 256 << 20, Batch: 500}
}

// Pruned tells what one call of Prune did.
type Pruned struct {
	Removed int    // records
	Carried int    // of these, incidents and orders appended again
	Unsent  uint64 // of these, lost to the centre
	More    bool   // there is more to remove: call again
}

// Prune removes at most one batch of records that p says are to go, see the package documentation. It does
// nothing, and writes nothing, when there are none. It works on a full journal: what it removes makes room for what
// it appends. now matters to the policy's age alone, and stands on the checkpoint. Call it now and then, and again while More is true.
func (j *Journal) Prune(ctx context.Context, now time.Time, p Policy) (Pruned, error) {
	if p.Batch < 1 {
		return Pruned{}, fmt.Errorf("cannot prune journal: a batch of %d records", p.Batch)
	}
	var done Pruned
	err := j.transact(ctx, "chain.prune", func(tx *sql.Tx) error {
		cut, err := j.choose(ctx, tx, now, p)
		if err != nil || len(cut.records) == 0 {
			return err
		}
		done, err = j.cut(ctx, tx, cut)
		return err
	})
	if err != nil {
		return Pruned{}, err
	}
	return done, nil
}

// A cut is the beginning of the chain that is to go.
type cut struct {
	records []journal.Record
	reason  string
	acked   uint64
	at      int64
	more    bool
}

// choose decides by size first, because age alone never removes what is not acknowledged.
func (j *Journal) choose(ctx context.Context, tx *sql.Tx, now time.Time, p Policy) (cut, error) {
	s, err := readState(ctx, tx)
	if err != nil {
		return cut{}, err
	}
	oldest, err := records(ctx, tx, 0, p.Batch)
	if err != nil {
		return cut{}, err
	}
	c := cut{acked: s.acked, at: now.Unix(), more: len(oldest) == p.Batch}
	used, err := usedBytes(ctx, tx)
	if err != nil {
		return cut{}, err
	}
	if used > p.MaxBytes {
		worth, err := worthCutting(ctx, tx, s.acked)
		if worth {
			c.records, c.reason = oldest, journal.PrunedSize
		}
		return c, err
	}
	if p.Age == 0 {
		return cut{}, nil
	}
	keep := func(r journal.Record) bool { return r.Seq > s.acked || now.Sub(r.Stamp.Wall) <= p.Age }
	if n := slices.IndexFunc(oldest, keep); n >= 0 {
		oldest, c.more = oldest[:n], false
	}
	c.records, c.reason = oldest, journal.PrunedAge
	return c, nil
}

// usedBytes is the size of the database without its free pages.
func usedBytes(ctx context.Context, q sqlfile.Querier) (int64, error) {
	var pages, free, size int64
	err := q.QueryRowContext(ctx, `SELECT page_count, freelist_count, page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&pages, &free, &size)
	if err != nil {
		return 0, fmt.Errorf("cannot read size of journal: %w", err)
	}
	return (pages - free) * size, nil
}

// worthCutting is false when the chain holds only what would have to be appended again.
func worthCutting(ctx context.Context, q sqlfile.Querier, acked uint64) (bool, error) {
	var worth bool
	err := q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM record
		WHERE seq <= ? OR kind NOT IN ('incident', 'order', 'checkpoint'))`, int64(acked)).Scan(&worth)
	return worth, err
}

// cut removes the records, appends what must not be lost, and closes with the checkpoint.
func (j *Journal) cut(ctx context.Context, tx *sql.Tx, c cut) (Pruned, error) {
	last := c.records[len(c.records)-1]
	done := Pruned{Removed: len(c.records), More: c.more}
	var entries []journal.Entry
	for _, r := range c.records {
		if r.Seq <= c.acked {
			continue
		}
		switch r.Kind {
		case journal.KindIncident, journal.KindOrder:
			entries = append(entries, journal.Entry{Stamp: r.Stamp, Kind: r.Kind, Body: r.Body})
			done.Carried++
		case journal.KindCheckpoint:
			unsent, err := unsentOf(r)
			if err != nil {
				return Pruned{}, err
			}
			done.Unsent += unsent
		default:
			done.Unsent++
		}
	}
	checkpoint := journal.Checkpoint{Upto: last.Seq, Hash: last.Hash, At: c.at, Reason: c.reason, Unsent: done.Unsent}
	entries = append(entries, journal.Entry{
		Stamp: j.stamp(), Kind: journal.KindCheckpoint, Body: checkpoint.Sign(j.key),
	})
	for _, table := range []string{"record", "signed_head"} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE seq <= ?", int64(last.Seq)); err != nil {
			return Pruned{}, err
		}
	}
	return done, j.append(ctx, tx, entries)
}

// unsentOf is what an unacknowledged checkpoint would have told the centre; the next one tells it instead.
func unsentOf(r journal.Record) (uint64, error) {
	var c journal.Checkpoint
	if err := json.Unmarshal(r.Body, &c); err != nil {
		return 0, fmt.Errorf("cannot read checkpoint %d: %w", r.Seq, err)
	}
	return c.Unsent, nil
}
