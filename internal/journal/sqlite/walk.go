package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// A walker follows the chain from a signed head back to its beginning. That way every record is proven by the
// signature before it is used, which nobody can tell of a chain read from its beginning.
type walker struct {
	q      sqlfile.Querier
	above  uint64                     // the walk ends with the record after this one
	use    func(journal.Record) error // is given each record that is proven
	pruned uint64                     // Upto of the newest checkpoint seen: where the chain may begin
}

// down walks from head. It returns the number of the highest record that is not proven. The error says what is
// wrong with it and wraps journal.ErrBroken unless the file cannot be read; it is nil when the walk came to
// w.above or to the beginning of the chain.
func (w *walker) down(ctx context.Context, head journal.Head) (next uint64, err error) {
	next = head.Seq
	rows, err := w.q.QueryContext(ctx, "SELECT "+recordColumns+` FROM record
		WHERE seq > ? AND seq <= ? ORDER BY seq DESC LIMIT ?`, int64(w.above), int64(head.Seq), int64(head.Seq-w.above))
	if err != nil {
		return next, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for want := head.Hash; rows.Next(); next-- {
		r, err := scanRecord(rows)
		if err != nil {
			return next, fmt.Errorf("%w: record %d cannot be read: %w", journal.ErrBroken, next, err)
		}
		if err := w.step(r, next, want); err != nil {
			return next, err
		}
		want = r.Prev
	}
	if err := rows.Err(); err != nil {
		return next, err
	}
	if next != w.above && next != w.pruned {
		return next, missing(next)
	}
	return next, nil
}

func (w *walker) step(r journal.Record, seq uint64, want journal.Hash) error {
	if r.Seq != seq {
		return missing(seq)
	}
	if r.Hash != want {
		return fmt.Errorf("%w: record %d is not the one that follows", journal.ErrBroken, seq)
	}
	if err := journal.Check(r.Prev, r); err != nil {
		return err
	}
	if r.Kind == journal.KindCheckpoint && w.pruned == 0 {
		var c journal.Checkpoint
		if err := json.Unmarshal(r.Body, &c); err != nil {
			return fmt.Errorf("%w: checkpoint %d: %w", journal.ErrBroken, seq, err)
		}
		w.pruned = c.Upto
	}
	return w.use(r)
}

func missing(seq uint64) error {
	return fmt.Errorf("%w: record %d is missing", journal.ErrBroken, seq)
}
