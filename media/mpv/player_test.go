package mpv_test

import (
	"context"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
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
	if opt.Binary == "" {
		opt.Binary = binary()
	}
	if opt.Runtime == "" {
		opt.Runtime = filepath.Join(t.TempDir(), "player")
	}
	opt.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	if opt.Video == "" {
		opt.Video = mpv.VideoNull
	}
	p := mpv.New(opt)
	runUntilEnd(t, p)
	return p
}

// runUntilEnd ends Run with the test and waits for it.
func runUntilEnd(t testing.TB, p *mpv.Player) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
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
	t.Parallel()
	p := start(t, mpv.Options{})
	p.Show(programme(
		picture("a", sample("red.png"), "image/png", 1),
		film("b", sample("three.mp4"), 3),
		text("c", media.Khmer, signs()[media.Khmer], 1),
		picture("d", sample("blue.jpg"), "image/jpeg", 1),
	))
	previous := ""
	for i, want := range []string{"a", "b", "c", "d", "a"} {
		shown := next(t, p, 30*time.Second)
		for shown.Clip.Item.ID == previous { // a slow machine has not drawn the text in time: mpv repeats
			shown = next(t, p, 30*time.Second)
		}
		previous = want
		if shown.Clip.Item.ID != want || !shown.Complete {
			t.Fatalf("%d: shown %s, complete %t (%s); want %s, complete", i, shown.Clip.Item.ID, shown.Complete, shown.Duration, want)
		}
	}
	if o := p.Playing(); o.Detail != "" {
		t.Errorf("all is well, and the player complains: %s", o.Detail)
	}
}

func TestNewProgrammeComesAtTheBoundary(t *testing.T) {
	t.Parallel()
	p := start(t, mpv.Options{})
	p.Show(programme(picture("old-1", sample("red.png"), "image/png", 2), picture("old-2", sample("green.png"), "image/png", 2)))
	await(t, p, "the old programme", 30*time.Second, plays("old-1"))
	p.Show(programme(picture("lost", sample("red.png"), "image/png", 1))) // replaced before its turn
	p.Show(programme(picture("new-1", sample("green.png"), "image/png", 1), picture("new-2", sample("red.png"), "image/png", 1)))
	for _, want := range []string{"old-1", "new-1", "new-2", "new-1"} {
		if shown := next(t, p, 30*time.Second); shown.Clip.Item.ID != want || !shown.Complete {
			t.Fatalf("shown %s, complete %t; want %s, complete", shown.Clip.Item.ID, shown.Complete, want)
		}
	}
}

// TestTheSameProgrammeAgainChangesNothing names it without a pause, at the item that plays and at the slate that
// stands in for it.
func TestTheSameProgrammeAgainChangesNothing(t *testing.T) {
	t.Parallel()
	p := start(t, mpv.Options{})
	bad := programme(film("a", "/nowhere/a.mp4", 3))
	p.Show(bad)
	await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool {
		return o.State == media.PlayerSlate && strings.Contains(o.Detail, "a is skipped")
	})
	for len(p.Wake()) > 0 {
		<-p.Wake()
	}
	for watch := time.After(2 * time.Second); ; {
		p.Show(programme(film("a", "/nowhere/a.mp4", 3)))
		select {
		case <-time.After(10 * time.Millisecond):
			if o := p.Playing(); o.State != media.PlayerSlate {
				t.Fatalf("it was begun anew: %+v", o)
			}
			continue
		case <-watch:
		}
		break
	}
	texts := func() media.Programme {
		return programme(picture("red", sample("red.png"), "image/png", 1), text("sign", media.Khmer, signs()[media.Khmer], 1))
	}
	await(t, p, "the text, which takes a while to draw", 30*time.Second, func(o media.Playing) bool {
		p.Show(texts())
		return plays("sign")(o)
	})
}

// TestTheLastShowingIsReported: what the end of Run cuts off is there to be taken when it has returned.
func TestTheLastShowingIsReported(t *testing.T) {
	t.Parallel()
	for _, last := range []media.Clip{picture("red", sample("red.png"), "image/png", 3600), film("film", sample("long.mp4"), 60)} {
		p := mpv.New(mpv.Options{Binary: binary(), Runtime: filepath.Join(t.TempDir(), "player"), Video: mpv.VideoNull})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		p.Show(programme(last))
		await(t, p, "the last item", 30*time.Second, func(o media.Playing) bool { return plays(last.Item.ID)(o) && o.PositionS > 1 })
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if shown := next(t, p, 5*time.Second); shown.Clip.Item.ID != last.Item.ID || shown.Complete || shown.Duration < time.Second {
			t.Errorf("reported as %+v", shown)
		}
	}
}

func TestProgrammeGoesOnAfterTheItemItShares(t *testing.T) {
	t.Parallel()
	p := start(t, mpv.Options{})
	a, b, c := picture("a", sample("red.png"), "image/png", 1), picture("b", sample("green.png"), "image/png", 2), picture("c", sample("red.png"), "image/png", 1)
	p.Show(programme(a, b))
	await(t, p, "b", 30*time.Second, plays("b"))
	p.Show(programme(a, b, c))
	for _, want := range []string{"a", "b", "c", "a"} {
		if shown := next(t, p, 30*time.Second); shown.Clip.Item.ID != want {
			t.Fatalf("shown %s, want %s", shown.Clip.Item.ID, want)
		}
	}
}

func TestSlateComesAndGoesAtOnce(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 640, 360)
	p := start(t, mpv.Options{Video: mpv.VideoWindow, Environ: s.environ(), Slate: sample("slate.png")})
	isSlate := func(o media.Playing) bool { return o.State == media.PlayerSlate && o.Item == "" }
	await(t, p, "the slate before any programme", 30*time.Second, isSlate)
	s.awaitPicture(t, "the slate", 30*time.Second, near(0xC0, 0xC0, 0x20))

	forever := picture("red", sample("red.png"), "image/png", 3600)
	p.Show(programme(forever))
	await(t, p, "the programme", 30*time.Second, plays("red"))
	s.awaitPicture(t, "red", 30*time.Second, near(0xC0, 0x20, 0x20))
	p.ShowSlate()
	await(t, p, "the slate", 30*time.Second, isSlate)
	s.awaitPicture(t, "the slate again", 30*time.Second, near(0xC0, 0xC0, 0x20))
	if shown := next(t, p, time.Second); shown.Complete {
		t.Errorf("an hour counts as complete after %s", shown.Duration)
	}
	p.Show(programme(forever))
	await(t, p, "the programme", 30*time.Second, plays("red"))
	p.Show(media.Programme{Playlist: "empty", Version: 2})
	await(t, p, "the slate for an empty programme", 30*time.Second, isSlate)
}

func TestTurnedOutput(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 360, 640)
	p := start(t, mpv.Options{Video: mpv.VideoWindow, Environ: s.environ(), Rotate: 90})
	p.Show(programme(text("sign", media.Vietnamese, signs()[media.Vietnamese], 3600)))
	await(t, p, "the text", 30*time.Second, plays("sign"))
	// The card is upright and the screen too, so that a turn by 90 degrees lays it across the middle.
	s.awaitPicture(t, "paper in the middle and black above", 30*time.Second, func(img image.Image) bool {
		return like(img, 5, 320, 0x0b, 0x3d, 0x91) && like(img, 5, 5, 0, 0, 0)
	})
}

func TestOptionsThatCannotWork(t *testing.T) {
	good := func() mpv.Options { return mpv.Options{Runtime: "/tmp/bangtin-unused"} }
	for name, spoil := range map[string]func(*mpv.Options){
		"no runtime folder":       func(o *mpv.Options) { o.Runtime = "" },
		"relative runtime folder": func(o *mpv.Options) { o.Runtime = "run" },
		"runtime with a colon":    func(o *mpv.Options) { o.Runtime = "/tmp/a:b" },
		"relative slate":          func(o *mpv.Options) { o.Slate = "slate.png" },
		"unknown video":           func(o *mpv.Options) { o.Video = "hologram" },
		"mode with an option":     func(o *mpv.Options) { o.Mode = "1920x1080 --script=/x" },
		"crooked":                 func(o *mpv.Options) { o.Rotate = 45 },
		"too loud":                func(o *mpv.Options) { o.Volume = 101 },
	} {
		t.Run(name, func(t *testing.T) {
			opt := good()
			spoil(&opt)
			if err := mpv.New(opt).Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "cannot ") {
				t.Errorf("Run: %v", err)
			}
		})
	}
}
