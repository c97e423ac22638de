package media

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
)

// Reasons for a Refusal, besides those of package trust.
const (
	ReasonInvalid  = "invalid"           // signed, but not a playlist that may be shown
	ReasonAudience = "other-display"     // signed for other displays
	ReasonOlder    = "older"             // its version does not rise
	ReasonFuture   = "future"            // its version lies ahead of the clock, and would lock out those made meanwhile
	ReasonGlyph    = "missing-glyph"     // a text has a character that no font has
	ReasonInbox    = "inbox-file"        // something in the inbox cannot be what it must be
	ReasonDamaged  = "content-damage"    // a file in the inbox or in the store is not what was approved
	ReasonFull     = "content-full"      // no room for a file that a playlist needs
	ReasonReadOnly = "content-read-only" // the store takes no more writes
)

// A Refusal says why a playlist or a file was not taken.
type Refusal struct {
	Reason string // one of the Reasons here or of package trust; the list is closed
	Detail string // one or more English lines
}

func (r *Refusal) Error() string { return fmt.Sprintf("cannot accept: %s (%s)", r.Detail, r.Reason) }

// Final reports whether the same bytes will never be taken: neither when there is room or the clock goes on, nor by
// another trust document.
func (r *Refusal) Final() bool {
	switch r.Reason {
	case ReasonFull, ReasonReadOnly, ReasonFuture:
		return false
	case ReasonInvalid, ReasonAudience, ReasonOlder, ReasonGlyph, ReasonInbox, ReasonDamaged:
		return true
	}
	return trust.Reason(r.Reason).Final()
}

// class says what kind of incident a refusal is (Article 6.10): what nobody of the department could have sent by
// mistake is taken for an attack.
func (r *Refusal) class() (journal.IncidentClass, string) {
	switch r.Reason {
	case ReasonInvalid, ReasonGlyph:
		return journal.Technical, "playlist-unfit"
	case ReasonInbox:
		return journal.Technical, "inbox-unfit"
	case ReasonDamaged:
		return journal.Technical, "content-damaged"
	case ReasonFull:
		return journal.Technical, "content-full"
	case ReasonReadOnly:
		return journal.Technical, "content-read-only"
	case ReasonOlder: // which the broker brings at each connection after a newer one came by stick
		return journal.Technical, "playlist-older"
	case ReasonFuture: // a clock that is wrong where the playlist was made
		return journal.Technical, "playlist-future"
	case ReasonAudience:
		return journal.Cyber, "playlist-misaddressed"
	}
	return journal.Cyber, "signature-refused"
}

// A tally counts refusals by reason within one minute. The first of a minute is recorded whole, the others as one
// number when the minute is over or the daemon stops, so that a flood costs at most three records per reason and minute.
// A crash loses the number of the last minute only.
type tally struct {
	minute int64 // UTC minutes since 1970
	counts map[string]*repeat
}

// farewell is how long writing the numbers of the last minute may take when the daemon stops.
const farewell = 5 * time.Second

type repeat struct {
	last *Refusal
	more int // after the first
}

// refuse records a refusal and returns it, or the journal's error. An unfit playlist is recorded once in a row.
func (l *Library) refuse(ctx context.Context, source string, raw []byte, no *Refusal) error {
	order := journal.Order{Source: source, Reason: no.Reason, Evidence: oneLine(no.Detail)}
	if e, err := trust.ParseEnvelope(raw); err == nil {
		order.Digest = sha256Hex(e.Payload)
	}
	// What is kept at the broker comes again and again. That it was tampered with is worth a record each time.
	class, _ := no.class()
	this := no.Reason + " " + order.Digest
	if class == journal.Technical && this == l.unfit {
		return no
	}
	err := l.record(ctx, no, l.entry(journal.KindOrder, order))
	if class == journal.Technical && Refused(err) {
		l.unfit = this
	}
	return err
}

// record tells the journal of a refusal, with the entries that belong to the first of a minute. The caller holds
// work.
func (l *Library) record(ctx context.Context, no *Refusal, first ...journal.Entry) error {
	entries := l.flush()
	if seen := l.refused.counts[no.Reason]; seen != nil {
		seen.last, seen.more = no, seen.more+1
		return no // flush had nothing, or seen would be gone
	}
	class, code := no.class()
	l.opts.Log.Warn("playlist refused", "reason", no.Reason, "detail", oneLine(no.Detail))
	entries = append(entries, first...)
	entries = append(entries, l.incident(class, code, no.Error(), 1))
	if err := l.tell(ctx, entries); err != nil {
		return err
	}
	l.refused.counts[no.Reason] = &repeat{last: no}
	return no
}

// note records a refusal that concerns no envelope, and returns as record does.
func (l *Library) note(ctx context.Context, no *Refusal) error {
	l.work.Lock()
	defer l.work.Unlock()
	return l.record(ctx, no)
}

// tell commits entries, if there are any.
func (l *Library) tell(ctx context.Context, entries []journal.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	return l.commit(ctx, journal.Write{Label: "playlist.refuse", Entries: entries})
}

// flush ends the tally of a past minute and returns the records it leaves.
func (l *Library) flush() []journal.Entry {
	minute := l.opts.Stamp().Wall.Unix() / 60
	if minute == l.refused.minute && l.refused.counts != nil {
		return nil
	}
	entries := l.counted()
	l.refused = tally{minute: minute, counts: make(map[string]*repeat)}
	return entries
}

// counted are the records of the refusals that are only counted so far. The caller holds work.
func (l *Library) counted() []journal.Entry {
	var entries []journal.Entry
	for _, reason := range slices.Sorted(maps.Keys(l.refused.counts)) {
		r := l.refused.counts[reason]
		if r.more > 0 {
			class, code := r.last.class()
			entries = append(entries, l.incident(class, code, r.last.Error(), r.more))
		}
	}
	return entries
}

// lastWords records what was refused in the minute that is not over, within farewell: the daemon stops.
func (l *Library) lastWords() error {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	l.work.Lock()
	defer l.work.Unlock()
	entries := l.counted()
	l.refused = tally{}
	return l.tell(ctx, entries)
}

// oneLine makes a detail fit for a record: one line of at most 500 bytes.
func oneLine(s string) string {
	const limit = 500
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\n", " | "), "?")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit-3], "") + "..."
	}
	return s
}

// Refused reports whether an error is a Refusal, and so not worth another try with the same bytes.
func Refused(err error) bool {
	var no *Refusal
	return errors.As(err, &no)
}
