package store

import (
	"cmp"
	"database/sql"
	"errors"
	"regexp"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// Sent is the status of a command that the centre heard and the display has not answered.
const Sent wire.CommandStatus = "SENT"

// Unknown is the status of a command that the display had, and of which nothing more came until it had expired. It may
// have been done.
const Unknown wire.CommandStatus = "UNKNOWN"

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

// command is written once however often it is heard. What its signatures prove takes the place of what a display's
// record said of it first. Where a record has settled it already, the outcome says so.
func (w *writing) command(c *Command) (Outcome, error) {
	err := w.exec(`INSERT INTO command (digest, id, ctr, kind, people, expires, heard, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (digest) DO UPDATE SET id = excluded.id, ctr = excluded.ctr, kind = excluded.kind, people = excluded.people,
			expires = excluded.expires, raw = excluded.raw
		WHERE raw IS NULL`,
		c.Digest, c.ID, int64(c.Counter), c.Kind, c.People, c.Expires.Unix(), w.now.Unix(), c.Raw)
	if err != nil {
		return Outcome{}, err
	}
	if err := w.exec(`INSERT INTO outcome (digest, device, status, source, reason, evidence, at)
		VALUES (?, ?, ?, ?, '', '', ?) ON CONFLICT DO NOTHING`, c.Digest, c.Device, string(Sent), int(ByCentre), w.now.Unix()); err != nil {
		return Outcome{}, err
	}
	a := Answer{Device: c.Device, Digest: c.Digest}
	if err := w.tx.QueryRowContext(w.ctx, "SELECT status, source FROM outcome WHERE digest = ? AND device = ?",
		c.Digest, c.Device).Scan(&a.Status, &a.Source); err != nil {
		return Outcome{}, err
	}
	return Outcome{Settled: []Answer{a}}, nil
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
	switch {
	case a.Source == ByCentre && status == wire.Received:
		a.Status, a.Reason = Unknown, "the display had it, and nothing more came in time"
	case a.Status == wire.Received && status == wire.Expired && source == ByCentre:
		a.Status, a.Source, a.Reason = Unknown, ByCentre, "the display had it, as was heard late"
	case !better(a, status, source):
		return nil
	}
	return w.exec(`UPDATE outcome SET status = ?, source = ?, reason = ?, evidence = ?, at = ? WHERE digest = ? AND device = ?`,
		string(a.Status), int(a.Source), a.Reason, a.Evidence, a.At.Unix(), a.Digest, a.Device)
}

func final(s wire.CommandStatus) bool { return s.Final() || s == Unknown }

// better tells whether a says more than what is known. What is final stays final, unless a better source corrects it.
func better(a Answer, status wire.CommandStatus, source Source) bool {
	switch {
	case final(status) && !final(a.Status):
		return false
	case !final(status) && final(a.Status):
		return true
	case final(status):
		return a.Source > source
	}
	return status == Sent || a.Source > source
}

// believable is whether a record speaks of what can be a command.
func believable(c journal.Command) bool {
	return wire.CheckCommand(c.ID, c.Digest) == nil && commandKind.MatchString(c.Kind) && c.Counter <= 1<<53
}

var commandKind = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// commandRecord notes what a record says. A command that the centre never heard on its way is kept too: a display did
// something, and there is the proof. Who signed it is not taken from there: a display may have been stolen.
func (w *writing) commandRecord(device string, r journal.Record, c journal.Command, o *Outcome) error {
	if !believable(c) {
		return nil
	}
	a := Answer{Device: device, Digest: c.Digest, Status: wire.CommandStatus(c.Status), Source: ByRecord,
		Reason: c.Reason, Evidence: string(c.Evidence), At: r.Stamp.Wall}
	if !a.Status.Final() && a.Status != wire.Received {
		return nil
	}
	if err := w.exec(`INSERT INTO command (digest, id, ctr, kind, people, expires, heard) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, c.Digest, c.ID, int64(c.Counter), c.Kind, "", 0, w.now.Unix()); err != nil {
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
