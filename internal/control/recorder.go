package control

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"bangtin/internal/journal"
)

const (
	// DefaultHeartbeat is how often the books are written when nothing happens, with the plays since. It bounds
	// how much airtime a crash can cost in the books, against the wear of flash: a transaction with a few plays
	// sends about 20 kB to the disk, so once a minute is 1.2 MB an hour.
	DefaultHeartbeat = time.Minute
	// recordSoon is how long what is not a play waits for others to share its transaction.
	recordSoon = 2 * time.Second
	// recorderLimit is how long one commit may hang before it is an alarm. No watchdog bites for it: a restart does not mend
	// a disk, and the picture does not need one.
	recorderLimit = 10 * time.Minute
	// recordLimit is how many entries wait in memory while the disk does not take them. Beyond it plays are
	// dropped first and counted; segments and incidents are few and stay.
	recordLimit = 4096
)

// A recorder is the only writer of segments, plays, incidents and the heartbeat. It takes them without waiting
// and commits them in batches, so that a slow or full disk never delays a decision.
type recorder struct {
	journal Books
	every   time.Duration
	log     *slog.Logger
	beat    func()
	wake    chan struct{}

	mu      sync.Mutex
	pending []journal.Entry
	latest  *journal.Heartbeat // not yet written
	dropped int
}

func newRecorder(j Books, every time.Duration, log *slog.Logger, beat func()) *recorder {
	return &recorder{journal: j, every: every, log: log, beat: beat, wake: make(chan struct{}, 1)}
}

// put hands over what happened together with the heartbeat that matches it: a later commit has both or neither.
func (r *recorder) put(hb journal.Heartbeat, entries ...journal.Entry) {
	r.mu.Lock()
	r.latest = &hb
	r.pending = append(r.pending, entries...)
	r.trim()
	r.mu.Unlock()
	if slices.ContainsFunc(entries, func(e journal.Entry) bool { return e.Kind != journal.KindPlay }) {
		r.soon()
	}
}

func (r *recorder) soon() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// trim keeps what waits below its limit: the oldest plays go first, then the oldest segments become one that is
// lost, because nobody can tell any more. Incidents go last. The caller holds mu.
func (r *recorder) trim() {
	for _, kind := range []journal.Kind{journal.KindPlay, journal.KindSegment, journal.KindIncident} {
		for i := 0; len(r.pending) > recordLimit && i < len(r.pending); {
			if r.pending[i].Kind != kind || kind == journal.KindSegment && !r.merge(i) {
				i++
				continue
			}
			r.pending = slices.Delete(r.pending, i, i+1)
			r.dropped++
		}
	}
}

// merge makes the segment at i part of the next one that adjoins it, as lost. It reports whether there was one.
func (r *recorder) merge(i int) bool {
	first, ok := r.pending[i].Body.(journal.Segment)
	for j := i + 1; ok && j < len(r.pending); j++ {
		next, is := r.pending[j].Body.(journal.Segment)
		if !is {
			continue
		}
		idle := first.State == journal.Idle
		if next.From != first.To || idle != (next.State == journal.Idle) || first.State == journal.Void || next.State == journal.Void {
			return false
		}
		next.From = first.From
		if !idle {
			next.State, next.Cause = journal.Lost, journal.CauseAccountingLost
		}
		r.pending[j].Body = next
		return true
	}
	return false
}

func (r *recorder) run(ctx context.Context) error {
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	due := time.Now().Add(recordSoon)
	for {
		select {
		case <-ctx.Done():
			return r.last()
		case <-r.wake:
			due = earlier(due, time.Now().Add(recordSoon))
		case <-beat.C:
			r.beat()
		}
		if time.Now().Before(due) {
			continue
		}
		due = time.Now().Add(r.every)
		err := r.flush(ctx)
		if errors.Is(err, journal.ErrDamaged) {
			return err // the next start saves what can be saved
		}
		if err != nil {
			r.log.Error("cannot write the journal", "err", err)
		}
	}
}

// last writes what is still waiting when the daemon stops.
func (r *recorder) last() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return r.flush(ctx)
}

// flush commits everything that waits. On an error all of it keeps waiting.
func (r *recorder) flush(ctx context.Context) error {
	r.mu.Lock()
	entries, hb, dropped := r.pending, r.latest, r.dropped
	r.pending, r.latest = nil, nil
	r.mu.Unlock()
	if len(entries) == 0 && hb == nil {
		return nil
	}
	w := journal.Write{Label: "record", Entries: entries, Heartbeat: hb}
	if dropped > 0 && len(entries) > 0 {
		w.Entries = slices.Concat(entries, []journal.Entry{{
			Stamp: entries[len(entries)-1].Stamp, Kind: journal.KindIncident,
			Body: journal.Incident{Class: journal.Technical, Code: "records-dropped", Detail: "the journal could not be written for long", Count: dropped},
		}})
	}
	if err := r.journal.Commit(ctx, w); err != nil {
		r.giveBack(entries, hb)
		return err
	}
	r.mu.Lock()
	r.dropped -= dropped
	r.mu.Unlock()
	return nil
}

// giveBack puts what could not be written in front of what came meanwhile.
func (r *recorder) giveBack(entries []journal.Entry, hb *journal.Heartbeat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = slices.Concat(entries, r.pending)
	if r.latest == nil {
		r.latest = hb
	}
	r.trim()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
