package control

import (
	"context"
	"time"

	"bangtin/internal/journal"
)

const (
	// diskWait is how long a person on site waits for the disk. One that takes nothing any more may not keep a display dark
	// for good, nor lit.
	diskWait = 2 * time.Second
	// backlogKept bounds the records that wait for the disk.
	backlogKept = 64
)

// A backlog is what people on site did, obeyed from memory and on its way to the disk. It belongs to the mu of its Orders.
type backlog struct {
	dirty   chan struct{}   // there is something to save
	entries []journal.Entry // by whom and why; not on disk yet
	written int             // how many of all those are
	changed chan struct{}   // closed when written grows
}

func newBacklog() backlog {
	return backlog{dirty: make(chan struct{}, 1), changed: make(chan struct{})}
}

// add takes a record, and returns what written is once it is on disk.
func (b *backlog) add(e journal.Entry) (mine int) {
	if len(b.entries) < backlogKept {
		b.entries = append(b.entries, e)
	}
	b.tell()
	return b.written + len(b.entries)
}

// tell says that there is something to save.
func (b *backlog) tell() {
	select {
	case b.dirty <- struct{}{}:
	default:
	}
}

// done notes that the first n of entries are on disk.
func (b *backlog) done(n int) {
	b.entries, b.written = b.entries[n:], b.written+n
	close(b.changed)
	b.changed = make(chan struct{})
}

// saved waits until mine is on disk, for at most diskWait or as long as ctx lasts, and reports whether it is.
func (o *Orders) saved(ctx context.Context, b *backlog, mine int) bool {
	limit := time.NewTimer(diskWait)
	defer limit.Stop()
	for {
		o.mu.Lock()
		written, changed := b.written, b.changed
		o.mu.Unlock()
		if written >= mine {
			return true
		}
		select {
		case <-changed:
		case <-limit.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
