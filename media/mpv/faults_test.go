package mpv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

// mpvOf is the process id of the mpv that plays for the player with this runtime folder, 0 for none. The press has
// no --idle.
func mpvOf(t *testing.T, runtime string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environ, err1 := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		command, err2 := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err1 == nil && err2 == nil && strings.Contains(string(environ), "HOME="+runtime+"\x00") && strings.Contains(string(command), "--idle=yes") {
			return pid
		}
	}
	return 0
}

func signal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if pid == 0 {
		t.Fatal("there is no mpv")
	}
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatal(err)
	}
}

func TestPictureReturnsAfterMpvIsKilled(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 640, 360)
	opt := mpv.Options{Video: mpv.VideoWindow, Environ: s.environ(), Runtime: filepath.Join(t.TempDir(), "player")}
	p := start(t, opt)
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	await(t, p, "the picture", 30*time.Second, plays("red"))
	s.awaitPicture(t, "red", 30*time.Second, near(0xC0, 0x20, 0x20))

	signal(t, mpvOf(t, opt.Runtime), syscall.SIGKILL)
	killed := time.Now()
	down := await(t, p, "down", 30*time.Second, func(o media.Playing) bool { return o.State != media.PlayerPlaying })
	if !strings.Contains(down.Detail, "killed") {
		t.Errorf("the detail does not name the cause: %q", down.Detail)
	}
	if shown := next(t, p, 30*time.Second); shown.Complete || shown.Clip.Item.ID != "red" {
		t.Errorf("the showing that was cut off is reported as %+v", shown)
	}
	await(t, p, "the picture again", 30*time.Second, plays("red"))
	s.awaitPicture(t, "red again", 30*time.Second, near(0xC0, 0x20, 0x20))
	t.Logf("the picture was back %.2f s after the kill", time.Since(killed).Seconds())
}

func TestHangingMpvIsReplaced(t *testing.T) {
	t.Parallel()
	opt := mpv.Options{Runtime: filepath.Join(t.TempDir(), "player"), AnswerWithin: 500 * time.Millisecond}
	p := start(t, opt)
	p.Show(programme(film("film", sample("long.mp4"), 60)))
	await(t, p, "the film", 30*time.Second, plays("film"))
	hung := mpvOf(t, opt.Runtime)
	signal(t, hung, syscall.SIGSTOP)
	await(t, p, "noticed", 30*time.Second, func(o media.Playing) bool {
		return o.State == media.PlayerDown && strings.Contains(o.Detail, "does not answer") && !strings.Contains(o.Detail, "\n")
	})
	await(t, p, "another film", 30*time.Second, plays("film"))
	if other := mpvOf(t, opt.Runtime); other == 0 || other == hung {
		t.Errorf("mpv %d was not replaced, now %d", hung, other)
	}
	if err := syscall.Kill(hung, 0); err != syscall.ESRCH {
		t.Errorf("the hung mpv still exists: %v", err)
	}
	if shown := next(t, p, time.Second); shown.Complete || shown.Duration > 30*time.Second {
		t.Errorf("the showing that was cut off is reported as %+v", shown)
	}
}

// TestBadItemsAreSkipped plays one good picture between each kind of bad one.
func TestBadItemsAreSkipped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	red, err := os.ReadFile(sample("red.png"))
	if err != nil {
		t.Fatal(err)
	}
	list := write("list", []byte("#EXTM3U\n#EXTINF:1,x\n"+sample("red.png")+"\n"))
	for _, test := range []struct {
		name string
		bad  media.Clip
		want string // in the detail
	}{
		{"missing", film("bad", filepath.Join(dir, "none.mp4"), 3), "bad is skipped: mpv says"},
		{"corrupt", film("bad", write("corrupt.mp4", []byte(strings.Repeat("not a film ", 999))), 3), "bad is skipped: mpv says"},
		{"corrupt picture", picture("bad", write("corrupt.png", append(red[:40:40], make([]byte, 4000)...)), "image/png", 1), "bad is skipped: mpv says"},
		{"picture called a film", film("bad", sample("red.png"), 3), "bad is skipped: mpv says"},
		{"playlist called a film", film("bad", list, 3), "bad is skipped: mpv says"},
		{"playlist called a picture", picture("bad", list, "image/png", 1), "bad is skipped: mpv says"},
		{"cut short", film("bad", sample("cut.mp4"), 3), "bad ended before its planned end"},
		{"sound alone", film("bad", sample("sound.mp4"), 3), "bad is skipped: mpv says"},
		{"picture with the kind of a film", clip(media.Item{ID: "bad", Kind: media.Video, Seconds: 3, File: &media.File{Type: "image/png"}}, sample("red.png")), "cannot show image/png as video"},
		{"no time at all", picture("bad", sample("red.png"), "image/png", 0), "cannot show an item for 0 seconds"},
		{"unknown type", picture("bad", sample("red.png"), "image/gif", 1), "cannot show content of type"},
		{"no path", picture("bad", "", "image/png", 1), "not an absolute path"},
		{"an address", picture("bad", "https://example.org/a.png", "image/png", 1), "not an absolute path"},
		{"text without glyphs", text("bad", media.English, sign("", "欢迎"), 1), "no pinned font has it"},
		{"nothing to show", clip(media.Item{ID: "bad", Kind: media.Picture, Seconds: 1}, ""), "neither file nor text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, mpv.Options{})
			p.Show(programme(picture("good", sample("green.png"), "image/png", 1), test.bad))
			for range 2 {
				shown := next(t, p, 30*time.Second)
				if id := shown.Clip.Item.ID; id == "bad" && shown.Complete || id == "good" && !shown.Complete {
					t.Errorf("%s counts as complete: %t", id, shown.Complete)
				}
				if shown.Clip.Item.ID == "bad" && test.name != "cut short" {
					t.Errorf("the bad item counts as shown for %s", shown.Duration)
				}
			}
			await(t, p, "the reason", 30*time.Second, func(o media.Playing) bool { return strings.Contains(o.Detail, test.want) })
		})
	}
}

func TestWhenEveryItemIsBadTheSlateIsShownWithoutSpinning(t *testing.T) {
	t.Parallel()
	p := start(t, mpv.Options{})
	p.Show(programme(film("a", "/nowhere/a.mp4", 3), film("b", "/nowhere/b.mp4", 3), film("c", "/nowhere/c.mp4", 3)))
	await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool {
		return o.State == media.PlayerSlate && strings.Contains(o.Detail, "is skipped")
	})
	// The slate stays for ten seconds; a player that spins would leave it at once.
	for watch := time.After(2 * time.Second); ; {
		select {
		case <-p.Wake():
			if o := p.Playing(); o.State != media.PlayerSlate {
				t.Fatalf("the slate did not stay: %+v", o)
			}
			continue
		case <-watch:
		}
		break
	}
	p.Show(programme(picture("good", sample("green.png"), "image/png", 1)))
	await(t, p, "a programme that can be shown", 30*time.Second, plays("good"))
}

func TestMissingMpvIsReported(t *testing.T) {
	t.Parallel()
	runtime := filepath.Join(t.TempDir(), "player")
	p := mpv.New(mpv.Options{Binary: "/nowhere/mpv", Runtime: runtime, Video: mpv.VideoNull})
	runUntilEnd(t, p)
	await(t, p, "the reason", 30*time.Second, func(o media.Playing) bool {
		return o.State == media.PlayerDown && strings.Contains(o.Detail, "cannot start mpv")
	})
}

// TestMpvDiesWithItsParent proves the kernel's part: a daemon that is killed can do nothing itself, and a mpv that
// hangs does not see its connection close.
func TestMpvDiesWithItsParent(t *testing.T) {
	t.Parallel()
	runtime := filepath.Join(t.TempDir(), "player")
	daemon := exec.Command(os.Args[0], "-test.run=^TestAsDaemon$")
	daemon.Env = append(os.Environ(), daemonVariable+"="+runtime)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill() }) // it may have ended as planned
	pid := awaitMpv(t, runtime)
	signal(t, pid, syscall.SIGSTOP)
	if err := daemon.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Wait(); err == nil {
		t.Error("the daemon was not killed")
	}
	for deadline := time.Now().Add(5 * time.Second); mpvOf(t, runtime) != 0; {
		if time.Now().After(deadline) {
			signal(t, pid, syscall.SIGKILL)
			t.Fatal("mpv outlived its parent")
		}
	}
}

const daemonVariable = "BANGTIN_TEST_DAEMON"

// TestAsDaemon is the process that TestMpvDiesWithItsParent kills.
func TestAsDaemon(t *testing.T) {
	runtime := os.Getenv(daemonVariable)
	if runtime == "" {
		t.Skip("only as a child of TestMpvDiesWithItsParent")
	}
	p := mpv.New(mpv.Options{Binary: binary(), Runtime: runtime, Video: mpv.VideoNull})
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func awaitMpv(t *testing.T, runtime string) int {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; {
		if pid := mpvOf(t, runtime); pid != 0 {
			return pid
		}
		if time.Now().After(deadline) {
			t.Fatal("mpv was not started")
		}
	}
}

func TestNoProcessIsLeft(t *testing.T) {
	t.Parallel()
	runtime := filepath.Join(t.TempDir(), "player")
	t.Run("run", func(t *testing.T) {
		p := start(t, mpv.Options{Runtime: runtime})
		await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool { return o.State == media.PlayerSlate })
		if mpvOf(t, runtime) == 0 {
			t.Error("this test would not see a mpv")
		}
	})
	if pid := mpvOf(t, runtime); pid != 0 {
		t.Errorf("mpv %d is left", pid)
	}
}
