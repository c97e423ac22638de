package mpv

import (
	"context"
	"encoding/json"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"time"

	"bangtin/media"
)

const (
	ahead      = 2                // entries in mpv's playlist behind the one that plays: one bad file costs nothing
	retryAfter = 10 * time.Second // the slate stays so long when no clip of the programme can be shown
)

// begin puts what is wished on the output at once.
func (s *session) begin(ctx context.Context) error {
	s.wish, s.cursor, s.failed, s.retryAt = s.player.wish(), 0, 0, time.Time{}
	if s.wish.slate() {
		return s.putSlate(ctx)
	}
	return s.fill(ctx, "replace")
}

// turn obeys a changed wish: at once from or to the slate, else behind the item on the output.
func (s *session) turn(ctx context.Context) error {
	wish := s.player.wish()
	if wish.serial == s.wish.serial {
		return nil
	}
	at := s.place()
	if s.current == nil || s.current.slate || wish.slate() || at < 0 {
		return s.begin(ctx)
	}
	s.wish, s.failed, s.retryAt = wish, 0, time.Time{}
	s.cursor = after(wish.programme, s.current.clip)
	stale := len(s.deck) - at - 1
	for range ahead {
		if err := s.add(ctx, "append"); err != nil {
			return err
		}
	}
	if !s.retryAt.IsZero() { // nothing of the new programme can be shown: the slate has replaced everything
		return nil
	}
	return s.remove(ctx, at+1, stale)
}

// after is the index of the clip that follows the one now shown, 0 where the programme does not have that one.
func after(programme media.Programme, now media.Clip) int {
	i := slices.IndexFunc(programme.Clips, func(c media.Clip) bool {
		return c.Item.ID == now.Item.ID && c.SHA256 == now.SHA256
	})
	return (i + 1) % max(len(programme.Clips), 1)
}

// fill loads clips until enough are ahead. flags is for the first of them: replace or append.
func (s *session) fill(ctx context.Context, flags string) error {
	if flags == "replace" {
		if err := s.add(ctx, flags); err != nil {
			return err
		}
	}
	for len(s.deck) < max(s.place(), 0)+1+ahead && s.retryAt.IsZero() && !s.wish.slate() {
		if err := s.add(ctx, "append"); err != nil {
			return err
		}
	}
	return nil
}

// add loads the next clip that can be prepared. Where none can, the slate comes.
func (s *session) add(ctx context.Context, flags string) error {
	clips := s.wish.programme.Clips
	for range clips {
		clip := clips[s.cursor%len(clips)]
		s.cursor = (s.cursor + 1) % len(clips)
		source, err := s.source(ctx, clip)
		if err == nil {
			return s.load(ctx, &entry{clip: clip}, source, flags)
		}
		s.complain(fmt.Sprintf("%s is skipped: %v", clip.Item.ID, err))
	}
	return s.giveUp(ctx)
}

// skipped counts a clip that mpv could not show; mpv itself has gone on to the next.
func (s *session) skipped(ctx context.Context, clip media.Clip, reason string) error {
	s.complain(fmt.Sprintf("%s is skipped: mpv says %s", clip.Item.ID, reason))
	s.observe(media.PlayerStarting)
	if s.failed++; s.failed >= len(s.wish.programme.Clips) {
		return s.giveUp(ctx)
	}
	return nil
}

// giveUp shows the slate until retryAfter, because no clip can be shown: trying on would spin.
func (s *session) giveUp(ctx context.Context) error {
	s.retryAt = s.opt.Now().Add(retryAfter)
	return s.putSlate(ctx)
}

func (s *session) putSlate(ctx context.Context) error {
	source, err := s.slate()
	if err != nil {
		return err
	}
	return s.load(ctx, &entry{slate: true}, source, "replace")
}

func (s *session) slateFailed(reason string) error {
	return fmt.Errorf("cannot show the slate: mpv says %s", reason)
}

// load hands an entry to mpv, which opens it when its turn comes.
func (s *session) load(ctx context.Context, e *entry, from source, flags string) error {
	data, err := s.do(ctx, "loadfile", map[string]any{"url": from.url, "flags": flags, "options": from.options})
	if err != nil {
		return err
	}
	var answer struct {
		ID int64 `json:"playlist_entry_id"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return fmt.Errorf("cannot understand the answer to loadfile: %w", err)
	}
	e.id = answer.ID
	if flags == "replace" {
		s.deck = nil
	}
	s.deck = append(s.deck, e)
	return nil
}

// remove takes n entries out of mpv's playlist, from index at.
func (s *session) remove(ctx context.Context, at, n int) error {
	for range n {
		if _, err := s.do(ctx, "playlist-remove", map[string]any{"index": at}); err != nil {
			return err
		}
		s.deck = slices.Delete(s.deck, at, at+1)
	}
	return nil
}

func (s *session) find(id int64) int {
	return slices.IndexFunc(s.deck, func(e *entry) bool { return e.id == id })
}

// place is the index of current in the deck, -1 where it is not in it.
func (s *session) place() int {
	if s.current == nil {
		return -1
	}
	return s.find(s.current.id)
}

// slate is the built-in picture, or a plain one where that is missing: never black.
func (s *session) slate() (source, error) {
	path := s.opt.Slate
	if path != "" {
		_, err := os.Stat(path)
		if err == nil {
			return source{url: path, options: stillOptions("png_pipe", 0)}, nil
		}
		s.complain(fmt.Sprintf("the slate is missing: %v", err))
	}
	path = filepath.Join(s.opt.Runtime, "slate.png")
	paper, err := Card{Sheet: SheetFor(0), Background: color.RGBA{0x0B, 0x2A, 0x4A, 0xFF}}.paper()
	if err != nil {
		return source{}, err
	}
	return source{url: path, options: stillOptions("png_pipe", 0)}, writeFile(path, paper)
}
