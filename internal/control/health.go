package control

import (
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
}

// NewHealth knows no loop yet.
func NewHealth() *Health { return &Health{loops: map[string]*loop{}} }

// Loop registers a loop that promises to call the returned beat at least every limit.
func (h *Health) Loop(name string, limit time.Duration) (beat func()) {
	l := &loop{limit: limit, last: time.Now()}
	h.mu.Lock()
	h.loops[name] = l
	h.mu.Unlock()
	return func() {
		h.mu.Lock()
		l.last = time.Now()
		h.mu.Unlock()
	}
}

// Late names a loop that broke its promise; empty when none did.
func (h *Health) Late() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for name, l := range h.loops {
		if now.Sub(l.last) > l.limit {
			return name
		}
	}
	return ""
}
