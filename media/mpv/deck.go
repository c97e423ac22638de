package mpv

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image/color"
	"os"
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
	s.adopt(s.player.wish())
	s.cursor, s.retryAt = 0, time.Time{}
	if s.wish.slate() {
		return s.putSlate(ctx)
	}
	s.replace = true
	if err := s.fill(ctx); err != nil || len(s.deck) > 0 {
		return err
	}
	return s.bridge(ctx)
}

// adopt makes wish the one that counts. A text that is being drawn for another one is given up.
func (s *session) adopt(wish wish) {
	if s.waiting != nil && wish.serial != s.wish.serial {
		s.waiting()
	}
	s.wish, s.failed, s.unfit = wish, 0, 0
}

// bridge shows the slate while the very first clip, a text, is being drawn.
func (s *session) bridge(ctx context.Context) error {
	err := s.putSlate(ctx)
	s.replace = true
	return err
}

// turn obeys a changed wish: at once from or to the slate, else behind the item on the output. If the next item is not
// ready in time, mpv shows the present one again.
func (s *session) turn(ctx context.Context) error {
	wish := s.player.wish()
	if wish.serial == s.wish.serial {
		return nil
	}
	at := s.place()
	if at < 0 || s.current.slate || wish.slate() {
		return s.begin(ctx)
	}
	s.adopt(wish)
	s.cursor = after(wish.programme, s.current.clip)
	if err := s.remove(ctx, at+1, len(s.deck)-at-1); err != nil {
		return err
	}
	return s.fill(ctx)
}

// after is the index of the clip that follows the one now shown, 0 where the programme does not have that one.
func after(programme media.Programme, now media.Clip) int {
	i := slices.IndexFunc(programme.Clips, func(c media.Clip) bool {
		return c.Item.ID == now.Item.ID && c.SHA256 == now.SHA256
	})
	return (i + 1) % max(len(programme.Clips), 1)
}

// fill loads clips until enough are ahead. A text is drawn first, which does not hold up anything else; filling goes
// on when it is done.
func (s *session) fill(ctx context.Context) error {
	for s.waiting == nil && s.wants() {
		clips := s.wish.programme.Clips
		clip := clips[s.cursor%len(clips)]
		s.cursor = (s.cursor + 1) % len(clips)
		if clip.Item.Text != nil {
			s.order(ctx, clip)
			return nil
		}
		source, err := fileSource(clip)
		if err := s.append(ctx, clip, source, err); err != nil {
			return err
		}
	}
	return nil
}

// order has the press draw a text, whose print comes through printed.
func (s *session) order(ctx context.Context, clip media.Clip) {
	ctx, s.waiting = context.WithCancel(ctx)
	serial := s.wish.serial
	go func() { s.printed <- s.press.print(ctx, clip, serial) }()
}

// wants reports whether another clip is to be loaded.
func (s *session) wants() bool {
	if s.wish.slate() || !s.retryAt.IsZero() {
		return false
	}
	return s.replace || len(s.deck) < max(s.place(), 0)+1+ahead
}

// take goes on with a text that was drawn. One of a programme that was replaced meanwhile is of no use.
func (s *session) take(ctx context.Context, p print) error {
	s.waiting() // frees its context
	s.waiting = nil
	if p.serial == s.wish.serial && s.wants() {
		if err := s.append(ctx, p.clip, stillSource(p.path, p.clip), p.err); err != nil {
			return err
		}
	}
	return s.fill(ctx)
}

// append loads a clip, or skips one that was found unfit. Where none is fit, the slate comes.
func (s *session) append(ctx context.Context, clip media.Clip, from source, unfit error) error {
	if clip.Item.Seconds < 1 {
		unfit = fmt.Errorf("cannot show an item for %d seconds", clip.Item.Seconds) // mpv would show it for ever
	}
	if unfit == nil {
		s.unfit = 0
		return s.load(ctx, &entry{clip: clip}, from)
	}
	s.complain(fmt.Sprintf("%s is skipped: %v", clip.Item.ID, unfit))
	if s.unfit++; s.unfit < len(s.wish.programme.Clips) {
		return nil
	}
	return s.giveUp(ctx)
}

// skip counts an entry that mpv could not show; mpv itself has gone on to the next.
func (s *session) skip(ctx context.Context, e *entry, reason string) error {
	e.shown = time.Time{}
	if e.slate {
		return s.plainSlate(ctx, reason)
	}
	s.complain(fmt.Sprintf("%s is skipped: mpv says %s", e.clip.Item.ID, reason))
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
	s.replace = true
	return s.load(ctx, &entry{slate: true}, source)
}

// load hands an entry to mpv, which opens it when its turn comes.
func (s *session) load(ctx context.Context, e *entry, from source) error {
	flags := "append"
	if s.replace {
		flags = "replace"
	}
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
	if s.replace {
		s.deck, s.replace = nil, false
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

// plainSlate takes the place of a slate that mpv cannot show.
func (s *session) plainSlate(ctx context.Context, reason string) error {
	if s.plain || s.opt.Slate == "" {
		return fmt.Errorf("cannot show the slate: mpv says %s", reason)
	}
	s.plain = true
	s.complain("the slate is replaced: mpv says " + reason)
	return s.putSlate(ctx)
}

// slate is the built-in picture, or a plain one where that cannot be had, which needs no disk: never black.
func (s *session) slate() (source, error) {
	path := s.opt.Slate
	if path != "" && !s.plain {
		_, err := os.Stat(path)
		if err == nil {
			return source{url: path, options: stillOptions("png_pipe", 0)}, nil
		}
		s.complain(fmt.Sprintf("the slate is missing: %v", err))
	}
	paper, err := Card{Sheet: SheetFor(0), Background: color.RGBA{0x0B, 0x2A, 0x4A, 0xFF}}.paper()
	if err != nil {
		return source{}, err
	}
	return source{url: "hex://" + hex.EncodeToString(paper), options: stillOptions("png_pipe", 0)}, nil
}
