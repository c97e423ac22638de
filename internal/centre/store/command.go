package store

import (
	"cmp"
	"database/sql"
	"errors"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// Sent is the status of a command that the centre heard and the display has not answered.
const Sent wire.CommandStatus = "SENT"

// A Source says who tells what became of a command. A better one replaces a worse one.
type Source int

const (
	ByCentre Source = iota // nothing came until it had expired
	ByAnswer               // the display's message on cmd/ack
	ByRecord               // the display's record, which is the proof
)

// A Command is one that was heard on its way to a display, its signatures verified.
type Command struct {
	Device  string
	Digest  string // SHA-256 of the signed payload, in hex
	ID      string
	Counter uint64
	Kind    string
	People  string
	Expires time.Time
	Raw     []byte // the envelope, to be sent again as it is
}

// An Answer is what became of a command at a display.
type Answer struct {
	Device, Digest string
	Status         wire.CommandStatus
	Source         Source
	Reason         string
	Evidence       string // JSON, or empty
	At             time.Time
}

// command is written once however often it is heard.
func (w *writing) command(c *Command) error {
	err := w.exec(`INSERT INTO command (digest, id, ctr, kind, people, expires, heard, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (digest) DO UPDATE SET raw = coalesce(raw, excluded.raw), expires = excluded.expires`,
		c.Digest, c.ID, int64(c.Counter), c.Kind, c.People, c.Expires.Unix(), w.now.Unix(), c.Raw)
	if err != nil {
		return err
	}
	return w.exec(`INSERT INTO outcome (digest, device, status, source, reason, evidence, at)
		VALUES (?, ?, ?, ?, '', '', ?) ON CONFLICT DO NOTHING`, c.Digest, c.Device, string(Sent), int(ByCentre), w.now.Unix())
}

// answer notes what became of a command, if it is one that the centre knows and this tells more than is known: a final
// status is replaced by a better source alone, one that is not final by any that is not worse.
func (w *writing) answer(a Answer) error {
	var status wire.CommandStatus
	var source Source
	err := w.tx.QueryRowContext(w.ctx, "SELECT status, source FROM outcome WHERE digest = ? AND device = ?",
		a.Digest, a.Device).Scan(&status, &source)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if !better(a, status, source) {
		return nil
	}
	return w.exec(`UPDATE outcome SET status = ?, source = ?, reason = ?, evidence = ?, at = ? WHERE digest = ? AND device = ?`,
		string(a.Status), int(a.Source), a.Reason, a.Evidence, a.At.Unix(), a.Digest, a.Device)
}

// better tells whether a says more than what is known. What is final stays final, unless a better source corrects it.
func better(a Answer, status wire.CommandStatus, source Source) bool {
	switch {
	case status.Final() && !a.Status.Final():
		return false
	case !status.Final() && a.Status.Final():
		return true
	case status.Final():
		return a.Source > source
	}
	return status == Sent || a.Source > source
}

// commandRecord notes what a record says. A command that the centre never heard on its way is kept too: a display did
// something, and there is the proof.
func (w *writing) commandRecord(device string, r journal.Record, c journal.Command, o *Outcome) error {
	if len(c.Digest) != 64 || len(c.ID) > 64 || len(c.Kind) > 64 || c.Counter > 1<<53 {
		return nil
	}
	a := Answer{Device: device, Digest: c.Digest, Status: wire.CommandStatus(c.Status), Source: ByRecord,
		Reason: c.Reason, Evidence: string(c.Evidence), At: r.Stamp.Wall}
	if !a.Status.Final() && a.Status != wire.Received {
		return nil
	}
	if err := w.exec(`INSERT INTO command (digest, id, ctr, kind, people, expires, heard) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, c.Digest, c.ID, int64(c.Counter), c.Kind, c.People, 0, w.now.Unix()); err != nil {
		return err
	}
	if err := w.exec(`INSERT INTO outcome (digest, device, status, source, reason, evidence, at)
		VALUES (?, ?, ?, ?, '', '', ?) ON CONFLICT DO NOTHING`,
		c.Digest, device, string(Sent), int(ByCentre), cmp.Or(a.At.Unix(), w.now.Unix())); err != nil {
		return err
	}
	o.Settled = append(o.Settled, a)
	return w.answer(a)
}
