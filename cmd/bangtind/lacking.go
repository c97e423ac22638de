package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"bangtin/media"
)

// A lacking is what the display does without at the moment: code and reason. Each is an alarm. Safe for concurrent use.
type lacking struct {
	mu   sync.Mutex
	what map[string]string

	noticed map[string]string // likewise, of notices
}

func (l *lacking) set(code, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.what[code] = reason
}

func (l *lacking) clear(code string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.what, code)
}

func (l *lacking) list() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := maps.Clone(l.what)
	maps.Copy(all, l.noticed)
	return all
}

const (
	missingEvery = 30 * time.Second
	// missingAfter is how long files of an accepted playlist may be on their way before somebody is told.
	missingAfter = 5 * time.Minute
)

// watchMissing tells when an accepted playlist cannot be shown for want of its files, with what way says of how they
// come.
func watchMissing(ctx context.Context, library *media.Library, l *lacking, way func() string) error {
	var since time.Time
	tick := time.NewTicker(missingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		missing := library.Missing()
		switch {
		case len(missing) == 0:
			since = time.Time{}
			l.clear("content-missing")
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > missingAfter:
			l.set("content-missing", fmt.Sprintf("%d files of an accepted playlist have not come, the first is %s; %s", len(missing), missing[0].SHA256, way()))
		}
	}
}
