package centre

import (
	"fmt"
	"time"

	"bangtin/internal/centre/store"
	"bangtin/internal/wire"
)

// Codes of the watch's incidents.
const (
	Dark     = "dark"           // a display shows nothing inside a window, as far as the centre can tell
	ClockOff = "clock-doubtful" // the centre's own clock differs from that of most displays: nothing is raised
)

const (
	// patience is how long a display may be silent, or say that it is dark, inside a window before it is told: with the
	// watch's own pace and a heartbeat less than the five minutes that were promised.
	patience = 4 * time.Minute

	// forget is how long ago a display may have been heard and still be expected.
	forget = 30 * 24 * time.Hour

	// steadyFor is how long the centre's clock must have gone on without a step or a doubt before a display is given up
	// by it. Until then one that seems to be away for so long is only not told of: the clock may come back.
	steadyFor = 24 * time.Hour

	// afterJoin is how long after the broker was joined a display's clock is not compared: what comes first was queued,
	// and is as old as the centre was away.
	afterJoin = 30 * time.Second

	maxStep    = 5 * time.Second  // between the two clocks from one look to the next
	maxStill   = 30 * time.Second // between two looks: above it the centre itself was away
	maxOffset  = 2 * time.Minute  // between the centre's clock and a display's
	fewestSure = 3                // displays it takes to doubt the centre's own clock
)

// A Moment is read from two clocks at once: one that never steps, and one that people read.
type Moment struct {
	Mono time.Duration
	Wall time.Time
}

// A Report is what the watch needs of a display's state.
type Report struct {
	Dark     string // why, in one line; empty when there is a picture
	Retained bool   // the broker's copy of an older one
	Outbox   uint64
	Offset   time.Duration // the centre's clock minus the display's
	Sure     bool          // the display's clock is kept by somebody else than the centre
}

// A Watch notices displays that are dark inside a window. It has one user at a time and reads no clock of its own.
//
// What it cannot know it does not raise: while the centre is not connected, and for the first minutes after it was not,
// after a step of its own clock and after it stood still, silence proves nothing.
type Watch struct {
	plan     Plan
	displays map[string]*watched
	last     Moment

	listening bool
	joined    time.Duration
	steadied  time.Duration            // since when the clock has gone on without a step or a doubt
	from      time.Duration            // since when silence means something
	opened    map[string]time.Duration // when a window was first seen open, by its opening: by Mono
	doubt     bool
}

type watched struct {
	heard     Moment // Wall is zero when it was never heard; Mono holds since the centre started
	conn      string
	dark      string
	darkSince Moment
	light     bool // said so, since it was dark
	outbox    uint64
	offset    time.Duration
	sure      bool
	raised    bool
	since     time.Time
}

// NewWatch watches nobody yet.
func NewWatch(plan Plan, now Moment) *Watch {
	return &Watch{plan: plan, displays: map[string]*watched{}, last: now, from: now.Mono, joined: now.Mono, steadied: now.Mono, opened: map[string]time.Duration{}}
}

func (w *Watch) of(device string) *watched {
	d, ok := w.displays[device]
	if !ok {
		d = &watched{heard: Moment{Mono: w.last.Mono}}
		w.displays[device] = d
	}
	return d
}

// Expect makes a display that was heard before the centre started one that is watched.
func (w *Watch) Expect(device string, heard time.Time) { w.of(device).heard.Wall = heard }

// Listening says whether the centre hears anybody at all.
func (w *Watch) Listening(now Moment, yes bool) {
	w.listening, w.from, w.joined = yes, now.Mono, now.Mono
}

// Heard notes any sign of life.
func (w *Watch) Heard(device string, now Moment) { w.of(device).heard = now }

// Connection notes a birth or a will.
func (w *Watch) Connection(device string, now Moment, state string, retained bool) {
	d := w.of(device)
	d.conn = state
	if state == wire.Online && !retained {
		d.heard = now
	}
}

// Reported notes what a display said of itself.
func (w *Watch) Reported(device string, now Moment, r Report) {
	d := w.of(device)
	d.outbox = r.Outbox
	if r.Retained {
		return // it may be days old; the next one comes within a heartbeat
	}
	d.heard, d.offset, d.sure = now, r.Offset, r.Sure && now.Mono-w.joined >= afterJoin
	if r.Dark != "" && d.dark == "" {
		d.darkSince = now
	}
	d.dark, d.light = r.Dark, r.Dark == ""
}

// Tick looks at every display and returns what has begun and what is over.
func (w *Watch) Tick(now Moment) []store.Incident {
	w.steady(now)
	incidents := w.judgeClock(now)
	open := map[string]time.Duration{}
	for device, d := range w.displays {
		if !d.heard.Wall.IsZero() && now.Wall.Sub(d.heard.Wall) > forget {
			if w.doubt || now.Mono-w.steadied < steadyFor {
				continue
			}
			delete(w.displays, device)
			if d.raised {
				incidents = append(incidents, d.over(device, now, "not heard for 30 days: no longer expected"))
			}
			continue
		}
		if i := w.look(device, d, now, open); i != nil {
			incidents = append(incidents, *i)
		}
	}
	w.opened = open
	return incidents
}

// steady starts the watch anew when the centre stood still or its clock was set.
func (w *Watch) steady(now Moment) {
	passed := now.Mono - w.last.Mono
	step := now.Wall.Round(0).Sub(w.last.Wall.Round(0)) - passed
	if passed > maxStill || step.Abs() > maxStep {
		w.from, w.steadied = now.Mono, now.Mono
		clear(w.opened)
	}
	w.last = now
}

// judgeClock doubts the centre's clock when most of the displays whose clocks others keep disagree with it.
func (w *Watch) judgeClock(now Moment) []store.Incident {
	sure, off := 0, 0
	for _, d := range w.displays {
		if !d.sure || now.Mono-d.heard.Mono > patience {
			continue
		}
		sure++
		if d.offset.Abs() > maxOffset {
			off++
		}
	}
	doubt := sure >= fewestSure && 2*off > sure
	if doubt == w.doubt {
		return nil
	}
	w.doubt = doubt
	w.from, w.steadied = now.Mono, now.Mono
	return []store.Incident{{At: now.Wall, Code: ClockOff, Over: !doubt, Since: now.Wall, Heard: now.Wall,
		Detail: fmt.Sprintf("the centre's clock differs by more than %s from %d of %d displays", maxOffset, off, sure)}}
}

// Doubtful is whether the centre's own clock may be wrong.
func (w *Watch) Doubtful() bool { return w.doubt }

func (w *Watch) look(device string, d *watched, now Moment, open map[string]time.Duration) *store.Incident {
	opened, inside := w.plan.opened(w.plan.of(device), now.Wall)
	if !inside {
		if d.raised {
			i := d.over(device, now, "the window is over")
			return &i
		}
		return nil
	}
	name := opened.UTC().Format(time.RFC3339)
	if _, seen := open[name]; !seen {
		open[name] = now.Mono
		if first, before := w.opened[name]; before {
			open[name] = first
		}
	}
	if d.raised {
		return w.cleared(device, d, now)
	}
	if !w.listening || w.doubt {
		return nil
	}
	return w.raised(device, d, now, max(w.from, open[name]))
}

// raised is about a display of which nothing is told yet. from is since when it could have been heard inside the window.
func (w *Watch) raised(device string, d *watched, now Moment, from time.Duration) *store.Incident {
	since, why := max(from, d.heard.Mono), d.silence()
	if now.Mono-since < patience {
		if d.dark == "" {
			return nil
		}
		if since, why = max(from, d.darkSince.Mono), d.dark; now.Mono-since < patience {
			return nil
		}
	}
	d.raised, d.since, d.light = true, now.Wall.Add(since-now.Mono), false
	return &store.Incident{At: now.Wall, Device: device, Code: Dark, Since: d.since, Heard: d.heard.Wall, Detail: why}
}

// cleared is when the display says that there is a picture again.
func (w *Watch) cleared(device string, d *watched, now Moment) *store.Incident {
	if !d.light {
		return nil
	}
	i := d.over(device, now, "the display shows a picture again")
	return &i
}

func (d *watched) over(device string, now Moment, why string) store.Incident {
	d.raised = false
	return store.Incident{At: now.Wall, Device: device, Code: Dark, Over: true, Since: d.since, Heard: d.heard.Wall, Detail: why}
}

// silence says what is known of a display that says nothing.
func (d *watched) silence() string {
	switch d.conn {
	case wire.Gone:
		return "silent: its connection broke"
	case wire.Off:
		return "silent: it was stopped in good order"
	case wire.Online:
		return "silent, though it is connected to the broker"
	}
	return "silent: it was not heard since the centre started"
}

// Counts is how many displays are in which state.
type Counts struct {
	Online, Off, Lost, Unknown int // by what was said of their connection
	Dark                       int // told as such
	Outbox                     uint64
	Deepest                    uint64 // outbox of one display
}

// Counts adds up.
func (w *Watch) Counts() Counts {
	var n Counts
	for _, d := range w.displays {
		switch d.conn {
		case wire.Online:
			n.Online++
		case wire.Off:
			n.Off++
		case wire.Gone:
			n.Lost++
		default:
			n.Unknown++
		}
		if d.raised {
			n.Dark++
		}
		n.Outbox += d.outbox
		n.Deepest = max(n.Deepest, d.outbox)
	}
	return n
}
