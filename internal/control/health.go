package control

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Health knows which loops of the daemon still turn. Safe for concurrent use.
type Health struct {
	mu    sync.Mutex
	loops map[string]*loop
}

type loop struct {
	limit time.Duration
	last  time.Time
	aside bool
}

// NewHealth knows no loop yet.
func NewHealth() *Health { return &Health{loops: map[string]*loop{}} }

// Loop registers a loop that promises to call the returned beat at least every limit. It is one of those that the safety
// chain needs: where it stands still, the daemon is killed and begins anew, and the relay moves.
func (h *Health) Loop(name string, limit time.Duration) (beat func()) {
	return h.register(name, &loop{limit: limit, last: time.Now()})
}

// Aside registers a loop that may stand still for longer than limit only while the disk hangs, which no restart mends. It
// is an alarm, and never Late.
func (h *Health) Aside(name string, limit time.Duration) (beat func()) {
	return h.register(name, &loop{limit: limit, last: time.Now(), aside: true})
}

func (h *Health) register(name string, l *loop) (beat func()) {
	h.mu.Lock()
	h.loops[name] = l
	h.mu.Unlock()
	return func() {
		h.mu.Lock()
		l.last = time.Now()
		h.mu.Unlock()
	}
}

// Late names a Loop that broke its promise; empty when none did.
func (h *Health) Late() string { return h.still(false) }

// stuck names a loop Aside that broke its promise; empty when none did.
func (h *Health) stuck() string { return h.still(true) }

func (h *Health) still(aside bool) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for _, name := range slices.Sorted(maps.Keys(h.loops)) {
		if l := h.loops[name]; l.aside == aside && now.Sub(l.last) > l.limit {
			return name
		}
	}
	return ""
}
