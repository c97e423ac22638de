package rs232

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"bangtin/hal"
)

// A request is what a driver wants to know or to have done, with how to tell that it was answered.
type request struct {
	bytes []byte
	match Match
	// judge turns the reply that match found into its values, or into the error that it means. A panel that says
	// no is hal.ErrRefused; one that says something useless is hal.ErrSilent.
	judge func(reply []byte) (values []byte, err error)
}

// A dialogue is a driver's conversation with one panel: it repeats what was not answered well, and never takes a
// late answer for a new one. Like the driver it is for one goroutine at a time.
type dialogue struct {
	link     *Link
	timing   Timing
	attempts int

	// marker is an exchange that the driver uses for nothing else. A panel answers in order, so once it has
	// answered the marker, every earlier answer has been here or is lost.
	marker request
	// spare takes turns with marker, where there is one: a panel may lack the one or the other, and the late answer to
	// one marker must not be taken for that to the next.
	spare request
	// waits is until when an answer to marker may still be on its way, and spareWaits that to spare. Until then the
	// same question proves nothing: the answer may be the earlier one's, with others still behind it.
	waits, spareWaits time.Time
	// kept is set while nothing was asked since marker was, and spareKept since spare: a panel that holds a reply back
	// until then sends it only now, and the time to wait begins anew.
	kept, spareKept bool
	// overdue is set while the panel may still send a reply that was given up. The late acknowledgement of "on"
	// and the answer to "are you on?" can be the same bytes.
	overdue bool
	// doubtful is set when overdue was forgotten because no marker was ever answered. There may be one reply left, held
	// back until the panel is asked again: every question is asked twice, and the second answer counts.
	doubtful bool
	// sought is when the first marker was asked since that reply was given up. A panel that holds a reply back until it
	// is asked something has let it go then.
	sought time.Time
	// behind is why the last marker did not catch up: hal.ErrSilent or hal.ErrRefused.
	behind error
}

// errVague is wrapped by judge where a reply does not say what it answers: that to this request may still come.
var errVague = errors.New("reply may be to an earlier request")

// set sends a command until the panel acknowledges it.
//
// It sends even when the panel has been silent: a panel whose answers get lost may well hear us.
func (d *dialogue) set(ctx context.Context, r request) error {
	var err error
	for try := range d.attempts {
		d.pause(try)
		if _, err = d.ask(ctx, r); !worthRepeating(err) {
			return err
		}
	}
	return err
}

// read asks the panel until it answers.
func (d *dialogue) read(ctx context.Context, r request) (values []byte, err error) {
	for try := range d.attempts {
		d.pause(try)
		if err = d.catchUp(ctx); err == nil && d.doubtful {
			_, err = d.exchange(ctx, r)
		}
		if err == nil {
			values, err = d.ask(ctx, r)
		}
		if !worthRepeating(err) {
			return values, err
		}
	}
	return nil, err
}

// pause keeps the line quiet for as long as the protocol asks before a request is repeated.
func (d *dialogue) pause(try int) {
	if try > 0 && d.timing.Again > 0 {
		d.link.Rest(d.timing.Again)
	}
}

// catchUp makes sure that no reply to an earlier request is still to come.
func (d *dialogue) catchUp(ctx context.Context) error {
	if d.overdue && !d.sought.IsZero() && time.Since(d.sought) > d.timing.Late {
		d.overdue, d.doubtful = false, true
	}
	if !d.overdue {
		return nil
	}
	if time.Now().Before(d.waits) {
		if err := d.link.Tell(ctx, nil); err != nil { // a port that is gone is the better reason
			return err
		}
		return fmt.Errorf("earlier replies may still be on their way: %w", cmp.Or(d.behind, hal.ErrSilent))
	}
	m := d.marker
	d.letGo()
	d.waits, d.kept = time.Now().Add(d.timing.Lag), true
	if d.spare.match != nil {
		d.marker, d.spare = d.spare, m
		d.waits, d.spareWaits = d.spareWaits, d.waits
		d.kept, d.spareKept = d.spareKept, d.kept
	}
	reply, err := d.link.Ask(ctx, m.bytes, m.match)
	if d.sought.IsZero() && (err == nil || errors.Is(err, hal.ErrSilent)) { // else it may never have left
		d.sought = time.Now()
	}
	if err != nil {
		d.behind = hal.ErrSilent
		return err
	}
	if _, err := m.judge(reply); errors.Is(err, errVague) {
		d.behind = hal.ErrRefused
		return err
	}
	d.overdue, d.doubtful, d.kept, d.spareKept = false, false, false, false
	d.waits, d.spareWaits = time.Time{}, time.Time{}
	return nil
}

// letGo notes that something is asked.
func (d *dialogue) letGo() {
	if d.kept {
		d.waits, d.kept = time.Now().Add(d.timing.Lag), false
	}
	if d.spareKept {
		d.spareWaits, d.spareKept = time.Now().Add(d.timing.Lag), false
	}
}

// ask does one exchange, and says what its reply means.
func (d *dialogue) ask(ctx context.Context, r request) ([]byte, error) {
	reply, err := d.exchange(ctx, r)
	if err != nil {
		return nil, err
	}
	values, err := r.judge(reply)
	if errors.Is(err, errVague) {
		d.overdue, d.sought = true, time.Time{}
	}
	return values, err
}

func (d *dialogue) exchange(ctx context.Context, r request) ([]byte, error) {
	d.letGo()
	reply, err := d.link.Ask(ctx, r.bytes, r.match)
	if err != nil {
		d.overdue, d.sought = true, time.Time{}
	}
	return reply, err
}

func worthRepeating(err error) bool {
	return errors.Is(err, hal.ErrSilent) || errors.Is(err, hal.ErrRefused)
}
