package control

import (
	"sync"
	"time"

	"bangtin/internal/journal"
)

// What the Clock believes of wall time.
const (
	// floorAfter is how long the time must have been trusted without a contradiction before it raises the floor, and
	// floorBehind how far the floor stays behind it: a server that lied for a moment leaves no trace, and a
	// correction of seconds never runs into the floor.
	floorAfter  = 15 * time.Minute
	floorBehind = time.Hour
	// plausible is how far above the floor a time may lie that nobody signed. A clock in 2036 or 2099 is broken.
	plausible = 400 * 24 * time.Hour
)

// A System is what the kernel says of time. All three are required and must not block.
type System struct {
	Wall   func() time.Time     // the system clock; it may be set to anything at any moment
	Mono   func() time.Duration // since any moment before; never steps
	Synced func() bool          // the kernel's clock is disciplined by NTP or PTP
}

// A Clock gives wall time that never goes below a floor, with what it is worth. Safe for concurrent use.
//
// Within a run time moves by the monotonic clock alone, whatever becomes of the system clock, except that
//   - a synchronised system clock is followed, as long as no signed time contradicts it;
//   - signed time sets it, see Confirm;
//   - an untrusted guess may be moved forward by a system clock that nobody confirmed and that is plausible.
//
// The floor is the newest of the program's build time and the last time that was trusted for long. What signed time has
// proved of it stands for good; what a synchronised clock has made of it falls when signed time says that it was wrong:
// or whoever can pretend to be an NTP server for a quarter of an hour would lock out the truth. The first guess
// is the system clock, or, where that is below the floor or implausibly far above it, the last moment the journal
// knows of: too early by the length of the outage, and untrusted.
type Clock struct {
	system System
	boot   string

	mu         sync.Mutex
	floor      time.Time // UTC
	proved     time.Time // UTC; what the build and signed time have made of the floor
	resume     anchor    // what a clock that is not believed goes on from; not before floor
	line       anchor    // what time goes on from
	grade      journal.TimeTrust
	vouched    bool          // line goes on from a time that somebody confirmed in this run
	doubted    bool          // the system clock is not to be believed until it is synchronised
	syncedFrom time.Duration // since when it has been synchronised and followed; negative when it is not
	proof      proof         // the newest signed time; its wall is zero when there was none
	disagrees  string        // why the synchronised clock is not followed
}

// An anchor is what the wall showed at a moment of the monotonic clock.
type anchor struct {
	wall time.Time
	mono time.Duration
}

func (a anchor) at(mono time.Duration) time.Time { return a.wall.Add(mono - a.mono) }

// NewClock starts a clock. boot is the random identity of this run and stands on every stamp.
func NewClock(boot string, floor time.Time, system System) *Clock {
	floor = floor.UTC().Round(0)
	mono := system.Mono()
	return &Clock{
		system: system, boot: boot, floor: floor, proved: floor, grade: journal.Untrusted, syncedFrom: -1,
		resume: anchor{floor, mono}, line: anchor{floor, mono},
	}
}

// Resume takes over from the last run: its floor, and the last moment it knew, trusted or not.
func (c *Clock) Resume(last journal.Heartbeat) {
	mono := c.system.Mono()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.proved = later(c.proved, time.Unix(last.Proved, 0).UTC())
	c.floor = later(later(c.floor, c.proved), time.Unix(last.Floor, 0).UTC())
	for _, t := range []time.Time{c.floor, time.Unix(last.At, 0).UTC()} {
		if t.After(c.resume.at(mono)) && t.Before(c.floor.Add(plausible)) {
			c.resume = anchor{t, mono}
		}
	}
	c.restart()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Doubt marks the system clock as not to be believed until it is synchronised: the caller knows that it only goes on
// from where it stood when the power went.
func (c *Clock) Doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubted = true
	c.restart()
}

// restart forgets a guess, so that it is made again. The caller holds mu.
func (c *Clock) restart() {
	if c.syncedFrom < 0 && c.proof.wall.IsZero() {
		c.line, c.grade = c.resume, journal.Untrusted
	}
}

// Stamp is the present moment. Wall is UTC and never below the floor.
func (c *Clock) Stamp() journal.Stamp {
	synced, wall, mono := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stamp(wall, synced, mono)
}

// stamp is Stamp by what was read of the system. The caller holds mu.
func (c *Clock) stamp(wall time.Time, synced bool, mono time.Duration) journal.Stamp {
	trust := c.follow(wall, synced, mono)
	s := journal.Stamp{Boot: c.boot, Mono: mono, Wall: c.line.at(mono), Trust: trust}
	c.climb(s)
	return s
}

// read asks the system whether it is synchronised before it asks for the time: one read just before the first
// correction is not yet right. Round strips the monotonic reading: times compare by wall alone.
func (c *Clock) read() (synced bool, wall time.Time, mono time.Duration) {
	synced, mono = c.system.Synced(), c.system.Mono()
	return synced, c.system.Wall().UTC().Round(0), mono
}

// follow moves the line where the system clock has a better claim than it, and says what the line is worth now. The
// caller holds mu.
func (c *Clock) follow(wall time.Time, synced bool, mono time.Duration) journal.TimeTrust {
	sane := !wall.Before(c.floor)
	c.disagrees = ""
	if synced && !c.proof.allows(wall, mono) {
		c.disagrees = c.proof.against(wall, mono)
		synced = false
	}
	if synced && sane {
		c.line, c.grade, c.vouched, c.doubted = anchor{wall, mono}, journal.Floored, true, false
		if c.syncedFrom < 0 {
			c.syncedFrom = mono
		}
		if c.proof.fresh(mono) {
			return journal.Signed
		}
		return journal.Synchronised
	}
	if synced {
		c.disagrees = "the synchronised clock says " + wall.Format(time.RFC3339) + ", below what is certainly past"
	}
	c.syncedFrom = -1
	most := c.floor.Add(plausible)
	switch {
	case c.proof.fresh(mono):
		return journal.Signed
	case !c.proof.wall.IsZero():
	case c.grade != journal.Untrusted && c.line.at(mono).After(most): // what said so is no longer there to confirm it
		c.line, c.grade, c.vouched = c.resume, journal.Untrusted, false
	case c.grade == journal.Untrusted && sane && !c.doubted && !wall.After(most) && !wall.Before(c.line.at(mono)):
		c.line, c.grade = anchor{wall, mono}, journal.Floored
	}
	return c.grade
}

// climb raises the floor behind a time that has been trusted for long. A synchronised clock moves it no further than
// is plausible. The caller holds mu.
func (c *Clock) climb(s journal.Stamp) {
	next := s.Wall.Add(-floorBehind)
	synced := c.syncedFrom >= 0 && s.Mono-c.syncedFrom >= floorAfter && !next.After(c.floor.Add(plausible))
	signed := s.Trust == journal.Signed && c.proof.mono-c.proof.since >= floorAfter
	if signed {
		c.proved = later(c.proved, next)
	}
	if !next.After(c.floor) || !synced && !signed {
		return
	}
	c.floor = next
	if next.After(c.resume.at(s.Mono)) {
		c.resume = anchor{next, s.Mono}
	}
}

// Now is the wall time of Stamp.
func (c *Clock) Now() time.Time { return c.Stamp().Wall }

// Sure is the wall time where it is trusted and plausible, else the floor: the best time to judge certificates by. A
// system clock that nobody confirmed counts, and may be ahead; see Certain.
func (c *Clock) Sure() time.Time {
	synced, wall, mono := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sure(wall, synced, mono)
}

// Certain is Sure where somebody confirmed the time in this run, else the floor: a time that is not too late, to judge
// by what is past for good.
func (c *Clock) Certain() time.Time {
	synced, wall, mono := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	if sure := c.sure(wall, synced, mono); c.vouched {
		return sure
	}
	return c.floor
}

// sure is Sure by what was read of the system. The caller holds mu.
func (c *Clock) sure(wall time.Time, synced bool, mono time.Duration) time.Time {
	s := c.stamp(wall, synced, mono)
	if s.Trust == journal.Untrusted || s.Trust != journal.Signed && s.Wall.After(c.floor.Add(plausible)) {
		return c.floor
	}
	return s.Wall
}

// Floor is the moment below which Now does not go.
func (c *Clock) Floor() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.floor
}

// keep notes in hb what Resume needs.
func (c *Clock) keep(hb *journal.Heartbeat) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hb.Floor, hb.Proved = c.floor.Unix(), c.proved.Unix()
}

// Mono is the monotonic time that stands on the stamps.
func (c *Clock) Mono() time.Duration { return c.system.Mono() }

// Disagrees says why the system clock is not followed though it is synchronised: it contradicts signed time or lies
// below the floor. It is empty where that is not so, and as of the last Stamp.
func (c *Clock) Disagrees() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.disagrees
}
