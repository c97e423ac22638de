package control

import (
	"sync"
	"time"

	"bangtin/internal/journal"
)

// What the Clock believes of wall time.
const (
	// floorAfter is how long the clock must have been synchronised without a break before it raises the floor,
	// and floorBehind how far the floor stays behind it: a server that lied for a moment leaves no trace, and a
	// correction of seconds never runs into the floor.
	floorAfter  = 15 * time.Minute
	floorBehind = time.Hour
	// plausible is how far above the floor a time may lie that nobody confirms. A controller is not on the shelf
	// for longer; a clock in 2036 or 2099 is broken.
	plausible = 400 * 24 * time.Hour
)

// A Clock gives wall time that never goes below a floor, with what it is worth. Safe for concurrent use.
//
// The floor is the newest of the program's build time and the last time that was synchronised for long. A wall
// clock below it, or implausibly far above it with nobody to confirm it, is not believed: time then goes on from
// the last moment the journal knows of, which is too early by the length of the outage and says so.
type Clock struct {
	wall   func() time.Time
	synced func() bool
	start  time.Time // carries Go's monotonic reading
	boot   string

	mu         sync.Mutex
	floor      time.Time // UTC
	resume     time.Time // what a clock that is not believed goes on from; not before floor
	since      time.Duration
	doubted    bool          // not to be believed until synchronised
	syncedFrom time.Duration // monotonic time since when it has been synchronised; negative when it is not
}

// NewClock starts a clock. wall reads the system clock (time.Now); synced says whether the kernel's clock is
// disciplined. boot is the random identity of this run and stands on every stamp.
func NewClock(boot string, floor time.Time, wall func() time.Time, synced func() bool) *Clock {
	return &Clock{
		wall: wall, synced: synced, start: wall(), boot: boot, floor: floor.UTC(), resume: floor.UTC(), syncedFrom: -1,
	}
}

// Resume tells what the last run left: its floor, and the last moment it knew, trusted or not.
func (c *Clock) Resume(floor, last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if floor.After(c.floor) {
		c.floor = floor.UTC()
	}
	for _, t := range []time.Time{floor, last} {
		if t.After(c.resume) && t.Before(c.floor.Add(plausible)) {
			c.resume, c.since = t.UTC(), c.mono()
		}
	}
}

// Doubt marks the wall clock as not to be believed until it is synchronised: the caller knows that it only goes on
// from where it stood when the power went.
func (c *Clock) Doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubted = true
}

// Stamp is the present moment. Wall is UTC and never below the floor.
func (c *Clock) Stamp() journal.Stamp {
	synced := c.synced() // before the wall clock: a time read just before the first correction is not yet right
	mono := c.mono()
	wall := c.wall().UTC().Round(0) // Round strips the monotonic reading: a stamp compares by wall time alone
	c.mu.Lock()
	defer c.mu.Unlock()
	s := journal.Stamp{Boot: c.boot, Mono: mono, Wall: wall, Trust: journal.Floored}
	switch {
	case wall.Before(c.floor), !synced && (c.doubted || wall.After(c.floor.Add(plausible))):
		s.Wall, s.Trust = c.resume.Add(mono-c.since), journal.Untrusted
	case synced:
		s.Trust = journal.Synchronised
	}
	c.climb(s)
	return s
}

// climb raises the floor behind a clock that has been synchronised for long. The caller holds mu.
func (c *Clock) climb(s journal.Stamp) {
	if s.Trust != journal.Synchronised {
		c.syncedFrom = -1
		return
	}
	c.doubted = false
	if c.syncedFrom < 0 {
		c.syncedFrom = s.Mono
	}
	next := s.Wall.Add(-floorBehind)
	if s.Mono-c.syncedFrom < floorAfter || !next.After(c.floor) || next.After(c.floor.Add(plausible)) {
		return
	}
	c.floor = next
	if next.After(c.resume) {
		c.resume, c.since = next, s.Mono
	}
}

// Now is the wall time of Stamp.
func (c *Clock) Now() time.Time { return c.Stamp().Wall }

// Sure is the wall time where it is trusted, else the floor: a time that is certainly not too late.
func (c *Clock) Sure() time.Time {
	if s := c.Stamp(); s.Trust != journal.Untrusted {
		return s.Wall
	}
	return c.Floor()
}

// Floor is the moment below which Now never goes.
func (c *Clock) Floor() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.floor
}

func (c *Clock) mono() time.Duration { return c.wall().Sub(c.start) }
