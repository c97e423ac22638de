package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
)

// A Journal is where a Library keeps what must survive. Setting returns nil, and Counter 0, where there is none.
type Journal interface {
	Commit(ctx context.Context, w journal.Write) error
	Setting(ctx context.Context, key string) ([]byte, error)
	Counter(ctx context.Context, name string) (uint64, error)
}

// What a Library keeps in the journal.
const (
	settingAccepted = "playlist.accepted" // envelope of the newest playlist accepted
	settingDigest   = "playlist.digest"   // of the newest playlist accepted, in hex: small, so that it outlives the envelope
	settingCurrent  = "playlist.current"  // envelope of the playlist that is shown
	counterVersion  = "playlist"          // highest version ever accepted
)

// LibraryOptions are the parts and the facts a Library needs; all are required.
type LibraryOptions struct {
	Display string // the site's id, which a playlist's audience must name
	Trust   Verifier
	Journal Journal
	Store   *Store
	Fonts   *Fonts
	Stamp   func() journal.Stamp
	Log     *slog.Logger
}

// A Verifier is the trust document that stands at the moment, as *trust.Standing or *trust.Document.
type Verifier interface {
	Verify(raw []byte, t trust.Type) (*trust.Verified, error)
}

// A Library holds two playlists: the newest accepted one, and the current one that is shown. They differ while files
// of the accepted one are still missing, so a new playlist never takes a picture off the screen before it can put
// its own on. Methods may be called from several goroutines.
type Library struct {
	opts    LibraryOptions
	changed chan struct{}
	wake    chan struct{}
	wanted  chan struct{}

	rechecks atomic.Uint64 // counts the trust documents that came in this run

	// work is held by whoever decides and commits, so that what is in memory is what is in the journal.
	work     sync.Mutex
	refused  tally
	unfit    string            // Reason and digest of the last playlist refused as unfit: it is on record
	damaged  map[string]bool   // SHA-256 of stored files found damaged or gone, and not replaced since
	told     map[string]string // SHA-256 of files that could not be added: the Reason that is on record already
	doubtful bool              // a stored playlist could not be verified: nothing may be collected
	collect  time.Duration     // on Stamp.Mono: when files become superfluous for good; negative for never
	leaving  []leaving         // what the player may not be done with, the oldest first
	crowded  bool              // the accepted playlist found no room, and nothing else may be collected

	// These two belong to Step.
	reread time.Duration // on Stamp.Mono: when the current playlist's files are read anew
	unread []File        // of those, what is still to do

	mu       sync.Mutex // guards the two below for short reads
	accepted *shelved   // nil where there is none
	current  *shelved
}

// A shelved playlist is one whose signatures were verified in this run of the process.
type shelved struct {
	*Playlist
	raw    []byte            // the envelope
	digest string            // of the payload
	signed []trust.Signature // that are good, one of each key
	people []string          // who signed it: the editor, the approver, others
	sums   []string          // of each item, as Clip.SHA256
	back   bool              // it was accepted before, and the journal lost it
}

// OpenLibrary loads both playlists from the journal and verifies their signatures anew. A stored playlist that does
// not verify is not shown, which is recorded; it does not make OpenLibrary fail.
func OpenLibrary(ctx context.Context, o LibraryOptions) (*Library, error) {
	l := &Library{
		opts:    o,
		changed: make(chan struct{}, 1),
		wake:    make(chan struct{}, 1),
		wanted:  make(chan struct{}, 1),
		damaged: make(map[string]bool),
		told:    make(map[string]string),
		reread:  o.Stamp().Mono + day,
	}
	var err error
	if l.accepted, err = l.load(ctx, settingAccepted); err != nil {
		return nil, fmt.Errorf("cannot open library: %w", err)
	}
	if l.current, err = l.load(ctx, settingCurrent); err != nil {
		return nil, fmt.Errorf("cannot open library: %w", err)
	}
	return l, nil
}

func (l *Library) load(ctx context.Context, key string) (*shelved, error) {
	raw, err := l.opts.Journal.Setting(ctx, key)
	if err != nil || raw == nil {
		return nil, err
	}
	// It was judged when it was accepted; a later version of this program with stricter rules must not take it off
	// the screen. Whose it is and who signed it is asked each time.
	s, err := l.open(raw)
	if err == nil {
		return s, nil
	}
	l.doubtful = true
	l.opts.Log.Error("stored playlist not used", "setting", key, "err", err)
	err = l.commit(ctx, journal.Write{Label: "playlist.doubt", Entries: []journal.Entry{
		l.incident(journal.Cyber, "playlist-unverifiable", fmt.Sprintf("stored %s: %v", key, err), 1),
	}})
	if err != nil {
		l.opts.Log.Error("doubt not recorded", "err", err) // the other playlist may still be good
	}
	return nil, nil
}

// open verifies an envelope and reads its playlist. Every error is a *Refusal.
func (l *Library) open(raw []byte) (*shelved, error) {
	v, err := l.opts.Trust.Verify(raw, trust.TypePlaylist)
	var no *trust.Refusal
	if errors.As(err, &no) {
		return nil, &Refusal{Reason: string(no.Reason), Detail: no.Detail}
	}
	if err != nil {
		return nil, &Refusal{Reason: string(trust.Malformed), Detail: err.Error()}
	}
	p, err := ParsePlaylist(v.Payload)
	if err != nil {
		return nil, &Refusal{Reason: ReasonInvalid, Detail: err.Error()}
	}
	if !p.For(l.opts.Display) {
		return nil, &Refusal{Reason: ReasonAudience, Detail: fmt.Sprintf("playlist %.60q is not for %s", p.ID, l.opts.Display)}
	}
	s := &shelved{Playlist: p, raw: raw, digest: v.Digest, people: v.People, signed: v.Signatures}
	for _, it := range p.Items {
		s.sums = append(s.sums, it.sha256())
	}
	return s, nil
}

// sha256 is what proof of play names for the item; empty for one that Validate refuses.
func (it Item) sha256() string {
	switch {
	case it.File != nil:
		return it.File.SHA256
	case it.Text != nil:
		return it.Text.SHA256()
	}
	return ""
}

// Offer decides on a playlist envelope that came from source ("desired/playlist", "inbox"). It returns true once the
// playlist is accepted and safe from a power cut, and false without an error where it is the accepted one already; what
// further keys have signed of that one is then kept with it.
// A *Refusal is final: nothing changed but the record of it. Any other error is the journal's, and the same offer
// may be made again.
func (l *Library) Offer(ctx context.Context, raw []byte, source string) (accepted bool, err error) {
	l.work.Lock()
	defer l.work.Unlock()
	s, err := l.judge(ctx, raw)
	if err == nil && l.accepted != nil && s.digest == l.accepted.digest {
		return false, l.countersigned(ctx, s, source)
	}
	if err == nil {
		err = l.accept(ctx, s, source)
	}
	var no *Refusal
	if errors.As(err, &no) {
		return false, l.refuse(ctx, source, raw, no)
	}
	return err == nil, err
}

// judge says whether a playlist may be shown here, unless it is the accepted one. An error that is no *Refusal is the
// journal's.
func (l *Library) judge(ctx context.Context, raw []byte) (*shelved, error) {
	s, err := l.open(raw)
	if err != nil {
		return nil, err
	}
	if l.accepted != nil && s.digest == l.accepted.digest {
		return s, nil
	}
	if err := s.Validate(); err != nil {
		return nil, &Refusal{Reason: ReasonInvalid, Detail: err.Error()}
	}
	if err := s.ApprovedBy(s.people[1]); err != nil {
		return nil, &Refusal{Reason: ReasonInvalid, Detail: err.Error()}
	}
	if err := l.follows(ctx, s); err != nil {
		return nil, err
	}
	if err := l.opts.Fonts.Covers(s.Playlist); err != nil {
		return nil, &Refusal{Reason: ReasonGlyph, Detail: err.Error()}
	}
	return s, nil
}

// maxAhead is how far a version may lie ahead of the clock, or of the last one: it is UTC milliseconds by custom, and
// one that was made with a wrong clock would lock out all others until that day. Two days forgive every time zone.
const maxAhead = 48 * time.Hour

// follows wants a version above every one accepted before, and not far above where the clock is to be believed. The journal may have lost the envelope of the last one and
// kept its version; what the broker still holds is then that very playlist, and taken back.
func (l *Library) follows(ctx context.Context, s *shelved) error {
	highest, err := l.opts.Journal.Counter(ctx, counterVersion)
	if err != nil {
		return fmt.Errorf("cannot judge playlist: %w", err)
	}
	if s.Version > highest {
		return l.notFuture(s, highest)
	}
	back := false
	if l.accepted == nil && s.Version == highest {
		digest, err := l.opts.Journal.Setting(ctx, settingDigest)
		if err != nil {
			return fmt.Errorf("cannot judge playlist: %w", err)
		}
		back = digest == nil || string(digest) == s.digest
	}
	if !back {
		return &Refusal{Reason: ReasonOlder, Detail: fmt.Sprintf("version %d of %s is not newer, %d was accepted before", s.Version, s.ID, highest)}
	}
	s.back = true
	return nil
}

// notFuture measures from the highest version too: where that lies in the future, the next above it is the way out.
func (l *Library) notFuture(s *shelved, highest uint64) error {
	now := l.opts.Stamp()
	if !believed(now.Trust) {
		return nil
	}
	limit := max(uint64(max(now.Wall.UnixMilli(), 0)), highest) + uint64(maxAhead.Milliseconds())
	if s.Version > limit {
		return &Refusal{Reason: ReasonFuture, Detail: fmt.Sprintf("version %d of %s is made with a clock that is ahead: at most %d", s.Version, s.ID, limit)}
	}
	return nil
}

// believed reports whether somebody confirmed the clock.
func believed(t journal.TimeTrust) bool { return t == journal.Synchronised || t == journal.Signed }

// accept makes a playlist that judge let through the accepted one.
func (l *Library) accept(ctx context.Context, s *shelved, source string) error {
	w := journal.Write{
		Label:    "playlist.accept",
		Settings: map[string][]byte{settingAccepted: s.raw, settingDigest: []byte(s.digest)},
		Raise:    map[string]uint64{counterVersion: s.Version},
		Entries: []journal.Entry{l.entry(journal.KindOrder, journal.Order{
			Source: source, Version: s.Version, Digest: s.digest, People: strings.Join(s.people, ", "), Accepted: true,
			Reason: fmt.Sprintf("playlist %s, %d items", s.ID, len(s.Items)),
		})},
	}
	if s.back {
		w.Raise = nil // the counter stands there already
	}
	if err := l.commit(ctx, w); err != nil {
		return err
	}
	replaced, current := l.both()
	if replaced != nil && (current == nil || replaced.digest != current.digest) {
		l.collect = l.opts.Stamp().Mono // no player was given any of its files
	}
	l.mu.Lock()
	l.accepted = s
	l.mu.Unlock()
	nudge(l.wake)
	nudge(l.wanted)
	l.opts.Log.Info("playlist accepted", "playlist", s.ID, "version", s.Version, "source", source)
	return nil
}

func (l *Library) commit(ctx context.Context, w journal.Write) error {
	if err := l.opts.Journal.Commit(ctx, w); err != nil {
		return fmt.Errorf("cannot record %s: %w", w.Label, err)
	}
	return nil
}

func (l *Library) entry(kind journal.Kind, body any) journal.Entry {
	return journal.Entry{Stamp: l.opts.Stamp(), Kind: kind, Body: body}
}

func (l *Library) incident(class journal.IncidentClass, code, detail string, count int) journal.Entry {
	return l.entry(journal.KindIncident, journal.Incident{Class: class, Code: code, Detail: oneLine(detail), Count: count})
}

// both returns the accepted and the current playlist.
func (l *Library) both() (accepted, current *shelved) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, l.current
}

// Holds says whether there is a playlist to show, or one whose files are awaited.
func (l *Library) Holds() bool {
	accepted, current := l.both()
	return accepted != nil || current != nil
}

// Changed tells that Programme may answer otherwise than before. Several changes may be told as one; there is one
// reader.
func (l *Library) Changed() <-chan struct{} { return l.changed }

// Wanted tells that Missing may name other files than before. Several changes may be told as one; there is one reader.
func (l *Library) Wanted() <-chan struct{} { return l.wanted }

// nudge leaves a sign unless there is one.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
