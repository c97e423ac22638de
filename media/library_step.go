package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"bangtin/internal/journal"
)

// collectAfter is how long the files of a replaced playlist stay: the player may be in the middle of the longest
// item there is, and has its successor open already.
const collectAfter = 2 * MaxSeconds * time.Second

// collectAgain is how long a failed collection waits: on a dying disk it fails every time.
const collectAgain = time.Hour

// Run calls Step whenever a playlist or a file came in, and every interval. It returns only when ctx ends. Errors are
// logged and tried again at the next interval: neither a full disk nor a slow journal may end it.
func (l *Library) Run(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := l.Step(ctx); err != nil && ctx.Err() == nil {
			l.opts.Log.Error("library step", "err", err)
		}
		select {
		case <-ctx.Done():
			if err := l.lastWords(); err != nil {
				l.opts.Log.Error("refusals not recorded", "err", err)
			}
			return ctx.Err()
		case <-tick.C:
		case <-l.wake:
		}
	}
}

// Step does what is due now: hashes files that were not yet hashed in this run of the process or not for a day, switches to the
// accepted playlist once all its files are verified, records counted refusals of past minutes, and removes files
// that no playlist needs. It blocks as long as hashing takes. One goroutine calls it.
func (l *Library) Step(ctx context.Context) error {
	accepted, current := l.both()
	verified := errors.Join(l.verify(ctx, current), l.verify(ctx, accepted), l.readAnew(ctx, current))
	l.work.Lock()
	defer l.work.Unlock()
	return errors.Join(verified, l.switchOver(ctx), l.tell(ctx, l.flush()), l.clean())
}

// verify hashes the files of a playlist, in order, so that the first items can be shown while later ones are read.
func (l *Library) verify(ctx context.Context, s *shelved) error {
	if s == nil {
		return nil
	}
	var problems []error
	for _, f := range s.Files() {
		if _, ok := l.opts.Store.Ready(f); ok || l.isDamaged(f) {
			continue
		}
		_, err := l.opts.Store.Verified(ctx, f)
		switch {
		case ctx.Err() != nil:
			return errors.Join(append(problems, ctx.Err())...)
		case err == nil:
			nudge(l.changed)
		case errors.Is(err, ErrWrongContent), errors.Is(err, fs.ErrNotExist) && l.isCurrent(s):
			problems = append(problems, l.foundDamaged(ctx, f, err))
		case !errors.Is(err, fs.ErrNotExist): // which is no news before the playlist is current
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// readAnew hashes the current playlist's files once a day, one in each step: flash rots while nobody looks, and there
// is time to fetch a file again before it is missed.
func (l *Library) readAnew(ctx context.Context, current *shelved) error {
	if now := l.opts.Stamp().Mono; current != nil && now >= l.reread {
		l.reread, l.unread = now+day, current.Files()
	}
	if len(l.unread) == 0 {
		return nil
	}
	f := l.unread[0]
	l.unread = l.unread[1:]
	if _, ok := l.opts.Store.Ready(f); !ok {
		return nil // it is verify's
	}
	err := l.opts.Store.Reverify(ctx, f)
	if errors.Is(err, ErrWrongContent) {
		return l.foundDamaged(ctx, f, err)
	}
	return err
}

// isCurrent reports whether all files of the playlist were there once.
func (l *Library) isCurrent(s *shelved) bool {
	_, current := l.both()
	return s == current
}

func (l *Library) isDamaged(f File) bool {
	l.work.Lock()
	defer l.work.Unlock()
	return l.damaged[f.SHA256]
}

func (l *Library) foundDamaged(ctx context.Context, f File, cause error) error {
	l.work.Lock()
	defer l.work.Unlock()
	l.damaged[f.SHA256] = true
	nudge(l.changed)
	nudge(l.wanted)
	err := l.record(ctx, &Refusal{Reason: ReasonDamaged, Detail: cause.Error()})
	if Refused(err) {
		return nil // it is on record, which is all that can be done here
	}
	return err
}

// switchOver makes the accepted playlist the current one if it can be shown whole. While all its items are yet to
// begin, or have ended already, it waits: the one on the screen is better than none.
func (l *Library) switchOver(ctx context.Context) error {
	accepted, current := l.both()
	if accepted == nil || current != nil && accepted.digest == current.digest {
		return nil
	}
	for _, f := range accepted.Files() {
		if _, ok := l.opts.Store.Ready(f); !ok {
			return nil
		}
	}
	if _, ok := l.programme(accepted, l.opts.Stamp().Wall); !ok && current != nil {
		return nil
	}
	err := l.commit(ctx, journal.Write{
		Label:    "playlist.switch",
		Settings: map[string][]byte{settingCurrent: accepted.raw},
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.current = accepted
	l.mu.Unlock()
	l.doubtful, l.crowded = false, false
	clear(l.told)
	l.leave(current)
	nudge(l.changed)
	l.opts.Log.Info("playlist is current", "playlist", accepted.ID, "version", accepted.Version)
	return nil
}

// A leaving playlist was replaced on the screen.
type leaving struct {
	files []File
	until time.Duration // on Stamp.Mono: how long they stay
}

// maxLeaving bounds how many playlists are leaving; one more makes the oldest leave at once.
const maxLeaving = 16

// leave notes that the player is done with a playlist, soon; nil for the slate.
func (l *Library) leave(s *shelved) {
	gone := leaving{until: l.opts.Stamp().Mono + collectAfter}
	if s != nil {
		gone.files = s.Files()
	}
	l.leaving = append(l.leaving, gone)
	switch {
	case len(l.leaving) > maxLeaving:
		l.leaving, l.collect = l.leaving[1:], 0
	case l.collect < 0:
		l.collect = gone.until
	}
}

// hasten has the playlists that are leaving leave at once, but for the last, which may still be on the screen.
func (l *Library) hasten() {
	if len(l.leaving) > 1 {
		l.leaving, l.collect = l.leaving[len(l.leaving)-1:], 0
		nudge(l.wake)
	}
}

// clean collects at the first step of a run, when no player has been given anything, some time after each switch, and
// when a playlist is replaced that was never shown.
func (l *Library) clean() error {
	now := l.opts.Stamp().Mono
	if l.collect < 0 || now < l.collect || !l.mayCollect() {
		return nil
	}
	l.leaving = slices.DeleteFunc(l.leaving, func(gone leaving) bool { return gone.until <= now })
	keep := make(map[string]bool)
	for _, f := range l.needed() {
		keep[f.SHA256] = true
	}
	for _, gone := range l.leaving {
		for _, f := range gone.files {
			keep[f.SHA256] = true
		}
	}
	freed, err := l.opts.Store.Collect(keep)
	if freed > 0 {
		l.opts.Log.Info("content collected", "bytes", freed)
	}
	if err != nil {
		l.collect = now + collectAgain
		return err
	}
	l.collect, l.crowded = -1, false
	if len(l.leaving) > 0 {
		l.collect = l.leaving[0].until
	}
	return nil
}

// mayCollect says no while nothing is current or a stored playlist is in doubt: where the journal was lost, the files
// in the store are those of the playlist that comes back. They make way only when the accepted one finds no room.
func (l *Library) mayCollect() bool {
	accepted, current := l.both()
	if accepted != nil && l.crowded {
		return true
	}
	return current != nil && !l.doubtful
}

// needed lists the files of both playlists; one may stand in it twice.
func (l *Library) needed() []File {
	var files []File
	accepted, current := l.both()
	for _, s := range []*shelved{accepted, current} {
		if s != nil {
			files = append(files, s.Files()...)
		}
	}
	return files
}

// Missing lists the files that the accepted and the current playlist need and the store does not have, or has
// damaged, each once.
func (l *Library) Missing() []File {
	l.work.Lock()
	defer l.work.Unlock()
	var missing []File
	seen := make(map[string]bool)
	for _, f := range l.needed() {
		if !seen[f.SHA256] && (l.damaged[f.SHA256] || !l.opts.Store.Has(f)) {
			missing = append(missing, f)
		}
		seen[f.SHA256] = true
	}
	return missing
}

// Add stores a file that is Missing, reading it from r, and blocks as long as r does. It returns as Added does.
func (l *Library) Add(ctx context.Context, r io.Reader, f File) error {
	return l.Added(ctx, f, l.opts.Store.Put(ctx, r, f))
}

// Added takes note of what became of storing a Missing file, whoever did it: err is nil or the Store's. Bytes that
// are not what was approved, and a store that is full or read-only, come back as a *Refusal, which is recorded once
// for each file until it could be added; any other error may pass.
func (l *Library) Added(ctx context.Context, f File, err error) error {
	l.work.Lock()
	defer l.work.Unlock()
	switch {
	case err == nil:
		delete(l.damaged, f.SHA256)
		delete(l.told, f.SHA256)
		nudge(l.wake)
		return nil
	case errors.Is(err, ErrWrongContent):
		return l.notAdded(ctx, f, &Refusal{Reason: ReasonDamaged, Detail: err.Error()})
	case errors.Is(err, ErrStoreFull):
		if !l.mayCollect() {
			l.crowded, l.collect = true, 0
			nudge(l.wake)
		}
		l.hasten()
		return l.notAdded(ctx, f, &Refusal{Reason: ReasonFull, Detail: err.Error()})
	case errors.Is(err, ErrReadOnly):
		return l.notAdded(ctx, f, &Refusal{Reason: ReasonReadOnly, Detail: err.Error()})
	}
	return fmt.Errorf("cannot add content: %w", err)
}

func (l *Library) notAdded(ctx context.Context, f File, no *Refusal) error {
	if l.told[f.SHA256] == no.Reason {
		return no
	}
	err := l.record(ctx, no)
	if Refused(err) {
		l.told[f.SHA256] = no.Reason
	}
	return err
}
