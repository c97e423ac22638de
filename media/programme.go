package media

import (
	"slices"
	"strconv"
	"time"
)

// Programme returns what may be shown at now: the items of the current playlist that are within their dates and
// whose files are verified. It returns false where that is nothing. It does not block: a file is hashed by Step, and
// missing here until then.
//
// A clock that somebody confirmed decides to the letter: what has ended, ended, even if nothing is left. Where
// nobody confirmed it (Stamp.Trust below Synchronised) its word counts only as long as it leaves something: else
// what it says has begun is shown, ended or not, and where that is nothing too, every item. All of it is approved,
// and a flat battery must not blacken the screen.
func (l *Library) Programme(now time.Time) (Programme, bool) {
	_, current := l.both()
	if current == nil {
		return Programme{}, false
	}
	return l.programme(current, now)
}

// Standing tells of the accepted or the current playlist by the digest of its signed payload: its id@version, empty
// where it is neither, and whether it is current.
func (l *Library) Standing(digest string) (name string, current bool) {
	accepted, shown := l.both()
	for _, s := range []*shelved{shown, accepted} {
		if s != nil && s.digest == digest {
			return s.ID + "@" + strconv.FormatUint(s.Version, 10), s == shown
		}
	}
	return "", false
}

// Hurry makes Run look at once whether the accepted playlist can be current.
func (l *Library) Hurry() { nudge(l.wake) }

func (l *Library) programme(s *shelved, now time.Time) (Programme, bool) {
	prog := Programme{Playlist: s.ID, Version: s.Version}
	for i, due := range s.due(now, believed(l.opts.Stamp().Trust)) {
		it := s.Items[i]
		if !due {
			continue
		}
		clip := Clip{Playlist: s.ID, Version: s.Version, Item: it, SHA256: s.sums[i]}
		if it.File != nil {
			path, ok := l.opts.Store.Ready(*it.File)
			if !ok {
				continue
			}
			clip.Path = path
		}
		prog.Clips = append(prog.Clips, clip)
	}
	return prog, len(prog.Clips) > 0
}

// due tells of each item whether its dates let it be shown, by the rules of Programme.
func (p *Playlist) due(now time.Time, believed bool) []bool {
	begun := func(it Item) bool { return it.From == nil || !now.Before(*it.From) }
	rules := []func(Item) bool{
		func(it Item) bool { return begun(it) && (it.Until == nil || now.Before(*it.Until)) },
		begun,
		func(Item) bool { return true },
	}
	if believed {
		rules = rules[:1]
	}
	due := make([]bool, len(p.Items))
	for _, rule := range rules {
		for i, it := range p.Items {
			due[i] = rule(it)
		}
		if slices.Contains(due, true) {
			break
		}
	}
	return due
}
