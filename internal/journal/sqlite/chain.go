package sqlite

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// A state is the one row of table chain: where the chain ends and how far it is acknowledged.
type state struct {
	head  journal.SignedHead
	acked uint64
}

// readState reads the row, which is there from the beginning: an empty chain has a signed head with the number 0.
func readState(ctx context.Context, q sqlfile.Querier) (state, error) {
	var s state
	var hash []byte
	err := q.QueryRowContext(ctx, "SELECT seq, hash, at, signature, acked FROM chain").
		Scan(&s.head.Seq, &hash, &s.head.At, &s.head.Signature, &s.acked)
	if errors.Is(err, sql.ErrNoRows) {
		return state{}, fmt.Errorf("%w: there is no head", journal.ErrBroken)
	}
	if err != nil {
		return state{}, fmt.Errorf("cannot read head: %w", err)
	}
	s.head.Hash, err = hashOf(hash)
	return s, err
}

func writeState(ctx context.Context, tx *sql.Tx, s state) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO chain (one, seq, hash, at, signature, acked) VALUES (1, ?, ?, ?, ?, ?)
		ON CONFLICT (one) DO UPDATE SET
			seq = excluded.seq, hash = excluded.hash, at = excluded.at,
			signature = excluded.signature, acked = excluded.acked`,
		s.head.Seq, s.head.Hash[:], s.head.At, s.head.Signature, s.acked)
	return err
}

// append seals entries behind the newest record and signs the new head.
func (j *Journal) append(ctx context.Context, tx *sql.Tx, entries []journal.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	s, err := readState(ctx, tx)
	if err != nil {
		return err
	}
	head, err := insert(ctx, tx, s.head.Head, entries)
	if err != nil {
		return err
	}
	s.head = head.Sign(j.key)
	return writeState(ctx, tx, s)
}

// insert writes entries behind head and returns the new one, unsigned.
func insert(ctx context.Context, tx *sql.Tx, head journal.Head, entries []journal.Entry) (journal.Head, error) {
	for _, e := range entries {
		r, err := journal.Seal(head.Hash, head.Seq+1, e)
		if err != nil {
			return head, err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO record (seq, boot, mono, wall, trust, kind, body, prev, hash)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.Seq, r.Stamp.Boot, int64(r.Stamp.Mono), r.Stamp.Wall.UnixNano(), string(r.Stamp.Trust),
			string(r.Kind), string(r.Body), r.Prev[:], r.Hash[:])
		if err != nil {
			return head, err
		}
		head = journal.Head{Seq: r.Seq, Hash: r.Hash, At: r.Stamp.Wall.Unix()}
	}
	return head, nil
}

const recordColumns = "seq, boot, mono, wall, trust, kind, body, prev, hash"

// records reads at most limit records above seq, oldest first.
func records(ctx context.Context, q sqlfile.Querier, above uint64, limit int) (found []journal.Record, err error) {
	// With seq > above SQLite would begin at the page of the record above, which may be a damaged one.
	from := int64(min(above, math.MaxInt64-1)) + 1
	rows, err := q.QueryContext(ctx,
		"SELECT "+recordColumns+" FROM record WHERE seq >= ? ORDER BY seq LIMIT ?", from, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

func scanRecord(rows *sql.Rows) (journal.Record, error) {
	var r journal.Record
	var mono, wall int64
	var body string
	var prev, hash []byte
	err := rows.Scan(&r.Seq, &r.Stamp.Boot, &mono, &wall, &r.Stamp.Trust, &r.Kind, &body, &prev, &hash)
	if err != nil {
		return r, err
	}
	r.Stamp.Mono = time.Duration(mono)
	r.Stamp.Wall = time.Unix(0, wall).UTC()
	r.Body = []byte(body)
	prevHash, prevErr := hashOf(prev)
	ownHash, ownErr := hashOf(hash)
	r.Prev, r.Hash = prevHash, ownHash
	if err := errors.Join(prevErr, ownErr); err != nil {
		return r, fmt.Errorf("record %d: %w", r.Seq, err)
	}
	return r, nil
}

func hashOf(b []byte) (journal.Hash, error) {
	if len(b) != len(journal.Hash{}) {
		return journal.Hash{}, fmt.Errorf("%w: hash has %d bytes", journal.ErrBroken, len(b))
	}
	return journal.Hash(b), nil
}

// public is the half of key that anyone may know.
func public(key ed25519.PrivateKey) ed25519.PublicKey {
	return key.Public().(ed25519.PublicKey)
}
