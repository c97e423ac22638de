package mpv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The limits of Identify.
const (
	MaxName     = 200 // characters
	MinIdentify = time.Second
	MaxIdentify = 5 * time.Minute
)

// nameOverlay is the number of the only overlay that mpv is given.
const nameOverlay = 1

// A name is what Identify puts over the picture.
type name struct {
	text  string
	until time.Time // on the monotonic clock
}

// Identify writes text across the output, over whatever is there, the slate included, for d from now: white on an
// opaque black band, as large as fits. Items play on beneath it and count as before. A later call replaces it. If mpv
// is started anew meanwhile, the name comes back for what is left of d. Line breaks become spaces; a character that
// no pinned font has is written as a question mark. Without the fonts nothing is shown, and Playing's detail says so.
func (p *Player) Identify(text string, d time.Duration) error {
	if d < MinIdentify || d > MaxIdentify {
		return fmt.Errorf("cannot show a name for %s: must be %s to %s", d, MinIdentify, MaxIdentify)
	}
	if !utf8.ValidString(text) {
		return errors.New("cannot show a name that is not UTF-8")
	}
	if n := utf8.RuneCountInString(text); n > MaxName {
		return fmt.Errorf("cannot show a name of %d characters: at most %d", n, MaxName)
	}
	text = oneLine(text)
	if text == "" {
		return errors.New("cannot show an empty name")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.name = name{text, time.Now().Add(d)}
	notify(p.named)
	return nil
}

// oneLine is what can be seen of text, with single spaces.
func oneLine(text string) string {
	fields := strings.FieldsFunc(clean(text), unicode.IsSpace)
	return strings.Trim(strings.Join(fields, " "), " \u200B")
}

func (p *Player) wantedName() name {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.name
}

// nameEnds is nil, which never comes, where no name is shown.
func (s *session) nameEnds() <-chan time.Time {
	if s.name == nil {
		return nil
	}
	return s.name.C
}

// showName puts the wanted name over the picture for what is left of its time, and takes away one that is wanted no
// more.
func (s *session) showName(ctx context.Context) error {
	wanted := s.player.wantedName()
	left := time.Until(wanted.until)
	if left <= 0 {
		return s.hideName(ctx)
	}
	if s.setter == nil {
		s.complain("the name cannot be shown: mpv was started without the fonts")
		return nil
	}
	output, err := s.outputSheet(ctx)
	if err != nil {
		return err
	}
	plate, err := s.setter.nameplate(wanted.text, output, s.opt.Rotate)
	if err != nil {
		s.complain(err.Error())
		return s.hideName(ctx)
	}
	if err := s.overlay(ctx, plate); err != nil {
		return err
	}
	s.stopName()
	s.name = time.NewTimer(left)
	return nil
}

// hideName takes the name away. Where mpv does not do it, it must be replaced.
func (s *session) hideName(ctx context.Context) error {
	if s.name == nil {
		return nil
	}
	s.stopName()
	return s.overlay(ctx, nameplate{})
}

func (s *session) stopName() {
	if s.name != nil {
		s.name.Stop()
		s.name = nil
	}
}

// overlay replaces what is over the picture; nothing of it where the plate is empty.
func (s *session) overlay(ctx context.Context, plate nameplate) error {
	format := "ass-events"
	if plate.events == "" {
		format = "none"
	}
	_, err := s.do(ctx, "osd-overlay", map[string]any{
		"id": nameOverlay, "format": format, "data": plate.events, "res_x": plate.output.Width, "res_y": plate.output.Height,
	})
	return err
}

// outputSheet is a raster of the shape of the output, 1080 pixels at its shorter side, full HD where it is unknown.
func (s *session) outputSheet(ctx context.Context) (Sheet, error) {
	var width, height int
	if err := s.optional(ctx, "osd-width", &width); err != nil {
		return Sheet{}, err
	}
	if err := s.optional(ctx, "osd-height", &height); err != nil {
		return Sheet{}, err
	}
	if width <= 0 || height <= 0 {
		return SheetFor(0), nil
	}
	short := min(width, height)
	return Sheet{width * 1080 / short, height * 1080 / short}, nil
}
