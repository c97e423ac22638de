package sqlite

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// maxSalvagedRows is how much is read of each table but that of the records, far above what a journal holds: a
// damaged one may claim anything.
const maxSalvagedRows = 10_000

// Limits on what is taken over from the tables of settings, counters and the heartbeat, in bytes.
const (
	maxSalvagedValue = 1 << 20  // of one row
	maxSalvagedBytes = 32 << 20 // of all settings
)

// copyBatch records are at most 4 MB.
const copyBatch = 500

// errUnknownTables: of a newer program's tables only setting, counter and heartbeat are known to be as they were.
var errUnknownTables = errors.New("their tables may have another meaning")

// salvage is what can still be read of a damaged journal. Its zero value is that of a device's first journal.
type salvage struct {
	damage    *damage // nil for a first journal
	settings  map[string][]byte
	counters  map[string]uint64
	heartbeat string
	seq       uint64 // the highest number that was readable
	pending   []span // unacknowledged and proven, oldest first
	carried   int    // how many these are, without checkpoints
	unsent    uint64 // what the unacknowledged checkpoints would have told the centre
	lost      []string
}

func (s *salvage) lose(what string, err error) {
	if err != nil {
		s.lost = append(s.lost, fmt.Sprintf("%s (%s)", what, err))
	}
}

func (s salvage) lostLine() string { return strings.Join(s.lost, ", ") }

// rescue reads what it can and notes what it cannot. Each part is tried by itself: damage is mostly local.
func rescue(ctx context.Context, db *sql.DB, o Options, d *damage) salvage {
	s := salvage{damage: d, settings: map[string][]byte{}, counters: map[string]uint64{}}
	s.lose("settings", s.rescueSettings(ctx, db))
	s.lose("counters", s.rescueCounters(ctx, db))
	s.lose("heartbeat", eachBounded(ctx, db, "body", "heartbeat", "length(body)", func(rows *sql.Rows) error {
		return rows.Scan(&s.heartbeat)
	}))
	s.lose("record numbers", eachRow(ctx, db, "SELECT coalesce(max(seq), 0) FROM record LIMIT ?", func(rows *sql.Rows) error {
		return rows.Scan(&s.seq)
	}))
	if d.kind == ahead {
		s.lose("unacknowledged records", errUnknownTables)
		return s
	}
	s.lose("unacknowledged records", s.rescuePending(ctx, db, o))
	return s
}

func (s *salvage) rescueSettings(ctx context.Context, db *sql.DB) error {
	sum := 0
	return eachBounded(ctx, db, "key, value", "setting", "length(key) + length(value)", func(rows *sql.Rows) error {
		var key string
		var value []byte
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		if sum += len(key) + len(value); sum > maxSalvagedBytes {
			return fmt.Errorf("more than %d bytes", maxSalvagedBytes)
		}
		s.settings[key] = value
		return nil
	})
}

func (s *salvage) rescueCounters(ctx context.Context, db *sql.DB) error {
	return eachBounded(ctx, db, "name, value", "counter", "length(name)", func(rows *sql.Rows) error {
		var name string
		var value uint64
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		s.counters[name] = value
		return nil
	})
}

// rescuePending notes which unacknowledged records are proven to be this device's, by the signed head or by one
// that was kept: what an intruder put there must not be signed anew. They are copied later.
func (s *salvage) rescuePending(ctx context.Context, old *sql.DB, o Options) error {
	st, err := readState(ctx, old)
	if err != nil {
		return err
	}
	s.seq = max(s.seq, st.head.Seq, st.acked)
	if err := st.head.Check(public(o.Key)); err != nil {
		return err
	}
	kept, err := keptHeads(ctx, old, public(o.Key))
	s.lose("kept heads", err)
	w := walker{q: old, above: st.acked, use: s.take}
	for from := st.head.Head; from.Seq > st.acked; {
		next, flaw := w.down(ctx, from)
		if next < from.Seq {
			s.pending = append(s.pending, span{next + 1, from.Seq})
		}
		if flaw == nil {
			break
		}
		from = newestBelow(kept, next)
		s.lose(fmt.Sprintf("records %d to %d", max(from.Seq, st.acked)+1, next), flaw)
	}
	slices.Reverse(s.pending)
	return nil
}

// take counts what will be copied. A checkpoint is about the beginning of the old chain; the new one has its own,
// which tells the centre what this one would have told it.
func (s *salvage) take(r journal.Record) error {
	if r.Kind != journal.KindCheckpoint {
		s.carried++
		return nil
	}
	unsent, err := unsentOf(r)
	s.unsent += unsent
	return err
}

// keptHeads reads the heads that this device signed to be kept, newest first.
func keptHeads(ctx context.Context, old *sql.DB, key ed25519.PublicKey) (kept []journal.Head, err error) {
	const query = "SELECT seq, hash, at, signature FROM signed_head ORDER BY seq DESC LIMIT ?"
	err = eachRow(ctx, old, query, func(rows *sql.Rows) error {
		var h journal.KeptHead
		var hash []byte
		if err := rows.Scan(&h.Seq, &hash, &h.At, &h.Signature); err != nil {
			return err
		}
		if len(hash) == len(h.Hash) {
			h.Hash = journal.Hash(hash)
		}
		if h.Check(key) == nil { // another proves nothing; Verify reports it
			kept = append(kept, h.Head)
		}
		return nil
	})
	return kept, err
}

// newestBelow returns the first head with a number below seq, or the zero Head.
func newestBelow(heads []journal.Head, seq uint64) journal.Head {
	for _, h := range heads {
		if h.Seq < seq {
			return h
		}
	}
	return journal.Head{}
}

// copyPending appends the proven records behind head, a few of them in memory at a time.
func (s salvage) copyPending(ctx context.Context, old sqlfile.Querier, tx *sql.Tx, head journal.Head) (journal.Head, error) {
	for _, part := range s.pending {
		for above := part.first - 1; above < part.last; {
			// Nothing behind the span is touched: what cannot be read may begin there.
			batch, err := records(ctx, old, above, int(min(copyBatch, part.last-above)))
			if err != nil {
				return head, err
			}
			if len(batch) == 0 {
				return head, missing(above + 1)
			}
			above = batch[len(batch)-1].Seq
			if head, err = insert(ctx, tx, head, entriesOf(batch)); err != nil {
				return head, err
			}
		}
	}
	return head, nil
}

// A span is a run of records, both ends included.
type span struct{ first, last uint64 }

// entriesOf makes entries anew of the records that are no checkpoints.
func entriesOf(batch []journal.Record) (entries []journal.Entry) {
	for _, r := range batch {
		if r.Kind != journal.KindCheckpoint {
			entries = append(entries, journal.Entry{Stamp: r.Stamp, Kind: r.Kind, Body: r.Body})
		}
	}
	return entries
}

// eachBounded calls use for the rows whose size is at most maxSalvagedValue. It fails, after these, when there are
// larger ones.
func eachBounded(ctx context.Context, db *sql.DB, columns, table, size string, use func(*sql.Rows) error) error {
	fit := fmt.Sprintf("SELECT %s FROM %s WHERE %s <= %d LIMIT ?", columns, table, size, maxSalvagedValue)
	if err := eachRow(ctx, db, fit, use); err != nil {
		return err
	}
	var larger int
	count := fmt.Sprintf("SELECT count(*) FROM %s WHERE %s > %d", table, size, maxSalvagedValue)
	if err := db.QueryRowContext(ctx, count).Scan(&larger); err != nil || larger == 0 {
		return err
	}
	return fmt.Errorf("%d of more than %d bytes", larger, maxSalvagedValue)
}

func eachRow(ctx context.Context, db *sql.DB, query string, use func(*sql.Rows) error) (err error) {
	rows, err := db.QueryContext(ctx, query, maxSalvagedRows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := use(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
