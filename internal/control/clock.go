package control

import (
	"sync"
	"time"

	"bangtin/internal/journal"
)

// A Clock gives wall time that never goes below a floor, with what it is worth. Safe for concurrent use.
//
// The floor is the newest of the program's build time and the last moment the journal knows of. A controller
// whose clock battery is dead starts in 1970: its wall clock is then below the floor, and the clock goes on from
// the floor with the monotonic time passed since, which is too early by the length of the outage and says so.
type Clock struct {
	wall   func() time.Time
	synced func() bool
	start  time.Time // carries Go's monotonic reading
	boot   string

	mu     sync.Mutex
	floor  time.Time     // UTC
	resume time.Time     // what a clock below the floor goes on from; not before floor
	since  time.Duration // monotonic time of resume
}

// NewClock starts a clock. wall reads the system clock (time.Now); synced says whether the kernel's clock is
// disciplined. boot is the random identity of this run and stands on every stamp.
func NewClock(boot string, floor time.Time, wall func() time.Time, synced func() bool) *Clock {
	return &Clock{wall: wall, synced: synced, start: wall(), boot: boot, floor: floor.UTC(), resume: floor.UTC()}
}

// Resume tells the best guess for a wall clock that is below the floor: the last moment the journal knows of,
// trusted or not. One before the floor is of no use and ignored.
func (c *Clock) Resume(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.resume) {
		c.resume, c.since = t.UTC(), c.mono()
	}
}

// Raise lifts the floor to t where t is later than the floor. Only trusted time may: a floor in 2099 would be
// there for good.
func (c *Clock) Raise(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.floor) {
		c.floor = t.UTC()
	}
	if t.After(c.resume) {
		c.resume, c.since = t.UTC(), c.mono()
	}
}

// Stamp is the present moment. Wall is UTC and never below the floor.
func (c *Clock) Stamp() journal.Stamp {
	mono := c.mono()
	wall := c.wall().UTC().Round(0) // Round strips the monotonic reading: a stamp compares by wall time alone
	c.mu.Lock()
	defer c.mu.Unlock()
	trust := journal.Floored
	switch {
	case wall.Before(c.floor):
		wall = c.resume.Add(mono - c.since)
		trust = journal.Untrusted
	case c.synced():
		trust = journal.Synchronised
	}
	return journal.Stamp{Boot: c.boot, Mono: mono, Wall: wall, Trust: trust}
}

// Now is the wall time of Stamp.
func (c *Clock) Now() time.Time { return c.Stamp().Wall }

// Floor is the moment below which Now never goes.
func (c *Clock) Floor() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.floor
}

func (c *Clock) mono() time.Duration { return c.wall().Sub(c.start) }
