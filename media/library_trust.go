package media

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
)

// Recheck verifies both playlists anew, as a restart does, after the trust document was replaced. One whose signatures
// no longer count leaves the screen at once, which is recorded; its files stay. One that a former document had made
// worthless and this one does not comes back. An error is the journal's: what no longer counts is gone all the same,
// and Recheck may be called again.
func (l *Library) Recheck(ctx context.Context) error {
	l.rechecks.Add(1)
	l.work.Lock()
	defer l.work.Unlock()
	accepted, current := l.both()
	accepted, current = l.reopened(accepted), l.reopened(current)
	l.hold(accepted, current)
	l.doubtful = false
	var err error
	if accepted == nil {
		if accepted, err = l.load(ctx, settingAccepted); err != nil {
			return fmt.Errorf("cannot recheck playlists: %w", err)
		}
	}
	if current == nil {
		if current, err = l.load(ctx, settingCurrent); err != nil {
			return fmt.Errorf("cannot recheck playlists: %w", err)
		}
	}
	l.hold(accepted, current)
	return nil
}

// reopened is the playlist under the trust document that stands now, or nil.
func (l *Library) reopened(s *shelved) *shelved {
	if s == nil {
		return nil
	}
	again, err := l.open(s.raw)
	if err != nil {
		return nil // load says so when it comes to the same bytes
	}
	return again
}

// hold makes these the two playlists, and tells whoever shows them.
func (l *Library) hold(accepted, current *shelved) {
	l.mu.Lock()
	l.accepted, l.current = accepted, current
	l.mu.Unlock()
	nudge(l.changed)
	nudge(l.wake)
	nudge(l.wanted)
}

// countersigned adds the signatures of a copy to the accepted playlist, so that it outlives the keys it came with. A
// copy with fewer takes none away. The caller holds work.
func (l *Library) countersigned(ctx context.Context, copied *shelved, source string) error {
	accepted, current := l.both()
	all := slices.Concat(accepted.signed, copied.signed)
	slices.SortFunc(all, func(a, b trust.Signature) int { return cmp.Compare(a.KeyID, b.KeyID) })
	all = slices.CompactFunc(all, func(a, b trust.Signature) bool { return a.KeyID == b.KeyID })
	if len(all) == len(accepted.signed) {
		return nil
	}
	e, err := trust.ParseEnvelope(copied.raw)
	if err != nil {
		return err
	}
	e.Signatures = all
	raw, err := e.Marshal()
	if err != nil {
		return err
	}
	next, err := l.open(raw)
	if err != nil {
		return err
	}
	w := journal.Write{
		Label: "playlist.countersign", Settings: map[string][]byte{settingAccepted: raw},
		Entries: []journal.Entry{l.entry(journal.KindOrder, journal.Order{
			Source: source, Version: next.Version, Digest: next.digest, People: strings.Join(next.people, ", "), Accepted: true,
			Reason: fmt.Sprintf("playlist %s is signed by further keys", next.ID),
		})},
	}
	if current != nil && current.digest == next.digest {
		w.Settings[settingCurrent] = raw
		current = next
	}
	if err := l.commit(ctx, w); err != nil {
		return err
	}
	l.hold(next, current)
	return nil
}
