package fleet

import "time"

// Link is how the display stands with its broker.
type Link struct {
	Up    bool
	Since time.Time // since when it is up, or down; process time
	Why   string    // of the last attempt that failed, while it is down
}

// Link tells it as it is now. Safe for concurrent use.
func (f *Fleet) Link() Link {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.link
}

// linked notes it. One that stays down is down since it went down.
func (f *Fleet) linked(l Link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.Since = f.link.Since
	if l.Up != f.link.Up || l.Since.IsZero() {
		l.Since = time.Now()
	}
	f.link = l
}
