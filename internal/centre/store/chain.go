package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"bangtin/internal/journal"
)

// Codes of the incidents about chains.
const (
	RecordsMissing = "records-missing"
	ChainReplaced  = "chain-replaced"
	BudgetSpent    = "records-over-budget"
)

// A Batch is records of one display, checked to follow each other.
type Batch struct {
	Device  string
	Records []journal.Record // at least one
}

func (w *writing) batch(b *Batch) (Outcome, error) {
	h, err := w.head(b.Device)
	if err != nil {
		return Outcome{}, err
	}
	if h == nil {
		return Outcome{Refused: TooManyDisplays}, nil
	}
	o := Outcome{}
	fresh, price, err := w.fresh(h, b)
	if err != nil {
		return Outcome{}, err
	}
	if !w.charge(h, price) {
		return w.overBudget(h, b)
	}
	o.Duplicates = len(b.Records) - len(fresh)
	for _, r := range fresh {
		if err := w.record(h, b.Device, r, &o); err != nil {
			return Outcome{}, fmt.Errorf("record %d of %s: %w", r.Seq, b.Device, err)
		}
	}
	last := b.Records[len(b.Records)-1]
	o.Upto, o.Head = last.Seq, last.Hash
	return o, nil
}

// fresh lists the records that are not here yet, and what they cost with an incident. What is here costs nothing, so
// that a display over its budget still hears that its records arrived.
func (w *writing) fresh(h *head, b *Batch) (fresh []journal.Record, price int64, err error) {
	for _, r := range b.Records {
		known := false
		if r.Seq <= h.top {
			if known, err = w.known(h, r); err != nil {
				return nil, 0, err
			}
		}
		if !known {
			fresh = append(fresh, r)
			price += int64(len(r.Body)) + overhead
		}
	}
	if len(fresh) > 0 {
		price += overhead
	}
	return fresh, price, nil
}

// overBudget refuses the batch and tells it once a day: a spent of the whole budget stands for having told.
func (w *writing) overBudget(h *head, b *Batch) (Outcome, error) {
	o := Outcome{Refused: OverBudget}
	if h.spent >= w.s.o.Daily {
		return o, nil
	}
	h.spent = w.s.o.Daily
	return o, w.note(&o, Incident{Device: b.Device, Code: BudgetSpent,
		Detail: fmt.Sprintf("more than %d bytes of records today: the rest is taken tomorrow", w.s.o.Daily)})
}

// note writes an incident that comes with a batch.
func (w *writing) note(o *Outcome, i Incident) error {
	i.At, i.Since, i.Heard = w.now, w.now, w.now
	o.Incidents = append(o.Incidents, i)
	return w.incident(i)
}

// record finds the place of a record that is not here yet, and stores it.
func (w *writing) record(h *head, device string, r journal.Record, o *Outcome) error {
	if err := w.join(h, device, r, o); err != nil {
		return err
	}
	if err := w.insert(h, r, o); err != nil {
		return err
	}
	h.seq, h.hash, h.top = r.Seq, r.Hash, max(h.top, r.Seq)
	return w.meaning(h, device, r, o)
}

func (w *writing) known(h *head, r journal.Record) (known bool, err error) {
	if r.Seq == h.seq && r.Hash == h.hash {
		return true, nil
	}
	err = w.tx.QueryRowContext(w.ctx, "SELECT EXISTS (SELECT 1 FROM record WHERE display = ? AND seq = ? AND hash = ?)",
		h.id, int64(r.Seq), r.Hash[:]).Scan(&known)
	return known, err
}

// join makes the record the next of the display's chain: it follows, or something is missing before it, or a new chain
// begins with it.
func (w *writing) join(h *head, device string, r journal.Record, o *Outcome) error {
	switch {
	case r.Seq == h.seq+1 && r.Prev == h.hash:
		return nil
	case r.Seq > h.seq+1:
		o.Gaps++
		if err := w.exec("INSERT INTO gap (display, epoch, first, last, heard) VALUES (?, ?, ?, ?, ?)",
			h.id, h.epoch, int64(h.seq+1), int64(r.Seq-1), w.now.Unix()); err != nil {
			return err
		}
		return w.note(o, Incident{Device: device, Code: RecordsMissing,
			Detail: fmt.Sprintf("records %d to %d did not come", h.seq+1, r.Seq-1)})
	}
	o.Replaced++
	detail := fmt.Sprintf("record %d does not follow record %d: another chain begins", r.Seq, h.seq)
	h.epoch++
	return w.note(o, Incident{Device: device, Code: ChainReplaced, Detail: detail})
}

func (w *writing) insert(h *head, r journal.Record, o *Outcome) error {
	forward, err := w.enter(h, r.Stamp)
	if err != nil {
		return err
	}
	again := false
	if !forward {
		if again, err = w.appendedBefore(h.run, r); err != nil {
			return err
		}
	}
	o.Stored++
	if again {
		o.Again++
	}
	h.mono = r.Stamp.Mono
	return w.exec(`INSERT INTO record
		(display, seq, epoch, run, mono, wall, trust, kind, body, prev, hash, heard, again)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		h.id, int64(r.Seq), h.epoch, h.run, int64(r.Stamp.Mono), r.Stamp.Wall.UnixNano(), string(r.Stamp.Trust),
		string(r.Kind), string(r.Body), r.Prev[:], r.Hash[:], w.now.Unix(), again)
}

// enter makes the run of the stamp the head's and reports whether the stamp is later than everything before, so that
// its record cannot be one that was appended before.
func (w *writing) enter(h *head, s journal.Stamp) (forward bool, err error) {
	if h.run != 0 && h.boot == s.Boot {
		return s.Mono > h.mono, nil
	}
	err = w.tx.QueryRowContext(w.ctx, "SELECT id FROM run WHERE display = ? AND boot = ?", h.id, s.Boot).Scan(&h.run)
	if errors.Is(err, sql.ErrNoRows) {
		forward = true
		err = w.tx.QueryRowContext(w.ctx, "INSERT INTO run (display, boot) VALUES (?, ?) RETURNING id", h.id, s.Boot).Scan(&h.run)
	}
	h.boot = s.Boot
	return forward, err
}

// maxSameStamp is how many records with one stamp are compared. A display writes a handful at once.
const maxSameStamp = 256

func (w *writing) appendedBefore(run int64, r journal.Record) (again bool, err error) {
	err = w.tx.QueryRowContext(w.ctx, `SELECT EXISTS (SELECT 1
		FROM (SELECT kind, body FROM record WHERE run = ? AND mono = ? LIMIT ?) WHERE kind = ? AND body = ?)`,
		run, int64(r.Stamp.Mono), maxSameStamp, string(r.Kind), string(r.Body)).Scan(&again)
	return again, err
}

// meaning does what some kinds of records ask of the centre. A body that cannot be read is kept all the same: it is
// what the display wrote.
func (w *writing) meaning(h *head, device string, r journal.Record, o *Outcome) error {
	switch r.Kind {
	case journal.KindCheckpoint:
		c, ok := read[journal.Checkpoint](r.Body)
		if !ok || c.Upto >= r.Seq {
			return nil
		}
		return w.exec("UPDATE gap SET why = ? WHERE display = ? AND epoch = ? AND last <= ? AND why IS NULL",
			c.Reason, h.id, h.epoch, int64(c.Upto))
	case journal.KindClock:
		if c, ok := read[journal.Clock](r.Body); ok {
			return w.backdate(h, r.Stamp.Boot, c)
		}
	case journal.KindCommand:
		if c, ok := read[journal.Command](r.Body); ok {
			return w.commandRecord(device, r, c, o)
		}
	}
	return nil
}

// read takes the body of a record. That it is proper JSON was made sure of when its batch was read; fields that a newer
// display writes are passed over.
func read[T any](body []byte) (v T, ok bool) {
	err := json.Unmarshal(body, &v)
	return v, err == nil
}

// longestRun and the years bound what a Clock may say, so that no sum of its numbers overflows.
const (
	longestRun = 9 * 365 * 24 * time.Hour
	firstYear  = 2025
	lastYear   = 2100
)

// backdate gives the records of the run before c a corrected time where theirs is worth less, by the rule of
// [journal.Dated]: the most trusted Clock counts, of equals the one that came first. So each record is looked at once for
// each of the two.
func (w *writing) backdate(h *head, boot string, c journal.Clock) error {
	year := c.Wall.UTC().Year()
	if c.Boot != boot || c.Mono < 0 || c.Mono > longestRun || year < firstYear || year > lastYear {
		return nil
	}
	var query string
	switch c.Trust {
	case journal.Synchronised:
		query = `UPDATE record SET at = ? - (? - mono), worth = 'synchronised'
			WHERE run = ? AND mono > (SELECT synchronised FROM run WHERE id = ?) AND mono <= ?
			AND coalesce(worth, trust) NOT IN ('synchronised', 'signed')`
	case journal.Signed:
		query = `UPDATE record SET at = ? - (? - mono), worth = 'signed'
			WHERE run = ? AND mono > (SELECT signed FROM run WHERE id = ?) AND mono <= ?
			AND coalesce(worth, trust) <> 'signed'`
	default:
		return nil
	}
	if err := w.exec(query, c.Wall.UnixNano(), int64(c.Mono), h.run, h.run, int64(c.Mono)); err != nil {
		return err
	}
	if c.Trust == journal.Signed {
		return w.exec("UPDATE run SET signed = max(signed, ?) WHERE id = ?", int64(c.Mono), h.run)
	}
	return w.exec("UPDATE run SET synchronised = max(synchronised, ?) WHERE id = ?", int64(c.Mono), h.run)
}
