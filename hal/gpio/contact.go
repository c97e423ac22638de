package gpio

import "time"

// A contact turns the edges of a line into a level that can be believed. It is pure: what it knows of time is what
// it is fed.
//
// Without hold, a level is believed once it has stayed for debounce. With hold, the line pulses while it is
// active, as an optocoupler on the mains does: it is active once no pause was as long as hold for the time of
// debounce, and inactive after a pause of hold.
//
// With a tally, it is active once it was so for debounce in sum, of which each pause takes a part of its own length: a
// line that never comes to rest is active all the same.
type contact struct {
	debounce, hold time.Duration
	tally          bool

	raw   bool          // the last level fed
	since time.Duration // when it came
	start time.Duration // with hold, the start of the pulses that raw belongs to

	sum     time.Duration // with a tally, how long it was active, less a part of the pauses; debounce at most
	counted time.Duration // until when

	known   bool          // believed was believed once
	level   bool          // the level believed
	calm    time.Duration // when the line was last at rest
	flipped time.Duration // when the level believed began
}

// chatterLimit is how long a line may go on without coming to rest before it is a fault. Contacts bounce for a
// few milliseconds; a hand on a key is done in a second.
const chatterLimit = 2 * time.Second

// forgets is how many times as long as a pulse of a line with a tally the pauses beside it must be, so that pulses never add
// up. Our judgement: a contact that is open for a fifth of the time is no contact at rest.
const forgets = 4

func newContact(debounce, hold time.Duration, level bool, at time.Duration) *contact {
	return &contact{debounce: debounce, hold: hold, raw: level, since: at, start: at, counted: at, calm: at}
}

// feed takes a level that the line has had from at on. It returns whether the level believed changed before that.
// The same level again as an edge says that a change was missed, and starts the wait anew.
func (c *contact) feed(level bool, at time.Duration) (changed bool) {
	at = max(at, c.since)
	changed = c.settle(at)
	switch {
	case !level:
	case c.hold == 0:
		c.start = at
	case c.raw:
		return changed // a pulse of which the end was missed: the line is as active as before
	case at-c.since >= c.hold || !c.pulsing():
		c.start = at
	}
	c.raw, c.since = level, at
	return changed
}

// sample takes the level that was read at a time: unlike an edge, it says nothing of what was before.
func (c *contact) sample(level bool, at time.Duration) (changed bool) {
	if level == c.raw {
		return false
	}
	return c.feed(level, at)
}

// settle believes what has stayed long enough at now. It returns whether that is a change from what was believed
// before; the first level ever believed is none.
func (c *contact) settle(now time.Duration) (changed bool) {
	c.count(now)
	level, at, ok := c.rested(now)
	if !ok {
		return false
	}
	c.calm = max(c.calm, now)
	changed = c.known && c.level != level
	if changed || !c.known {
		c.flipped = at
	}
	c.known, c.level = true, level
	return changed
}

// count adds to the tally what the line was since it was counted last.
func (c *contact) count(now time.Duration) {
	past := max(0, now-c.counted)
	if !c.raw {
		past = -past / forgets
	}
	c.sum = min(max(0, c.sum+past), c.debounce)
	c.counted = max(c.counted, now)
}

// rested returns the level that can be believed at now and since when the line has it.
func (c *contact) rested(now time.Duration) (level bool, at time.Duration, ok bool) {
	release := c.debounce
	if c.hold > 0 {
		release = c.hold
	}
	switch {
	case !c.raw && now-c.since >= release:
		return false, c.since, true
	case c.raw && now-c.start >= c.debounce, c.hold > 0 && c.pulsing() && now-c.start >= c.debounce,
		c.tally && c.sum >= c.debounce:
		return true, c.start, true
	}
	return false, 0, false
}

// pulsing tells whether the pause that the line is in follows a pulse.
func (c *contact) pulsing() bool { return c.start < c.since }

// chatters tells whether the line did not come to rest for too long.
func (c *contact) chatters(now time.Duration) bool { return now-c.calm > chatterLimit }

// next returns when something may have settled if nothing is fed before, always after now.
func (c *contact) next(now time.Duration) time.Duration {
	due := now + chatterLimit
	for _, t := range []time.Duration{c.since + c.debounce, c.since + c.hold, c.start + c.debounce, c.calm + chatterLimit + 1} {
		if t > now {
			due = min(due, t)
		}
	}
	if missing := c.debounce - c.sum; c.tally && c.raw && missing > 0 {
		due = min(due, now+missing)
	}
	return due
}
