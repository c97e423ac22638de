package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bangtin/internal/wire"
)

// lookEvery is how often silence and windows are judged while nothing is heard.
const lookEvery = 5 * time.Second

func (p *Program) watch(o *options) action {
	gates := o.list("gate", say("only gates with this in their name, or displays with this in their id; several times"))
	all := o.yes("all", say("also show the displays that are well"))
	once := o.yes("once", say("look once and end: exit code 0 when all is well, 1 when something is wrong"))
	windows := o.list("window", say("when displays must be lit (07:00-11:00 and 14:00-18:00); several times"))
	center := o.center()
	return func(ctx context.Context, _ string) error {
		if len(*windows) == 0 {
			*windows = []string{"07:00-11:00", "14:00-18:00"}
		}
		h, err := parseHours(*windows)
		if err != nil {
			return err
		}
		c, err := p.openAccessAs(*center, "watch")
		if err != nil {
			return err
		}
		z, err := zone()
		if err != nil {
			return err
		}
		w := newWall(p.Now)
		ctx, cancel := context.WithCancel(ctx)
		l, err := p.dial(ctx, c, []string{wire.AllConn, wire.AllState, wire.AllPlaylists}, w.hear)
		if err != nil {
			cancel()
			return err
		}
		defer l.hangUp()
		defer cancel()
		v := &view{p: p, wall: w, hours: h, gates: *gates, all: *all, local: func() time.Time { return p.Now().In(z) }, last: map[string]string{}}
		settle(ctx, p.Patience.defaults().Settle, w.keptSoFar)
		if *once {
			return v.once()
		}
		return v.keep(ctx, l, c.Broker)
	}
}

// A view shows a wall to a person or to a program.
type view struct {
	p     *Program
	wall  *wall
	hours hours
	gates []string
	all   bool
	local func() time.Time

	screen bool              // it is written over; otherwise each change is told
	last   map[string]string // what was last told of each display
	sums   string            // the last summary
	broken string            // what is wrong with the connection; empty when it stands
	deaf   time.Time         // when it broke; zero once everything was heard again
	whole  time.Time         // when everything was heard again, after it broke
}

func (v *view) look() []finding {
	now, silence := v.moment(), v.p.Patience.defaults().Silence
	return v.wall.look(func(s *sight) []trouble { return v.p.troubles(s, v.hours, now, silence) }, v.wanted)
}

// moment is what displays are judged at. While nothing is heard it stands still: that nobody speaks is our own fault.
func (v *view) moment() time.Time {
	now := v.local()
	if v.deaf.IsZero() || v.broken == "" && !now.Before(v.whole) {
		v.deaf = time.Time{}
		return now
	}
	return v.deaf
}

func (v *view) wanted(display, gate string) bool {
	if len(v.gates) == 0 {
		return true
	}
	for _, g := range v.gates {
		if g = strings.ToLower(g); strings.Contains(strings.ToLower(gate), g) || strings.Contains(display, g) {
			return true
		}
	}
	return false
}

// once shows everything and says by the exit code whether something is wrong. That no display was seen is wrong too.
func (v *view) once() error {
	found := v.look()
	fmt.Fprint(v.p.Stdout, v.page(found))
	for _, f := range found {
		if v.all || len(f.troubles) > 0 {
			if err := v.p.result(v.object(f)); err != nil {
				return err
			}
		}
	}
	s := sum(found)
	if err := v.p.result(s); err != nil {
		return err
	}
	if s.Wrong > 0 || s.Displays == 0 {
		return exit(exitFailed)
	}
	return nil
}

// keep shows every change until ctx ends, which is how a person ends it.
func (v *view) keep(ctx context.Context, l *line, broker string) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	size, screen := v.p.screen()
	v.screen = screen
	for {
		found := v.look()
		if screen {
			v.redraw(found, size)
		} else if err := v.changes(found); err != nil {
			return err
		}
		select {
		case <-v.wall.wake:
			select { // many speak at once: one look for all
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
		case <-tick.C:
		case err := <-l.broke:
			if err := v.lineBroke(broker, err); err != nil {
				return err
			}
		case <-l.up:
			if err := v.lineStands(broker); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// A lineObject is told when our own connection breaks and when it stands again.
type lineObject struct {
	Line   string    `json:"line"` // "broken" or "stands"
	Broker string    `json:"broker"`
	At     time.Time `json:"at"`
	Why    string    `json:"why,omitempty"`
}

// lineBroke remembers that nothing is heard any more, and tells it once.
func (v *view) lineBroke(broker string, why error) error {
	before, what := v.broken, say("not connected to %s: %v", broker, why)
	v.broken = v.p.text(what)
	if before != "" {
		return nil
	}
	if v.deaf.IsZero() {
		v.deaf = v.local()
	}
	return v.tellLine(lineObject{"broken", broker, v.p.Now().UTC(), why.Error()}, what)
}

// lineStands waits with its judgement until the broker has told again what it keeps.
func (v *view) lineStands(broker string) error {
	if v.broken == "" {
		return nil
	}
	v.broken, v.whole = "", v.local().Add(v.p.Patience.defaults().Settle)
	return v.tellLine(lineObject{"stands", broker, v.p.Now().UTC(), ""}, say("connected to %s", broker))
}

// tellLine tells it on standard error, and a program where it reads everything else. A screen shows it by itself.
func (v *view) tellLine(o lineObject, what phrase) error {
	if v.p.objects == nil && !v.screen {
		fmt.Fprintln(v.p.Stderr, v.p.text(what))
	}
	return v.p.result(o)
}

// page is everything that is to be seen, grouped by gate.
func (v *view) page(found []finding) string {
	var b strings.Builder
	gate, begun := "", false
	for _, f := range found {
		if len(f.troubles) == 0 && !v.all {
			continue
		}
		if !begun || f.gate != gate {
			gate, begun = f.gate, true
			fmt.Fprintln(&b, v.gateWords(gate))
		}
		for _, t := range f.troubles {
			fmt.Fprintf(&b, "  %-20s %s\n", f.display, v.p.text(t.what))
		}
		if len(f.troubles) == 0 {
			fmt.Fprintf(&b, "  %-20s %s\n", f.display, v.p.text(f.wellWords()))
		}
		if told := v.p.sensorWords(f.sensors); told != "" {
			fmt.Fprintf(&b, "  %-20s %s\n", "", v.p.text(say("sensors: %s", told)))
		}
	}
	s := sum(found)
	fmt.Fprintln(&b, v.p.text(say("%d displays: %d well, %d with something wrong.", s.Displays, s.Well, s.Wrong)))
	return b.String()
}

func (v *view) gateWords(gate string) string {
	if gate == "" {
		return v.p.text(say("gate unknown"))
	}
	return visible(gate)
}

// changes tells each display of which something else is to be said than last time, on a line or as an object.
func (v *view) changes(found []finding) error {
	now := v.local().Format("2006-01-02 15:04:05")
	for _, f := range found {
		key := v.p.key(f.troubles)
		before, known := v.last[f.display]
		if key == before && (known || !v.all) {
			continue
		}
		v.last[f.display] = key
		words := v.p.text(f.wellWords())
		if len(f.troubles) > 0 {
			words = strings.ReplaceAll(strings.TrimSuffix(v.wordsOf(f), "\n"), "\n", "; ")
		}
		if told := v.p.sensorWords(f.sensors); told != "" {
			words += "; " + v.p.text(say("sensors: %s", told))
		}
		fmt.Fprintf(v.p.Stdout, "%s  %s  %s: %s\n", now, v.gateWords(f.gate), f.display, words)
		if err := v.p.result(v.object(f)); err != nil {
			return err
		}
	}
	s := sum(found)
	words := v.p.text(say("%d displays: %d well, %d with something wrong.", s.Displays, s.Well, s.Wrong))
	if words == v.sums {
		return nil
	}
	v.sums = words
	fmt.Fprintf(v.p.Stdout, "%s  %s\n", now, words)
	return v.p.result(s)
}

func (v *view) wordsOf(f finding) string {
	var b strings.Builder
	for _, t := range f.troubles {
		fmt.Fprintln(&b, v.p.text(t.what))
	}
	return b.String()
}

// A watchObject is what is to be said of one display.
type watchObject struct {
	Display  string          `json:"display"`
	Gate     string          `json:"gate"`
	Well     bool            `json:"well"`
	Playlist string          `json:"playlist"`
	Troubles []troubleObject `json:"troubles"`
	Sensors  []wire.Sensor   `json:"sensors,omitempty"` // as the display told them last; left out while it is away
}

type troubleObject struct {
	Code  string `json:"code"`
	Alarm string `json:"alarm,omitempty"` // its code, as the display has it
	What  string `json:"what"`
}

func (v *view) object(f finding) watchObject {
	o := watchObject{Display: f.display, Gate: f.gate, Well: len(f.troubles) == 0, Playlist: f.plays, Troubles: []troubleObject{}, Sensors: f.sensors}
	for _, t := range f.troubles {
		o.Troubles = append(o.Troubles, troubleObject{t.code, t.alarm, v.p.text(t.what)})
	}
	return o
}

// A sumObject is the last line.
type sumObject struct {
	Displays int `json:"displays"`
	Well     int `json:"well"`
	Wrong    int `json:"wrong"`
}

func sum(found []finding) sumObject {
	s := sumObject{Displays: len(found)}
	for _, f := range found {
		if len(f.troubles) > 0 {
			s.Wrong++
		}
	}
	s.Well = s.Displays - s.Wrong
	return s
}
