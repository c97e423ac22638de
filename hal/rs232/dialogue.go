package rs232

import (
	"bytes"
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
	// topic is what the reply names: only replies of one topic can be taken for one another.
	topic string
}

// A dialogue is a driver's conversation with one panel: it repeats what was not answered well, and never takes a
// late answer for a new one. Like the driver it is for one goroutine at a time.
type dialogue struct {
	link     *Link
	timing   Timing
	attempts int

	// markers are exchanges that the driver uses for nothing else, and that take turns. A panel answers in order, so
	// once it has answered a marker, every earlier answer has been here or is lost. It may lack one or another, and the
	// late answer to one must not be taken for that to the next. There are two at least, and four where each reading
	// behind a command takes one: on a bad line some are lost, and prove nothing for a while.
	markers []marker
	// markerGap is the rest before a marker and behind it. Where no document asks for any there is none: no copy of an
	// answer can be taken for that to a marker, nor a copy of that for another.
	markerGap time.Duration
	// debts are by topic, at most one for each command of the driver.
	debts map[string]*debt
	// acked is when a command of a topic was last acknowledged, until no copy of that can come any more.
	acked map[string]time.Time
	// thrown is the answer that the last reading threw away; nil where it threw none away.
	thrown []byte
	// opening is that of the port in which readAnew had an answer.
	opening int
	// nameless is set where a refusal does not say what it refuses.
	nameless bool
	// behind is why the last marker did not catch up: hal.ErrSilent or hal.ErrRefused.
	behind error
}

// A marker is an exchange that is asked for no other reason than to be answered.
type marker struct {
	request
	// until is how long an answer to it, or a copy of one, may still be on its way. Until then the same question proves nothing: the
	// answer may be the earlier one's, with others still behind it.
	until time.Time
	// kept is set while nothing was asked since: a panel that holds a reply back until then sends it only now, and
	// the time to wait begins anew.
	kept bool
}

func markers(list ...request) []marker {
	m := make([]marker, len(list))
	for i, r := range list {
		m[i].request = r
	}
	return m
}

// A debt is a reply that was given up and may still come.
type debt struct {
	// overdue is set while nothing of its topic is believed. The late acknowledgement of "on" and the answer to "are
	// you on?" can be the same bytes.
	overdue bool
	// doubtful is set when overdue was forgotten because no marker was ever answered. There may be one reply left, held
	// back until the panel is asked again: every question is asked twice, and the second answer counts.
	doubtful bool
	// sought is when the first marker was asked since the reply was given up. A panel that holds a reply back until it
	// is asked something has let it go then.
	sought time.Time
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
			break
		}
	}
	if err == nil {
		d.noteAck(r.topic)
	}
	return err
}

// read asks the panel until it answers.
func (d *dialogue) read(ctx context.Context, r request) ([]byte, error) {
	if err := d.letPass(ctx, r.topic); err != nil {
		return nil, err
	}
	return d.readNow(ctx, r)
}

// readAnew is read that takes nothing from whoever had the port before: whether an earlier program, whose acknowledgement
// may be late, or this one, whose cable was pulled. The first reading of each opening is done until two answers in a row
// are the same, and a reply that was due to another is one of two that differ.
func (d *dialogue) readAnew(ctx context.Context, r request) ([]byte, error) {
	values, err := d.read(ctx, r)
	if err != nil {
		return nil, err
	}
	n := d.link.openings()
	if n == d.opening {
		return values, nil
	}
	if values, err = d.agree(ctx, r, values); err == nil {
		d.opening = n
	}
	return values, err
}

// readTwice asks until two answers in a row are the same: where there is no checksum one bit makes another answer.
//
// A copy of an acknowledgement is not waited for. It can be taken for the first answer, and then the second is a true one.
func (d *dialogue) readTwice(ctx context.Context, r request) ([]byte, error) {
	before, err := d.readNow(ctx, r)
	if err != nil {
		return nil, err
	}
	return d.agree(ctx, r, before)
}

// agree asks until an answer is that before it.
func (d *dialogue) agree(ctx context.Context, r request, before []byte) ([]byte, error) {
	for range 2 {
		values, err := d.readNow(ctx, r)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(values, before) && (d.thrown == nil || bytes.Equal(values, d.thrown)) {
			delete(d.acked, r.topic)
			return values, nil
		}
		before = values
	}
	return nil, fmt.Errorf("no two answers in a row are the same: %w", hal.ErrSilent)
}

// readNow is read where no copy of an acknowledgement can be taken for the answer.
func (d *dialogue) readNow(ctx context.Context, r request) (values []byte, err error) {
	d.thrown = nil
	for try := range d.attempts {
		d.pause(try)
		if err = d.catchUp(ctx, r.topic); err == nil && d.doubts(r.topic) {
			err = d.throwAway(ctx, r)
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

// throwAway asks for an answer that may be one held back, and so counts for nothing but for agree: what says otherwise
// than the answers beside it takes them back.
func (d *dialogue) throwAway(ctx context.Context, r request) error {
	reply, err := d.exchange(ctx, r)
	if err != nil {
		return err
	}
	if values, err := r.judge(reply); err == nil {
		d.thrown = values
	}
	return nil
}

// pause keeps the line quiet for as long as the protocol asks before a request is repeated.
func (d *dialogue) pause(try int) {
	if try > 0 && d.timing.Again > 0 {
		d.link.Rest(d.timing.Again)
	}
}

func (d *dialogue) noteAck(topic string) {
	if d.timing.Copy == 0 {
		return
	}
	if d.acked == nil {
		d.acked = map[string]time.Time{}
	}
	d.acked[topic] = time.Now()
}

// letPass makes sure that no copy of an acknowledgement of a topic is still to come. Only a reading does so: the line is
// free for commands.
//
// A line keeps order: a copy comes before the answer to whatever is asked later. So a marker that is answered is proof,
// and costs one exchange. Where none is, the copy is waited for.
func (d *dialogue) letPass(ctx context.Context, topic string) error {
	at, ok := d.acked[topic]
	if !ok {
		return nil
	}
	end := at.Add(d.timing.Copy)
	if time.Now().Before(end) && !d.spent() {
		soon, cancel := context.WithDeadline(ctx, end)
		err := d.passMarker(soon)
		cancel()
		if err == nil || errors.Is(err, hal.ErrPortGone) || errors.Is(err, ErrClosed) {
			return err
		}
	}
	t := time.NewTimer(time.Until(end))
	defer t.Stop()
	select {
	case <-t.C:
		delete(d.acked, topic)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// catchUp makes sure that no reply to an earlier request of a topic is still to come.
func (d *dialogue) catchUp(ctx context.Context, topic string) error {
	owed := d.debts[topic]
	if owed == nil || !owed.overdue {
		return nil
	}
	if !owed.sought.IsZero() && time.Since(owed.sought) > d.timing.Late {
		owed.overdue, owed.doubtful = false, true
		return nil
	}
	if d.spent() {
		if err := d.link.Tell(ctx, nil); err != nil { // a port that is gone is the better reason
			return err
		}
		return fmt.Errorf("earlier replies may still be on their way: %w", cmp.Or(d.behind, hal.ErrSilent))
	}
	return d.passMarker(ctx)
}

// spent tells whether no marker would prove anything now.
func (d *dialogue) spent() bool { return time.Now().Before(d.markers[0].until) }

// passMarker asks a marker, and without an error everything that the panel said before has been here or is lost.
func (d *dialogue) passMarker(ctx context.Context) error {
	m := d.markers[0].request
	reply, err := d.askMarker(ctx)
	if err != nil {
		d.behind = hal.ErrSilent
		return err
	}
	if _, err := m.judge(reply); errors.Is(err, errVague) {
		d.behind = hal.ErrRefused
		return err
	}
	clear(d.debts)
	clear(d.acked)
	for i := range d.markers {
		d.markers[i].until, d.markers[i].kept = time.Time{}, false
	}
	d.markers[len(d.markers)-1].until = time.Now().Add(d.timing.Gap - d.markerGap) // no rest lets a copy of its answer pass
	return nil
}

// askMarker asks the first of the markers, which becomes the last.
func (d *dialogue) askMarker(ctx context.Context) ([]byte, error) {
	m := d.markers[0]
	reply, sentAt, err := d.link.exchange(ctx, d.markerGap, m.bytes, m.match)
	if sentAt.IsZero() {
		return nil, err
	}
	d.letGo(sentAt)
	m.until, m.kept = sentAt.Add(d.timing.Lag), true
	d.markers = append(d.markers[1:len(d.markers):len(d.markers)], m)
	if errors.Is(err, hal.ErrPortGone) { // it may never have left
		return nil, err
	}
	for _, owed := range d.debts {
		if owed.sought.IsZero() {
			owed.sought = sentAt
		}
	}
	return reply, err
}

// letGo notes when something was asked.
func (d *dialogue) letGo(at time.Time) {
	for i := range d.markers {
		if m := &d.markers[i]; m.kept {
			m.until, m.kept = at.Add(d.timing.Lag), false
		}
	}
}

// ask does one exchange, and says what its reply means.
func (d *dialogue) ask(ctx context.Context, r request) ([]byte, error) {
	reply, err := d.exchange(ctx, r)
	if err != nil {
		return nil, err
	}
	values, err := r.judge(reply)
	if errors.Is(err, errVague) || d.nameless && errors.Is(err, hal.ErrRefused) && len(d.debts) > 0 {
		d.giveUp(r.topic)
	}
	return values, err
}

// exchange gives the reply up where none came. What was never sent is owed no reply.
func (d *dialogue) exchange(ctx context.Context, r request) ([]byte, error) {
	reply, sentAt, err := d.link.exchange(ctx, d.timing.Gap, r.bytes, r.match)
	if sentAt.IsZero() {
		return nil, err
	}
	d.letGo(sentAt)
	if err != nil {
		d.giveUp(r.topic)
	}
	return reply, err
}

func (d *dialogue) giveUp(topic string) {
	if d.debts == nil {
		d.debts = map[string]*debt{}
	}
	if d.debts[topic] == nil {
		d.debts[topic] = &debt{}
	}
	d.debts[topic].overdue, d.debts[topic].sought = true, time.Time{}
}

func (d *dialogue) doubts(topic string) bool {
	owed := d.debts[topic]
	return owed != nil && owed.doubtful
}

func worthRepeating(err error) bool {
	return errors.Is(err, hal.ErrSilent) || errors.Is(err, hal.ErrRefused)
}
