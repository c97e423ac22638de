package rs232

import (
	"context"
	"errors"
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
	// overdue is set while the panel may still send a reply that was given up. The late acknowledgement of "on"
	// and the answer to "are you on?" can be the same bytes.
	overdue bool
	givenUp time.Time // when that reply was given up
}

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
		if err = d.catchUp(ctx); err == nil {
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
	if !d.overdue {
		return nil
	}
	m := d.marker
	if d.spare.match != nil {
		d.marker, d.spare = d.spare, m
	}
	_, err := d.link.Ask(ctx, m.bytes, m.match)
	if errors.Is(err, hal.ErrSilent) && d.timing.Late > 0 && time.Since(d.givenUp) > d.timing.Late {
		err = nil // the panel does not answer markers, and has had time to get rid of what it kept
	}
	if err == nil {
		d.overdue = false
	}
	return err
}

// errVague is wrapped by judge where a reply does not say what it answers: that to this request may still come.
var errVague = errors.New("reply may be to an earlier request")

// ask does one exchange.
func (d *dialogue) ask(ctx context.Context, r request) ([]byte, error) {
	reply, err := d.link.Ask(ctx, r.bytes, r.match)
	if err != nil {
		d.overdue, d.givenUp = true, time.Now()
		return nil, err
	}
	values, err := r.judge(reply)
	if errors.Is(err, errVague) {
		d.overdue, d.givenUp = true, time.Now()
	}
	return values, err
}

func worthRepeating(err error) bool {
	return errors.Is(err, hal.ErrSilent) || errors.Is(err, hal.ErrRefused)
}
