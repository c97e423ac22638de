package mpv_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

// binary is the mpv under test; BANGTIN_TEST_MPV names another one than the machine's.
func binary() string {
	if other := os.Getenv("BANGTIN_TEST_MPV"); other != "" {
		return other
	}
	return "mpv"
}

// start runs a Player until the test ends.
func start(t *testing.T, opt mpv.Options) *mpv.Player {
	t.Helper()
	opt.Binary = binary()
	opt.Runtime = filepath.Join(t.TempDir(), "player")
	opt.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	if opt.Video == "" {
		opt.Video = mpv.VideoNull
	}
	p := mpv.New(opt)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return p
}

// await waits until the player's observation fulfils the condition.
func await(t *testing.T, p *mpv.Player, what string, within time.Duration, condition func(media.Playing) bool) media.Playing {
	t.Helper()
	deadline := time.After(within)
	for {
		if o := p.Playing(); condition(o) {
			return o
		}
		select {
		case <-p.Wake():
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("not within %s: %s; now %+v", within, what, p.Playing())
		}
	}
}

func plays(item string) func(media.Playing) bool {
	return func(o media.Playing) bool { return o.State == media.PlayerPlaying && o.Item == item }
}

// next takes the next finished showing.
func next(t *testing.T, p *mpv.Player, within time.Duration) media.Shown {
	t.Helper()
	select {
	case shown := <-p.Finished():
		return shown
	case <-time.After(within):
		t.Fatalf("no finished showing within %s; now %+v", within, p.Playing())
		return media.Shown{}
	}
}

func TestProgrammeIsPlayedInOrderAndAgain(t *testing.T) {
	p := start(t, mpv.Options{})
	p.Show(programme(picture("a", sample("red.png"), "image/png", 1), film("b", sample("three.mp4"), 3), picture("c", sample("blue.jpg"), "image/jpeg", 1)))
	for _, want := range []string{"a", "b", "c", "a", "b"} {
		shown := next(t, p, 10*time.Second)
		if shown.Clip.Item.ID != want || !shown.Complete {
			t.Fatalf("shown %s, complete %t (%s); want %s, complete", shown.Clip.Item.ID, shown.Complete, shown.Duration, want)
		}
	}
}
