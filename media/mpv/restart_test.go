package mpv_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

// counted is the real mpv, which writes a line to a file at each start that is to play.
func counted(t *testing.T) (binaryPath string, starts func() int) {
	t.Helper()
	dir := t.TempDir()
	path, list := filepath.Join(dir, "mpv"), filepath.Join(dir, "starts")
	script := "#!/bin/sh\ncase \"$*\" in *--idle=yes*) echo start >>'" + list + "';; esac\nexec " + binary() + " \"$@\"\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, func() int {
		lines, err := os.ReadFile(list)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.Count(string(lines), "\n")
	}
}

func TestRestartGivesAnotherMpv(t *testing.T) {
	t.Parallel()
	runtime := filepath.Join(t.TempDir(), "player")
	p := start(t, mpv.Options{Runtime: runtime})
	p.Show(programme(film("film", sample("long.mp4"), 60)))
	await(t, p, "the film", 30*time.Second, plays("film"))
	before := mpvOf(t, runtime)
	p.Restart()
	if shown := next(t, p, 30*time.Second); shown.Complete || shown.Clip.Item.ID != "film" {
		t.Errorf("the showing that was cut off is reported as %+v", shown)
	}
	o := await(t, p, "the film again", 30*time.Second, func(o media.Playing) bool {
		now := mpvOf(t, runtime)
		return plays("film")(o) && now != 0 && now != before
	})
	if o.Detail != "" {
		t.Errorf("that it was restarted counts as an error: %s", o.Detail)
	}
}

// TestAStormOfRestartsIsOne: what is asked while mpv comes up, and shortly after, is the same restart.
func TestAStormOfRestartsIsOne(t *testing.T) {
	t.Parallel()
	program, starts := counted(t)
	p := start(t, mpv.Options{Binary: program})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	await(t, p, "the picture", 30*time.Second, plays("red"))
	var storm sync.WaitGroup
	for range 8 {
		storm.Go(func() {
			for range 1000 {
				p.Restart()
			}
		})
	}
	next(t, p, 30*time.Second) // the old mpv has ended
	await(t, p, "the picture again", 30*time.Second, func(o media.Playing) bool { p.Restart(); return plays("red")(o) })
	storm.Wait()
	polled := p.Playing().At
	await(t, p, "two looks at mpv's health", 30*time.Second, func(o media.Playing) bool {
		p.Restart()
		return o.At.Sub(polled) > 2*time.Second
	})
	if n := starts(); n != 2 {
		t.Errorf("mpv was started %d times, want 2", n)
	}
}

// TestARestartAskedForBeforeMpvIsUpIsTheOneUnderWay: it does not end what comes up.
func TestARestartAskedForBeforeMpvIsUpIsTheOneUnderWay(t *testing.T) {
	t.Parallel()
	program, starts := counted(t)
	p := start(t, mpv.Options{Binary: program})
	await(t, p, "a start", 30*time.Second, func(media.Playing) bool { return starts() == 1 })
	p.Restart() // the shell that becomes mpv has hardly begun
	await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool { return o.State == media.PlayerSlate })
	if n := starts(); n != 1 {
		t.Errorf("mpv was started %d times, want once", n)
	}
}

func TestRestartEndsTheWait(t *testing.T) {
	t.Parallel()
	p := mpv.New(mpv.Options{})
	p.Restart()
	if !p.Rest(t.Context(), 24*time.Hour) {
		t.Error("the wait did not end well")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Restart() // the same one
	if p.Rest(ctx, 24*time.Hour) {
		t.Error("a second restart at once counts")
	}
}

func TestRestartBringsBackAMpvThatCouldNotStart(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "mpv")
	p := start(t, mpv.Options{Binary: program})
	await(t, p, "the reason", 30*time.Second, func(o media.Playing) bool {
		return o.State == media.PlayerDown && strings.Contains(o.Detail, "cannot start mpv")
	})
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec "+binary()+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.Restart()
	await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool { return o.State == media.PlayerSlate })
}
