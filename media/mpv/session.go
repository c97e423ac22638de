package mpv

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"bangtin/media"
)

// atOnce is how soon after its first frame a showing that ends by itself had nothing to show: mpv reports a first
// frame for a picture that it cannot decode as well.
const atOnce = 200 * time.Millisecond

// A session is one connection to one mpv. It belongs to one goroutine.
type session struct {
	player *Player
	opt    Options
	press  *press
	setter *Typesetter // nil where mpv was started without the fonts
	proc   *process
	client *Client

	wish    wish
	deck    []*entry  // mpv's playlist, which nobody else changes
	current *entry    // the one of the last start-file, nil after its end-file
	since   time.Time // when current began, or the one before ended
	cursor  int       // index in the wish's clips of the next one to append
	replace bool      // the next entry comes at once and in place of all others
	printed chan print
	waiting context.CancelFunc // ends the press that is to send to printed; nil when none runs

	answered time.Time // mpv's last sign of life
	failed   int       // clips in a row that mpv could not show
	unfit    int       // clips in a row that could not be given to mpv
	retryAt  time.Time // when to try the programme again after all of it failed; zero otherwise
	detail   string    // the last error
	fine     int       // clips that were shown since detail was set
	plain    bool      // the slate of the options cannot be shown

	risen bool        // something has been on the output
	name  *time.Timer // ends the name over the picture; nil when there is none

	plugs     string // connectors of the display when last looked at
	unplugged bool   // there is no display, or it went away under this mpv
}

func newSession(p *Player, opt Options, press *press, proc *process) *session {
	s := &session{
		player: p, opt: opt, press: press, setter: press.setter, proc: proc, client: proc.client,
		printed:  make(chan print, 1),
		answered: opt.Now(), since: opt.Now(), detail: p.lastError(),
		plugs: connectors(opt),
	}
	if s.unplugged = displayless(opt.video(), s.plugs); s.unplugged {
		s.detail = noDisplay
	}
	return s
}

// run plays until mpv fails or ctx ends.
func (s *session) run(ctx context.Context) error {
	s.observe(media.PlayerStarting)
	if err := s.greet(ctx); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.showName(ctx); err != nil {
		return err
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m, ok := <-s.client.Events():
			if !ok {
				return s.client.Err()
			}
			err = s.event(ctx, m)
		case <-s.player.kick:
			err = s.turn(ctx)
		case <-s.player.named:
			err = s.showName(ctx)
		case <-s.nameEnds():
			err = s.hideName(ctx)
		case <-s.player.again:
			err = s.restart()
		case <-s.player.letGo:
			err = s.release()
		case p := <-s.printed:
			err = s.take(ctx, p)
		case <-poll.C:
			err = s.poll(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// greet waits for mpv to come up, which reads some 200 libraries from a cold card.
func (s *session) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.opt.startWithin(), errors.New("mpv does not come up"))
	defer cancel()
	var version string
	var pid int // for the log alone: it is what mpv says
	if err := s.client.Get(ctx, "mpv-version", &version); err != nil {
		return err
	}
	if err := s.client.Get(ctx, "pid", &pid); err != nil {
		return err
	}
	s.opt.Log.Info("mpv runs", "version", version, "pid", pid, "video", s.opt.video())
	return nil
}

// do and get bound how long mpv may take; a mpv that takes longer hangs.
func (s *session) do(ctx context.Context, name string, arguments map[string]any) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.opt.AnswerWithin, errHangs)
	defer cancel()
	return s.client.Do(ctx, name, arguments)
}

func (s *session) get(ctx context.Context, property string, value any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.opt.AnswerWithin, errHangs)
	defer cancel()
	return s.client.Get(ctx, property, value)
}

// event follows mpv from item to item.
func (s *session) event(ctx context.Context, m Message) error {
	s.answered = m.At
	switch m.Event {
	case "start-file":
		return s.started(ctx, m.Entry)
	case "playback-restart":
		return s.firstFrame(ctx)
	case "end-file":
		return s.ended(ctx, m)
	}
	return nil
}

// started makes the entry the current one, drops what is before it and appends what comes after.
func (s *session) started(ctx context.Context, id int64) error {
	at := s.find(id)
	if at < 0 {
		s.current = nil // already replaced; its end will follow
		return nil
	}
	s.current, s.since = s.deck[at], s.answered
	s.current.shown, s.current.cut = time.Time{}, time.Time{} // it may have come round again
	if err := s.remove(ctx, 0, at); err != nil {
		return err
	}
	if s.current.slate {
		return nil
	}
	return s.fill(ctx)
}

// firstFrame is mpv's playback-restart. It names no entry, but events come in order; a later one, without a
// start-file before it, says nothing new.
func (s *session) firstFrame(ctx context.Context) error {
	e := s.current
	if e == nil || !e.shown.IsZero() {
		return nil
	}
	s.rise()
	e.shown, e.moved, e.position, e.polled = s.answered, s.answered, 0, time.Time{}
	if s.unplugged {
		e.cut = e.shown
	}
	if e.slate {
		s.observe(media.PlayerSlate)
		return nil
	}
	if e.video() {
		if err := s.optional(ctx, "duration", &e.duration); err != nil {
			return err
		}
	}
	return s.look(ctx, e)
}

// look makes sure that there is a decoded picture: mpv plays a film whose picture it cannot decode for its sound. An
// answer of no may be about the next entry, where this one has ended meanwhile; poll looks again.
func (s *session) look(ctx context.Context, e *entry) error {
	pictured, err := s.pictured(ctx)
	if err != nil {
		return err
	}
	if e.pictured = pictured; pictured {
		s.observe(media.PlayerPlaying)
	}
	return nil
}

// pictured reports whether there is a decoded picture. Without an output there is no point in going on.
func (s *session) pictured(ctx context.Context) (bool, error) {
	var configured bool
	var width int
	if err := s.optional(ctx, "vo-configured", &configured); err != nil {
		return false, err
	}
	if err := s.optional(ctx, "video-params/w", &width); err != nil {
		return false, err
	}
	if !configured {
		return false, errors.New("mpv has no output for the picture")
	}
	return width > 0, nil
}

// pass goes on from an entry without a picture, by taking it out of mpv's playlist: unlike a command to go on, that does
// no harm where mpv has gone on already.
func (s *session) pass(ctx context.Context, e *entry) error {
	at := s.place()
	s.current = nil
	if at < 0 {
		return nil // replaced meanwhile
	}
	if err := s.skip(ctx, e, "nothing, and plays no picture"); err != nil || !s.retryAt.IsZero() {
		return err
	}
	return s.remove(ctx, at, 1)
}

func (s *session) ended(ctx context.Context, m Message) error {
	e := s.current
	if e == nil || e.id != m.Entry {
		return nil
	}
	s.current, s.since = nil, s.answered
	switch {
	case m.Reason == "error":
		return s.skip(ctx, e, m.FileError)
	case m.Reason == "eof" && (e.lasted(s.answered) < atOnce || e.video() && !e.pictured):
		return s.skip(ctx, e, "that it has nothing to show")
	}
	s.report(e, s.answered, m.Reason == "eof")
	return nil
}

// report sends a showing that had a first frame, and forgets that it had one.
func (s *session) report(e *entry, end time.Time, toItsEnd bool) {
	if e.slate || e.shown.IsZero() {
		return
	}
	s.failed = 0
	if s.fine++; s.fine > len(s.wish.programme.Clips) {
		s.detail = "" // a whole round went well
	}
	shown := e.showing(end, toItsEnd)
	e.shown = time.Time{}
	if !e.cut.IsZero() && shown.Duration == 0 {
		return // no display was there
	}
	if toItsEnd && !shown.Complete && !s.unplugged {
		s.complain(e.clip.Item.ID + " ended before its planned end")
	}
	if err := s.player.finish(shown); err != nil {
		s.opt.Log.Error("proof of play is lost", "error", err)
	}
}

// abandon waits for the press, and reports the showing that the end of mpv cut off as far as there was a sign of life.
func (s *session) abandon() {
	if s.waiting != nil {
		s.waiting()
		<-s.printed
	}
	if s.current != nil {
		s.report(s.current, s.answered, false)
	}
}

// complain makes detail the last error.
func (s *session) complain(detail string) {
	s.detail, s.fine = detail, 0
	s.opt.Log.Warn("player", "detail", detail)
}

// observe publishes state with what is current. Nothing is shown to a display that is not there.
func (s *session) observe(state media.PlayerState) {
	now := s.opt.Now()
	if s.unplugged {
		state = media.PlayerStalled
	}
	o := media.Playing{State: state, Detail: s.detail}
	if e := s.current; e != nil && !e.slate {
		o.Playlist, o.Version, o.Item = e.clip.Playlist, e.clip.Version, e.clip.Item.ID
		if !e.shown.IsZero() {
			o.Since, o.PositionS = e.shown, now.Sub(e.shown).Seconds()
		}
		if e.video() {
			o.PositionS = e.position
		}
	}
	s.player.observe(now, o)
}
