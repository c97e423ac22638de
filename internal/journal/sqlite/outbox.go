package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// Pending returns the oldest records that the centre has not acknowledged, at most limit of them, oldest first
// and without a gap between them. After Prune had to drop unacknowledged records the first may lie more than
// one above the last acknowledged; the checkpoint that explains it is further on.
func (j *Journal) Pending(ctx context.Context, limit int) (pending []journal.Record, err error) {
	err = sqlfile.InTx(ctx, j.db, func(tx *sql.Tx) error {
		s, err := readState(ctx, tx)
		if err != nil {
			return err
		}
		pending, err = records(ctx, tx, s.acked, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read outbox: %w", explain(err))
	}
	return pending, nil
}

// Depth counts the records that the centre has not acknowledged.
func (j *Journal) Depth(ctx context.Context) (uint64, error) {
	var depth uint64
	err := j.db.QueryRowContext(ctx, `SELECT coalesce(max(seq) - max((SELECT acked FROM chain), min(seq) - 1), 0)
		FROM record`).Scan(&depth)
	if err != nil {
		return 0, fmt.Errorf("cannot read outbox: %w", explain(err))
	}
	return depth, nil
}

// Acknowledge notes that the centre has committed everything up to and including the record upto, whose hash is
// head. To repeat an older acknowledgement is harmless. The error wraps journal.ErrForeignAck when there is no
// such record yet or its hash is another.
func (j *Journal) Acknowledge(ctx context.Context, upto uint64, head journal.Hash) error {
	return j.transact(ctx, "outbox.acknowledge", func(tx *sql.Tx) error {
		s, err := readState(ctx, tx)
		if err != nil {
			return err
		}
		if upto <= s.acked {
			return nil
		}
		if upto > s.head.Seq {
			return fmt.Errorf("%w: record %d of %d", journal.ErrForeignAck, upto, s.head.Seq)
		}
		if err := holds(ctx, tx, upto, head); err != nil {
			return err
		}
		s.acked = upto
		return writeState(ctx, tx, s)
	})
}

// holds fails unless the record seq is there with the given hash, or was pruned, so that nobody can tell.
func holds(ctx context.Context, q sqlfile.Querier, seq uint64, want journal.Hash) error {
	var raw []byte
	err := q.QueryRowContext(ctx, "SELECT hash FROM record WHERE seq = ?", int64(seq)).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	have, err := hashOf(raw)
	if err != nil {
		return err
	}
	if have != want {
		return fmt.Errorf("%w: record %d has the hash %s, not %s", journal.ErrForeignAck, seq, have, want)
	}
	return nil
}

// SignHead keeps the present head, signed as of at, for as long as its record is kept, and returns it. Meant to
// be called once a day. The head of an empty chain has the number 0 and is not kept.
func (j *Journal) SignHead(ctx context.Context, at int64) (journal.KeptHead, error) {
	var signed journal.KeptHead
	err := j.transact(ctx, "chain.sign", func(tx *sql.Tx) error {
		s, err := readState(ctx, tx)
		if err != nil {
			return err
		}
		signed = journal.Head{Seq: s.head.Seq, Hash: s.head.Hash, At: at}.Keep(j.key)
		if signed.Seq == 0 {
			return nil
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO signed_head (seq, hash, at, signature) VALUES (?, ?, ?, ?)
			ON CONFLICT (seq) DO UPDATE SET at = excluded.at, signature = excluded.signature`,
			signed.Seq, signed.Hash[:], signed.At, signed.Signature)
		return err
	})
	return signed, err
}
