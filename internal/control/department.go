package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// longestPower is how long one person's order may hold: an open-ended one needs the trust role (docs/PROTOCOL.md).
const longestPower = 31 * 24 * time.Hour

// tooFar refuses an order that would hold for longer than one person may order, and a version that would lock out
// every later one. Where the time is not synchronised, no more than what is plausible can be asked.
func tooFar(order wire.PowerOrder, at journal.Stamp) error {
	span := longestPower
	if !confirmed(at.Trust) {
		span = plausible
	}
	if order.Until != nil && order.Until.After(at.Wall.Add(span)) {
		return &Refusal{Reason: tooFarAhead, Detail: "it holds until " + order.Until.Format(time.RFC3339) + ", longer than one person may order"}
	}
	return InFuture(order.Version, at)
}

// ahead is how far before a confirmed clock a version or counter may be: the clocks of people's computers differ by
// minutes, and whoever has stolen a key shall not lock out for longer who comes after him.
const ahead = 10 * time.Minute

// InFuture refuses a version or counter, in UTC milliseconds, that would lock out every later one: one of more than
// 10 minutes ahead, or, where nobody confirmed the time, of more than what is plausible.
func InFuture(version uint64, at journal.Stamp) error {
	most := ahead
	if !confirmed(at.Trust) {
		most = plausible
	}
	if version > uint64(at.Wall.Add(most).UnixMilli()) {
		return &Refusal{Reason: tooFarAhead, Detail: fmt.Sprintf("version %d is a time in the future", version)}
	}
	return nil
}

// confirmed reports whether somebody outside this controller confirmed the time.
func confirmed(t journal.TimeTrust) bool { return t == journal.Synchronised || t == journal.Signed }

// endless is the end of an override that has none: the trust role may leave a display dark until further notice.
const endless = 4102444800 // UTC seconds: the year 2100

// Command makes the wish of a power command stand, in one transaction with w, which is the command's own. Commands and
// retained orders are one sequence, by UTC milliseconds: what is older than the last one, by whichever way that came,
// is refused as stale, and nothing of w is written. Where that sequence lies ahead of the clock, a command by the trust
// role sets it down to its own place, on record: the way out after a key or a clock was wrong. It returns nil, a *Refusal, or the journal's error.
func (o *Orders) Command(ctx context.Context, c *wire.Command, by Signature, w journal.Write) error {
	args, err := c.Power()
	if err != nil {
		return err
	}
	next := &Override{State: args.State, Until: time.Unix(endless, 0).UTC(), Reason: args.Reason, By: strings.Join(by.People, ", "), Digest: by.Digest,
		Keys: by.Keys, Role: by.Role}
	switch {
	case args.Until != nil:
		next.Until = args.Until.UTC()
	case args.State == wire.WishSchedule:
		next.Until = time.Time{}
	}
	mine, err := override(settingDepartment, next)
	if err != nil {
		return err
	}
	w.Settings, w.Raise = maps.Clone(w.Settings), maps.Clone(w.Raise)
	maps.Copy(w.Settings, mine.Settings)
	w.Raise[counterPower] = c.Counter
	o.commit.Lock()
	defer o.commit.Unlock()
	if err := o.setDown(ctx, c, by, &w); err != nil {
		return err
	}
	err = o.journal.Commit(ctx, w)
	if errors.Is(err, journal.ErrStale) {
		return &Refusal{Reason: "stale", Detail: fmt.Sprintf("counter %d is not above that of the power order that stands", c.Counter)}
	}
	if err != nil {
		return err
	}
	o.set(func() { o.department = next })
	return nil
}

// roleTrust is the role that may set the sequence of power orders down.
const roleTrust = "trust"

// setDown has w lower the sequence of power orders to that of the command, where it lies ahead of the clock and the
// trust role says so. What it passes over was made ahead of time, and is refused until that time has come. The caller
// holds commit.
func (o *Orders) setDown(ctx context.Context, c *wire.Command, by Signature, w *journal.Write) error {
	if by.Role != roleTrust {
		return nil
	}
	last, err := o.journal.Counter(ctx, counterPower)
	if err != nil {
		return fmt.Errorf("cannot judge a command: %w", err)
	}
	stamp := o.clock.Stamp()
	if InFuture(last, stamp) == nil {
		return nil
	}
	delete(w.Raise, counterPower)
	w.Lower = map[string]uint64{counterPower: c.Counter}
	w.Entries = append(slices.Clone(w.Entries), journal.Entry{Stamp: stamp, Kind: journal.KindOrder, Body: journal.Order{
		Source: counterPower, Version: c.Counter, Digest: by.Digest, People: strings.Join(by.People, ", "), Accepted: true,
		Reason: fmt.Sprintf("sequence set down from %d, which is ahead of the clock", last),
	}})
	return nil
}

// Standing is the digest of what the department ordered last; empty when it never did.
func (o *Orders) Standing() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.department == nil {
		return ""
	}
	return o.department.Digest
}
