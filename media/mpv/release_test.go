package mpv_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

func TestReleaseLeavesNoMpvUntilTake(t *testing.T) {
	t.Parallel()
	runtime := filepath.Join(t.TempDir(), "player")
	p := start(t, mpv.Options{Runtime: runtime})
	p.Show(programme(film("film", sample("long.mp4"), 60)))
	await(t, p, "the film", 30*time.Second, plays("film"))
	for range 2 {
		for range 2 { // the second finds it done
			if err := p.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			if pid := mpvOf(t, runtime); pid != 0 {
				t.Fatalf("mpv %d runs after Release", pid)
			}
		}
		if shown := next(t, p, 30*time.Second); shown.Complete || shown.Clip.Item.ID != "film" {
			t.Errorf("the showing that was cut off is reported as %+v", shown)
		}
		released := p.Playing().At
		await(t, p, "two more signs of life", 30*time.Second, func(o media.Playing) bool {
			if o.State != media.PlayerDown {
				t.Errorf("the player is %s while the output is released", o.State)
			}
			return o.At.Sub(released) > 2*time.Second
		})
		p.Take()
		o := await(t, p, "the film again", 30*time.Second, plays("film"))
		if o.Detail != "" {
			t.Errorf("that it was released counts as an error: %s", o.Detail)
		}
	}
}

// TestReleaseGivesUpWithItsContext: nothing runs that could let go.
func TestReleaseGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	p := mpv.New(mpv.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := p.Release(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Release: %v, want that the time is up", err)
	}
	p.Take()
	p.Take()
}
