package sqlite

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// maxFindings ends a report that has nothing new to tell.
const maxFindings = 100

// A Report is what Verify found.
type Report struct {
	Records  int      // read
	First    uint64   // number of the first record; 0 when there is none
	Last     uint64   // number of the last record
	Acked    uint64   // acknowledged by the centre up to here
	Findings []string // one line each: what is wrong and where; the first maxFindings of them
}

// OK is whether nothing is wrong.
func (r Report) OK() bool { return len(r.Findings) == 0 }

// Verify reads the journal at path from its beginning to its end and reports every record that was changed,
// removed, moved or inserted by anyone who does not have the private half of key. It does not write, and may
// run while the daemon does: it sees the journal as it was when it began. The error is about reading; what is
// wrong with the journal stands in the report.
func Verify(ctx context.Context, path string, key ed25519.PublicKey) (report Report, err error) {
	db := openDB(path, sqlfile.ReadOnly, 0)
	defer func() { err = errors.Join(err, db.Close()) }()
	v := &verifier{key: key}
	err = sqlfile.InTx(ctx, db, func(tx *sql.Tx) error { return v.run(ctx, tx) })
	if isDamage(err) {
		v.find("the file is damaged: %s", err)
		return v.report, nil
	}
	if err != nil {
		return v.report, fmt.Errorf("cannot verify journal %s: %w", path, err)
	}
	return v.report, nil
}

type verifier struct {
	key        ed25519.PublicKey
	report     Report
	before     journal.Record // the record before the one being read
	first      journal.Record
	checkpoint *journal.Checkpoint // the newest one read
}

func (v *verifier) find(format string, args ...any) {
	if len(v.report.Findings) < maxFindings {
		v.report.Findings = append(v.report.Findings, fmt.Sprintf(format, args...))
	}
}

func (v *verifier) run(ctx context.Context, tx *sql.Tx) error {
	if err := checkSchema(ctx, tx); err != nil {
		return err
	}
	var damaged *damage
	err := checkIntegrity(ctx, tx)
	if errors.As(err, &damaged) {
		v.find("the file is damaged: %s", damaged.reason)
	} else if err != nil {
		return err
	}
	if err := v.walk(ctx, tx); err != nil {
		return err
	}
	v.checkBeginning()
	if err := v.checkEnd(ctx, tx); err != nil {
		return err
	}
	return v.checkSignedHeads(ctx, tx)
}

// walk reads every record and compares it with the one before.
func (v *verifier) walk(ctx context.Context, tx *sql.Tx) (err error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+recordColumns+" FROM record ORDER BY seq")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			v.find("a record behind %d cannot be read: %s", v.before.Seq, err)
			continue
		}
		v.record(r)
	}
	return rows.Err()
}

func (v *verifier) record(r journal.Record) {
	v.report.Records++
	if v.report.Records == 1 {
		v.first = r
		v.report.First = r.Seq
		v.before = journal.Record{Seq: r.Seq - 1, Hash: r.Prev} // checkBeginning judges these
	}
	if r.Seq != v.before.Seq+1 {
		v.find("records %d to %d are missing", v.before.Seq+1, r.Seq-1)
	}
	if err := journal.Check(v.before.Hash, r); err != nil {
		v.find("%s", err)
	}
	if r.Kind == journal.KindCheckpoint {
		v.readCheckpoint(r)
	}
	v.before = r
	v.report.Last = r.Seq
}

func (v *verifier) readCheckpoint(r journal.Record) {
	var c journal.Checkpoint
	err := json.Unmarshal(r.Body, &c)
	if err == nil {
		err = c.Check(v.key)
	}
	if err != nil {
		v.find("record %d: %s", r.Seq, err)
		return
	}
	v.checkpoint = &c
}

// checkBeginning makes sure that what is missing before the first record was removed by Prune, or set aside by
// Open: the newest checkpoint says so. Without any checkpoint the chain begins with the number 1.
func (v *verifier) checkBeginning() {
	if v.report.Records == 0 {
		return
	}
	var begin journal.Checkpoint
	if v.checkpoint != nil {
		begin = *v.checkpoint
	}
	if v.first.Seq != begin.Upto+1 {
		v.find("the first record is %d, it must be %d: records were removed from the beginning", v.first.Seq, begin.Upto+1)
	} else if v.first.Prev != begin.Hash {
		v.find("record %d does not follow the last record that was pruned", v.first.Seq)
	}
}

// checkEnd compares the last record with the head that is signed at every commit.
func (v *verifier) checkEnd(ctx context.Context, tx *sql.Tx) error {
	s, err := readState(ctx, tx)
	if errors.Is(err, journal.ErrBroken) {
		v.find("the head cannot be read: %s", err)
		return nil
	}
	if err != nil {
		return err
	}
	v.report.Acked = s.acked
	head := s.head
	if err := head.Check(v.key); err != nil {
		v.find("%s", err)
	}
	switch {
	case v.report.Last < head.Seq:
		v.find("records %d to %d are missing at the end", v.report.Last+1, head.Seq)
	case v.report.Last > head.Seq:
		v.find("records %d to %d lie behind the head", head.Seq+1, v.report.Last)
	case v.before.Hash != head.Hash:
		v.find("record %d is not the one that the head names", head.Seq)
	}
	return nil
}

// checkSignedHeads compares the heads kept daily with the records they were taken from.
func (v *verifier) checkSignedHeads(ctx context.Context, tx *sql.Tx) (err error) {
	rows, err := tx.QueryContext(ctx, `SELECT h.seq, h.hash, h.at, h.signature, r.hash
		FROM signed_head h LEFT JOIN record r ON r.seq = h.seq ORDER BY h.seq`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var h journal.KeptHead
		var hash, recordHash []byte
		if err := rows.Scan(&h.Seq, &hash, &h.At, &h.Signature, &recordHash); err != nil {
			return err
		}
		if h.Hash, err = hashOf(hash); err != nil {
			v.find("the daily head %d cannot be read: %s", h.Seq, err)
			continue
		}
		if err := h.Check(v.key); err != nil {
			v.find("daily: %s", err)
		}
		if string(recordHash) != string(hash) {
			v.find("record %d is not the one that the daily head of %d names", h.Seq, h.Seq)
		}
	}
	return rows.Err()
}
