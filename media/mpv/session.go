package mpv

import (
	"context"
	"encoding/json"
	"time"

	"bangtin/media"
)

// A session is one connection to one mpv. It belongs to one goroutine.
type session struct {
	player *Player
	opt    Options
	press  *press
	proc   *process
	client *Client

	wish    wish
	deck    []*entry  // mpv's playlist, which nobody else changes
	current *entry    // the one of the last start-file, nil after its end-file
	since   time.Time // when current began, or the one before ended
	cursor  int       // index in the wish's clips of the next one to append

	answered time.Time // mpv's last sign of life
	failed   int       // clips in a row that could not be shown
	retryAt  time.Time // when to try the programme again after all of it failed; zero otherwise
	detail   string    // the last error
	fine     int       // clips that began since detail was set
	plugs    string    // connectors of the display at the start
}

// run plays until mpv fails or ctx ends.
func (s *session) run(ctx context.Context) error {
	s.answered, s.plugs = s.opt.Now(), connectors(s.opt)
	s.since = s.answered
	s.detail = s.player.Playing().Detail
	s.observe(media.PlayerStarting)
	if err := s.greet(ctx); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
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
		case <-poll.C:
			err = s.poll(ctx)
		}
		if err != nil {
			return err
		}
	}
}

func (s *session) greet(ctx context.Context) error {
	var version string
	if err := s.get(ctx, "mpv-version", &version); err != nil {
		return err
	}
	s.opt.Log.Info("mpv runs", "version", version, "pid", s.proc.pid, "video", s.opt.video())
	return nil
}

// do and get bound how long mpv may take; a mpv that takes longer hangs.
func (s *session) do(ctx context.Context, name string, arguments map[string]any) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.AnswerWithin)
	defer cancel()
	return s.client.Do(ctx, name, arguments)
}

func (s *session) get(ctx context.Context, property string, value any) error {
	ctx, cancel := context.WithTimeout(ctx, s.opt.AnswerWithin)
	defer cancel()
	return s.client.Get(ctx, property, value)
}

// event follows mpv from item to item.
func (s *session) event(ctx context.Context, m Message) error {
	s.answered = s.opt.Now()
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
	s.current.shown = time.Time{} // it may have come round again
	if err := s.remove(ctx, 0, at); err != nil {
		return err
	}
	if s.current.slate {
		return nil
	}
	return s.fill(ctx, "append")
}

// firstFrame is mpv's playback-restart. It names no entry, but events come in order; a later one, without a
// start-file before it, says nothing new.
func (s *session) firstFrame(ctx context.Context) error {
	e := s.current
	if e == nil || !e.shown.IsZero() {
		return nil
	}
	e.shown, e.moved, e.position, e.polled = s.answered, s.answered, 0, time.Time{}
	if e.slate {
		s.observe(media.PlayerSlate)
		return nil
	}
	if e.video() {
		if err := s.optional(ctx, "duration", &e.duration); err != nil {
			return err
		}
	}
	s.failed = 0
	if s.fine++; s.fine > len(s.wish.programme.Clips) {
		s.detail = "" // a whole round went well
	}
	s.observe(media.PlayerPlaying)
	return nil
}

func (s *session) ended(ctx context.Context, m Message) error {
	e := s.current
	if e == nil || e.id != m.Entry {
		return nil
	}
	s.current, s.since = nil, s.answered
	s.report(e, s.answered, m.Reason == "eof")
	if m.Reason != "error" {
		return nil
	}
	if e.slate {
		return s.slateFailed(m.FileError)
	}
	return s.skipped(ctx, e.clip, m.FileError)
}

// report sends a showing that had a first frame, and forgets that it had one.
func (s *session) report(e *entry, end time.Time, toItsEnd bool) {
	if e.slate || e.shown.IsZero() {
		return
	}
	shown := media.Shown{Clip: e.clip, Start: e.shown, Duration: e.seen(end), Complete: toItsEnd && e.whole(end)}
	e.shown = time.Time{}
	if toItsEnd && !shown.Complete {
		s.complain(e.clip.Item.ID + " ended before its planned end")
	}
	if err := s.player.finish(shown); err != nil {
		s.opt.Log.Error("proof of play is lost", "error", err)
	}
}

// abandon reports the showing that the end of mpv cut off, as far as there was a sign of life.
func (s *session) abandon() {
	if s.current != nil {
		s.report(s.current, s.answered, false)
	}
}

// complain makes detail the last error.
func (s *session) complain(detail string) {
	s.detail, s.fine = detail, 0
	s.opt.Log.Warn("player", "detail", detail)
}

// observe publishes state with what is current.
func (s *session) observe(state media.PlayerState) {
	now := s.opt.Now()
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
	s.player.observe(now, func(p *media.Playing) { *p = o })
}
