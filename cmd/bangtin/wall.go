package main

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"bangtin/internal/fleet/department"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
	"bangtin/media"
)

// A wall is what is known of all displays. hear is called by the connection, everything else by one goroutine.
type wall struct {
	wake  chan struct{} // one pending value: something was heard
	clock func() time.Time

	mu     sync.Mutex
	sights map[string]*sight
	kept   int                          // messages so far that the broker had kept
	names  map[[sha256.Size]byte]string // id@version of envelopes that were read, as most displays get the same
}

func newWall(clock func() time.Time) *wall {
	return &wall{
		wake: make(chan struct{}, 1), clock: clock, sights: map[string]*sight{}, names: map[[sha256.Size]byte]string{},
	}
}

// hear takes a message. What cannot be read is passed over; a display of which nothing can be read becomes silent.
func (w *wall) hear(m department.Message) {
	device, ok := wire.DeviceOf(m.Topic)
	if !ok {
		return
	}
	topics, err := wire.NewTopics(device)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.Retained {
		w.kept++
	}
	switch m.Topic {
	case topics.Conn():
		if c, err := wire.ParseConn(m.Payload); err == nil {
			w.of(device, func(s *sight) { s.takeConn(c, m.Retained, w.clock()) })
		}
	case topics.State():
		if st, err := wire.ParseState(m.Payload); err == nil {
			w.of(device, func(s *sight) { s.takeState(st, m.Retained, w.clock()) })
		}
	case topics.DesiredPlaylist():
		if len(m.Payload) == 0 {
			if s, ok := w.sights[device]; ok {
				s.ought, s.published = "", false // taken back
			}
			break
		}
		name := w.named(m.Payload)
		w.of(device, func(s *sight) { s.ought, s.published = name, true })
	}
	offer(w.wake, struct{}{})
}

// of finds or makes the sight of a display, up to maxDisplays.
func (w *wall) of(device string, do func(*sight)) {
	s, ok := w.sights[device]
	if !ok && len(w.sights) >= maxDisplays {
		return
	}
	if !ok {
		s = &sight{}
		w.sights[device] = s
	}
	do(s)
}

// named reads which playlist an envelope carries. Its signatures are for the display to check: here it only says
// what the display was told to play.
func (w *wall) named(raw []byte) string {
	sum := sha256.Sum256(raw)
	if name, ok := w.names[sum]; ok {
		return name
	}
	name := ""
	if e, err := trust.ParseEnvelope(raw); err == nil && e.Type == trust.TypePlaylist {
		if l, err := media.ParsePlaylist(e.Payload); err == nil {
			name = fmt.Sprintf("%s@%d", l.ID, l.Version)
		}
	}
	if len(w.names) >= maxDisplays {
		clear(w.names)
	}
	w.names[sum] = name
	return name
}

// A finding is one display with what is wrong with it.
type finding struct {
	display, gate string
	plays         string
	off           bool // it is meant to be
	troubles      []trouble
	sensors       []wire.Sensor // as it told them last; none where it is away
}

// away reports whether the display is not there to be asked: what it said last is no longer known to be so.
func (f *finding) away() bool {
	return len(f.troubles) == 1 && slices.Contains([]string{"never-seen", "lost", "off", "silent"}, f.troubles[0].code)
}

// wellWords is what is said of a display with which nothing is wrong.
func (f *finding) wellWords() phrase {
	if f.off {
		return say("well; off, as it is meant to be")
	}
	return say("well; plays %s", or(visible(f.plays), "-"))
}

// look judges every display that is asked for, ordered by gate and display.
func (w *wall) look(judge func(*sight) []trouble, wanted func(display, gate string) bool) []finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	newest := w.newestTrust()
	var all []finding
	for _, d := range slices.Sorted(maps.Keys(w.sights)) {
		s := w.sights[d]
		if s.unseen() && !s.published || !wanted(d, s.gate) {
			continue
		}
		s.newest = newest
		f := finding{display: d, gate: s.gate, troubles: judge(s)}
		if s.state != nil {
			f.plays, f.off = s.state.Player.Playlist, s.state.Want.Panel == "off"
			if !f.away() {
				f.sensors = s.state.Sensors
			}
		}
		all = append(all, f)
	}
	slices.SortStableFunc(all, func(a, b finding) int { return cmp.Compare(a.gate, b.gate) })
	return all
}

// newestTrust is the newest trust document that any display says to go by. The caller holds mu.
func (w *wall) newestTrust() uint64 {
	newest := uint64(0)
	for _, s := range w.sights {
		if s.state != nil {
			newest = max(newest, s.state.TrustVersion)
		}
	}
	return newest
}

// keptSoFar counts what the broker had kept. Once it stands still the picture is whole.
func (w *wall) keptSoFar() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept
}

// seen lists the displays that the broker has heard of, sorted.
func (w *wall) seen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := []string{}
	for _, d := range slices.Sorted(maps.Keys(w.sights)) {
		if w.sights[d].conn != "" {
			all = append(all, d)
		}
	}
	return all
}

// sight returns what is known of one display.
func (w *wall) sight(display string) (sight, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.sights[display]
	if !ok {
		return sight{}, false
	}
	return *s, true
}
