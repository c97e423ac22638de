package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"bangtin/internal/journal"
)

// Limits on what is taken over from a damaged file, far above what a journal holds: a damaged one may claim
// anything.
const (
	maxSalvagedRows    = 10_000
	maxSalvagedRecords = 20_000 // a week without the centre
)

// salvage is what can still be read of a damaged journal. Its zero value is that of a device's first journal.
type salvage struct {
	damage    *damage // nil for a first journal
	settings  map[string][]byte
	counters  map[string]uint64
	heartbeat string
	seq       uint64           // the highest number that was readable
	pending   []journal.Record // unacknowledged, without checkpoints
	unsent    uint64           // what the unacknowledged checkpoints would have told the centre
	lost      []string
}

func (s *salvage) lose(what string, err error) {
	if err != nil {
		s.lost = append(s.lost, fmt.Sprintf("%s (%s)", what, err))
	}
}

func (s salvage) lostLine() string { return strings.Join(s.lost, ", ") }

// rescue reads what it can and notes what it cannot. Each part is tried by itself: damage is mostly local.
func rescue(ctx context.Context, o Options, d *damage) salvage {
	s := salvage{damage: d, settings: map[string][]byte{}, counters: map[string]uint64{}}
	db := openDB(o.Path, readOnly, 0)
	s.lose("settings", eachRow(ctx, db, "SELECT key, value FROM setting LIMIT ?", func(rows *sql.Rows) error {
		var key string
		var value []byte
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		s.settings[key] = value
		return nil
	}))
	s.lose("counters", eachRow(ctx, db, "SELECT name, value FROM counter LIMIT ?", func(rows *sql.Rows) error {
		var name string
		var value uint64
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		s.counters[name] = value
		return nil
	}))
	s.lose("heartbeat", eachRow(ctx, db, "SELECT body FROM heartbeat LIMIT ?", func(rows *sql.Rows) error {
		return rows.Scan(&s.heartbeat)
	}))
	s.lose("record numbers", eachRow(ctx, db, "SELECT coalesce(max(seq), 0) FROM record LIMIT ?", func(rows *sql.Rows) error {
		return rows.Scan(&s.seq)
	}))
	s.lose("unacknowledged records", s.rescuePending(ctx, db, o))
	s.lose("connection", db.Close())
	return s
}

// rescuePending takes the unacknowledged records over when they follow from each other up to a head that this
// device signed. All or none: what an intruder put there must not be signed anew.
func (s *salvage) rescuePending(ctx context.Context, db *sql.DB, o Options) error {
	st, err := readState(ctx, db)
	if err != nil {
		return err
	}
	s.seq = max(s.seq, st.head.Seq, st.acked)
	if st.acked >= st.head.Seq {
		return nil
	}
	if err := st.head.Check(public(o.Key)); err != nil {
		return err
	}
	pending, err := records(ctx, db, st.acked, maxSalvagedRecords+1)
	if err != nil {
		return err
	}
	if len(pending) > maxSalvagedRecords {
		return fmt.Errorf("more than %d", maxSalvagedRecords)
	}
	if err := hangTogether(pending, st.head.Head); err != nil {
		return err
	}
	for _, r := range pending {
		if err := s.carry(r); err != nil {
			return err
		}
	}
	return nil
}

// carry takes r over. A checkpoint is about the beginning of the old chain, where the new one has its own, which
// tells the centre what this one would have told it.
func (s *salvage) carry(r journal.Record) error {
	if r.Kind != journal.KindCheckpoint {
		s.pending = append(s.pending, r)
		return nil
	}
	unsent, err := unsentOf(r)
	s.unsent += unsent
	return err
}

func hangTogether(chain []journal.Record, head journal.Head) error {
	if len(chain) == 0 {
		return errors.New("none found")
	}
	prev, seq := chain[0].Prev, chain[0].Seq
	for _, r := range chain {
		if err := journal.Check(prev, r); err != nil {
			return err
		}
		if r.Seq != seq {
			return fmt.Errorf("record %d is missing", seq)
		}
		prev, seq = r.Hash, seq+1
	}
	if prev != head.Hash {
		return fmt.Errorf("they do not end at the signed head %d", head.Seq)
	}
	return nil
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
