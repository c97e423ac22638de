package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// maxLines ends a report that has nothing new to tell.
const maxLines = 200

// unanswered is how long after its end a command may be without a final status: the centre gives it one.
const unanswered = 15 * time.Minute

// A Report is what Verify found.
type Report struct {
	Displays, Records, Again, Commands int
	Found                              int
	Findings                           []string // one line each: what is wrong and where; the first maxLines of them
	Notes                              []string // what is explained: gaps with their reason, chains that were replaced
}

// OK is whether nothing is wrong.
func (r Report) OK() bool { return r.Found == 0 }

// Verify reads the whole database at path and reports records that were changed, removed or moved, numbers that are
// missing without a reason, and commands without a final status. It does not write, and may run while the centre does:
// it sees the database as it was when it began. The error is about reading; what is wrong stands in the report.
func Verify(ctx context.Context, path string) (report Report, err error) {
	db := openDB(path, sqlfile.ReadOnly, 0)
	defer func() { err = errors.Join(err, db.Close()) }()
	v := &verifier{ctx: ctx, now: time.Now()}
	err = sqlfile.InTx(ctx, db, func(tx *sql.Tx) error {
		v.tx = tx
		return v.run()
	})
	if err != nil {
		return v.report, fmt.Errorf("cannot verify %s: %w", path, err)
	}
	return v.report, nil
}

type verifier struct {
	ctx    context.Context
	tx     *sql.Tx
	now    time.Time
	report Report
}

func (v *verifier) find(format string, args ...any) {
	if v.report.Found++; len(v.report.Findings) < maxLines {
		v.report.Findings = append(v.report.Findings, fmt.Sprintf(format, args...))
	}
}

func (v *verifier) note(format string, args ...any) {
	if len(v.report.Notes) < maxLines {
		v.report.Notes = append(v.report.Notes, fmt.Sprintf(format, args...))
	}
}

func (v *verifier) run() error {
	if _, _, err := schema().Schema(v.ctx, v.tx); err != nil {
		return err
	}
	if err := v.each(v.integrity, "PRAGMA integrity_check(20)"); err != nil {
		return err
	}
	var displays []display
	if err := v.each(func(rows *sql.Rows) error {
		var d display
		err := rows.Scan(&d.id, &d.device, &d.epoch, &d.seq, &d.hash)
		displays = append(displays, d)
		return err
	}, "SELECT id, device, epoch, seq, hash FROM display ORDER BY device"); err != nil {
		return err
	}
	v.report.Displays = len(displays)
	for i := range displays {
		if err := v.display(&displays[i]); err != nil {
			return err
		}
	}
	return v.commands()
}

func (v *verifier) each(do func(*sql.Rows) error, query string, args ...any) error {
	return each(v.ctx, v.tx, do, query, args...)
}

func (v *verifier) integrity(rows *sql.Rows) error {
	var line string
	if err := rows.Scan(&line); err != nil {
		return err
	}
	if line != "ok" {
		v.find("the file is damaged: %s", line)
	}
	return nil
}

// A display is one as its row names it, and where its chains have come to while they are read.
type display struct {
	id, epoch int64
	device    string
	seq       uint64
	hash      []byte
	chains    map[int64]*chain
	gaps      map[int64][]gap
}

type chain struct {
	seq  uint64
	hash journal.Hash
}

type gap struct {
	first, last uint64
	why         sql.NullString
	used        bool
}

func (v *verifier) display(d *display) error {
	d.chains, d.gaps = map[int64]*chain{}, map[int64][]gap{}
	if err := v.gaps(d); err != nil {
		return err
	}
	err := v.each(func(rows *sql.Rows) error { return v.record(d, rows) },
		`SELECT r.seq, r.epoch, run.boot, r.mono, r.wall, r.trust, r.kind, r.body, r.prev, r.hash, r.again
		FROM record r JOIN run ON run.id = r.run WHERE r.display = ? ORDER BY r.seq, r.epoch`, d.id)
	if err != nil {
		return err
	}
	for epoch := range d.epoch {
		v.note("%s: chain %d was replaced by another", d.device, epoch)
	}
	for _, gaps := range d.gaps {
		for _, g := range gaps {
			if !g.used {
				v.find("%s: records %d to %d are noted as missing and are not", d.device, g.first, g.last)
			}
		}
	}
	return v.end(d)
}

func (v *verifier) gaps(d *display) error {
	return v.each(func(rows *sql.Rows) error {
		var epoch int64
		var g gap
		if err := rows.Scan(&epoch, &g.first, &g.last, &g.why); err != nil {
			return err
		}
		d.gaps[epoch] = append(d.gaps[epoch], g)
		if g.why.Valid {
			v.note("%s: records %d to %d did not come: the display removed them (%s)", d.device, g.first, g.last, g.why.String)
		} else {
			v.find("%s: records %d to %d did not come, and nothing says why", d.device, g.first, g.last)
		}
		return nil
	}, "SELECT epoch, first, last, why FROM gap WHERE display = ? ORDER BY epoch, first", d.id)
}

// record compares a record with the one before it in its chain.
func (v *verifier) record(d *display, rows *sql.Rows) error {
	var r journal.Record
	var epoch, mono, wall int64
	var body string
	var prev, hash []byte
	var again bool
	if err := rows.Scan(&r.Seq, &epoch, &r.Stamp.Boot, &mono, &wall, &r.Stamp.Trust, &r.Kind, &body, &prev, &hash, &again); err != nil {
		return err
	}
	v.report.Records++
	if again {
		v.report.Again++
	}
	r.Stamp.Mono, r.Stamp.Wall, r.Body = time.Duration(mono), time.Unix(0, wall).UTC(), []byte(body)
	prevHash, prevErr := hashOf(prev)
	ownHash, ownErr := hashOf(hash)
	if err := errors.Join(prevErr, ownErr); err != nil {
		v.find("%s: record %d cannot be read: %s", d.device, r.Seq, err)
		return nil
	}
	r.Prev, r.Hash = prevHash, ownHash
	v.follow(d, epoch, r)
	return nil
}

func (v *verifier) follow(d *display, epoch int64, r journal.Record) {
	c := d.chains[epoch]
	if c == nil {
		c = &chain{}
		if epoch > 0 {
			c.seq, c.hash = r.Seq-1, r.Prev // where a replaced chain begins, the display alone knows
		}
		d.chains[epoch] = c
	}
	prev := c.hash
	if r.Seq != c.seq+1 {
		if !d.missing(epoch, c.seq+1, r.Seq-1) {
			v.find("%s: records %d to %d were removed", d.device, c.seq+1, r.Seq-1)
		}
		prev = r.Prev
	}
	if err := journal.Check(prev, r); err != nil {
		v.find("%s: %s", d.device, err)
	}
	c.seq, c.hash = r.Seq, r.Hash
}

// missing looks for the gap that was noted when the record after it came.
func (d *display) missing(epoch int64, first, last uint64) bool {
	for i, g := range d.gaps[epoch] {
		if g.first == first && g.last == last {
			d.gaps[epoch][i].used = true
			return true
		}
	}
	return false
}

// end compares the last record with the head that every commit renews.
func (v *verifier) end(d *display) error {
	hash, err := hashOf(d.hash)
	if err != nil {
		v.find("%s: the head cannot be read: %s", d.device, err)
		return nil
	}
	c := d.chains[d.epoch]
	if c == nil {
		c = &chain{}
	}
	switch {
	case c.seq < d.seq:
		v.find("%s: records %d to %d were removed at the end", d.device, c.seq+1, d.seq)
	case c.seq > d.seq:
		v.find("%s: records %d to %d lie behind the head", d.device, d.seq+1, c.seq)
	case c.hash != hash:
		v.find("%s: record %d is not the one that the head names", d.device, d.seq)
	}
	return nil
}

// commands wants a final status of each that has expired.
func (v *verifier) commands() error {
	if err := v.tx.QueryRowContext(v.ctx, "SELECT count(*) FROM outcome").Scan(&v.report.Commands); err != nil {
		return err
	}
	if err := v.each(func(rows *sql.Rows) error {
		var device, id, kind, status string
		err := rows.Scan(&device, &id, &kind, &status)
		v.note("%s: command %s (%s) is %s by the display's answer alone, which nobody signed", device, id, kind, status)
		return err
	}, `SELECT o.device, c.id, c.kind, o.status FROM outcome o JOIN command c USING (digest)
		WHERE o.source = ? AND o.status NOT IN ('SENT', 'RECEIVED') ORDER BY o.device, c.ctr`, int(ByAnswer)); err != nil {
		return err
	}
	if err := v.each(func(rows *sql.Rows) error {
		var device, id, kind string
		err := rows.Scan(&device, &id, &kind)
		v.note("%s: command %s (%s) was received, and nothing tells what became of it", device, id, kind)
		return err
	}, `SELECT o.device, c.id, c.kind FROM outcome o JOIN command c USING (digest)
		WHERE o.status = ? ORDER BY o.device, c.ctr`, string(Unknown)); err != nil {
		return err
	}
	return v.each(func(rows *sql.Rows) error {
		var device, id, kind, status string
		var expires int64
		if err := rows.Scan(&device, &id, &kind, &status, &expires); err != nil {
			return err
		}
		v.find("%s: command %s (%s) is still %s, though it expired at %s", device, id, kind, status,
			time.Unix(expires, 0).UTC().Format(time.RFC3339))
		return nil
	}, `SELECT o.device, c.id, c.kind, o.status, max(c.expires, c.heard) FROM outcome o JOIN command c USING (digest)
		WHERE o.status IN ('SENT', 'RECEIVED') AND max(c.expires, c.heard) < ?`, v.now.Add(-unanswered).Unix())
}
