package mpv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bangtin/media"
)

const (
	pollEvery  = time.Second      // health
	startLimit = 15 * time.Second // until a new mpv answers, and from start-file to the first frame, on a slow card
	manyDrops  = 25               // frames of one video that may be dropped without a word: a second of it
)

var errHangs = errors.New("mpv hangs: it does not answer")

// poll asks mpv how it is. An error means that it must be replaced.
func (s *session) poll(ctx context.Context) error {
	var configured, idle bool
	if err := s.optional(ctx, "vo-configured", &configured); err != nil {
		return err
	}
	if err := s.optional(ctx, "idle-active", &idle); err != nil {
		return err
	}
	now := s.opt.Now()
	if !s.retryAt.IsZero() && now.After(s.retryAt) || idle {
		return s.begin(ctx)
	}
	if e := s.current; e != nil && !e.slate && !e.shown.IsZero() && !e.pictured {
		if err := s.look(ctx, e); err != nil {
			return err
		}
		if !e.pictured {
			return s.pass(ctx, e)
		}
	}
	if err := s.position(ctx, configured); err != nil {
		return err
	}
	s.answered = s.opt.Now()
	if err := s.plug(); err != nil {
		return err
	}
	return s.judge()
}

// plug notes the comings and goings of the display, which mpv does not notice by itself: while it is away mpv goes on
// as if nothing were, and when it comes back it may want another mode.
func (s *session) plug() error {
	before, now := s.plugs, connectors(s.opt)
	if now == before {
		return nil
	}
	s.plugs = now
	if connected(now) {
		return errors.New("the display was plugged in")
	}
	if connected(before) {
		s.unplugged = true
		s.complain(noDisplay)
		if e := s.current; e != nil && !e.shown.IsZero() {
			e.cut = s.opt.Now()
		}
	}
	return nil
}

// connected reports whether any of the connectors is. Some never say ("unknown"), so that only the loss of one that
// was connected means that there is no display.
func connected(plugs string) bool { return strings.Contains(plugs, " connected;") }

const noDisplay = "no display is connected"

// displayless reports whether a picture for the kernel's display driver has nowhere to go: no card is there yet, or
// every connector says that nothing is plugged into it.
func displayless(video VideoMode, plugs string) bool {
	return video == VideoDRM && !connected(plugs) && !strings.Contains(plugs, " unknown;")
}

// position notes whether the picture advances. A still has no position: there, an output that is set up must do.
func (s *session) position(ctx context.Context, configured bool) error {
	e := s.current
	if e == nil || e.shown.IsZero() || !configured {
		return nil
	}
	if !e.video() {
		e.moved = s.opt.Now()
		return nil
	}
	at, asked := -1.0, s.opt.Now() // the position is not older than the question
	if err := s.optional(ctx, "time-pos", &at); err != nil {
		return err
	}
	if at < 0 {
		return nil // between two items, or not known: that says nothing of how far it has come
	}
	if at != e.position {
		e.position, e.moved = at, s.opt.Now()
	}
	e.polled = asked
	return s.drops(ctx, e)
}

// drops complains once about a video that loses frames.
func (s *session) drops(ctx context.Context, e *entry) error {
	var output, decoder int
	if err := s.optional(ctx, "frame-drop-count", &output); err != nil {
		return err
	}
	if err := s.optional(ctx, "decoder-frame-drop-count", &decoder); err != nil {
		return err
	}
	if n := output + decoder; n >= manyDrops && !e.dropping {
		e.dropping = true
		s.complain(fmt.Sprintf("%s loses frames: %d so far", e.clip.Item.ID, n))
	}
	return nil
}

// judge decides between playing, stalled and replacing mpv.
func (s *session) judge() error {
	e, now := s.current, s.opt.Now()
	if e == nil || e.shown.IsZero() {
		switch waited := now.Sub(s.since); {
		case waited > startLimit:
			return fmt.Errorf("no picture for %s", startLimit)
		case waited > s.opt.StallAfter/2:
			s.observe(media.PlayerStarting) // the last observation, of the item before, has become untrue
		}
		return nil
	}
	still := now.Sub(e.moved)
	switch {
	case still > s.opt.StallAfter:
		return fmt.Errorf("the picture stood still for %s", s.opt.StallAfter)
	case !e.slate && !e.video() && e.seen(now) > e.planned()+s.opt.StallAfter:
		return fmt.Errorf("%s stays longer than its %d s", e.clip.Item.ID, e.clip.Item.Seconds)
	case still > s.opt.StallAfter/2:
		s.observe(media.PlayerStalled)
	case e.slate:
		s.observe(media.PlayerSlate)
	default:
		s.observe(media.PlayerPlaying)
	}
	return nil
}

// optional is get of a property that may be unavailable just now, which leaves value as it is.
func (s *session) optional(ctx context.Context, property string, value any) error {
	err := s.get(ctx, property, value)
	var refused *CommandError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// connectors is the state of the kernel's display connectors as one string, empty where they do not matter.
func connectors(opt Options) string {
	if opt.video() != VideoDRM {
		return ""
	}
	files, err := filepath.Glob(filepath.Join(opt.Sys, "class", "drm", "card*-*", "status"))
	if err != nil {
		return "" // the pattern is fixed
	}
	var all strings.Builder
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil {
			continue // removed meanwhile: that is a change too
		}
		fmt.Fprintf(&all, "%s %s;", filepath.Base(filepath.Dir(file)), strings.TrimSpace(string(status)))
	}
	return all.String()
}
