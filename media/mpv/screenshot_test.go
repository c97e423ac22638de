package mpv_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

// shoot takes a screenshot that must be within the limits.
func shoot(t *testing.T, p *mpv.Player) image.Image {
	t.Helper()
	shot, err := p.Screenshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return judgeShot(t, shot)
}

func judgeShot(t *testing.T, shot []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	if size := img.Bounds().Size(); len(shot) > mpv.MaxShotBytes || size.X > mpv.MaxShotWidth || size.Y > mpv.MaxShotHeight {
		t.Errorf("%d bytes, %v", len(shot), size)
	}
	return img
}

// shots is what screenshots left in the runtime folder.
func shots(t *testing.T, runtime string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(runtime, "shot-*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// awaitShot waits until one is being taken.
func awaitShot(t *testing.T, runtime string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); len(shots(t, runtime)) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("no screenshot is taken")
		}
	}
}

// wrapped is the real mpv with further options at the end.
func wrapped(t *testing.T, options string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mpv")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec "+binary()+" \"$@\" "+options+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAScreenshotShowsWhatIsOn tries the outputs that a machine without a display has.
func TestAScreenshotShowsWhatIsOn(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]mpv.Options{
		"null": {Video: mpv.VideoNull},
		"x11":  {Video: mpv.VideoWindow},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if opt.Video == mpv.VideoWindow {
				opt.Environ = newScreen(t, 640, 360).environ()
			}
			opt.Runtime, opt.Slate = filepath.Join(t.TempDir(), "player"), sample("slate.png")
			p := start(t, opt)
			await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool { return o.State == media.PlayerSlate })
			if !near(0xC0, 0xC0, 0x20)(shoot(t, p)) {
				t.Error("it does not show the slate")
			}
			p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
			await(t, p, "red", 30*time.Second, plays("red"))
			if !near(0xC0, 0x20, 0x20)(shoot(t, p)) {
				t.Error("it does not show the item")
			}
			if left := shots(t, opt.Runtime); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			if !plays("red")(p.Playing()) || len(p.Finished()) > 0 {
				t.Errorf("the item was disturbed: %+v", p.Playing())
			}
		})
	}
}

// TestAScreenshotOfTheWindow has mpv draw with OpenGL in software, which can be read back.
func TestAScreenshotOfTheWindow(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 1400, 788)
	p := start(t, mpv.Options{Binary: wrapped(t, "--vo=gpu --gpu-sw=yes"), Video: mpv.VideoWindow, Environ: s.environ(), Rotate: 90})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	if o := await(t, p, "red", 30*time.Second, func(o media.Playing) bool {
		return plays("red")(o) || o.State == media.PlayerDown && o.Detail != ""
	}); o.State == media.PlayerDown {
		t.Skipf("no OpenGL in software on this machine: %s", o.Detail)
	}
	s.awaitPicture(t, "red", 30*time.Second, near(0xC0, 0x20, 0x20))
	identify(t, p, "VĨNH XƯƠNG", 5*time.Minute)
	onScreen := s.awaitPicture(t, "the name", 30*time.Second, func(img image.Image) bool { n, _ := ink(img); return n > 200 })
	shot := shoot(t, p)
	keepPicture(t, "shot-window", shot)
	if size := shot.Bounds().Size(); size != image.Pt(1280, 720) {
		t.Errorf("a screen of 1400 by 788 became %v", size)
	}
	small := image.NewRGBA(shot.Bounds())
	scaleTo(small, onScreen)
	if share := differ(small, shot); share > 0.01 {
		t.Errorf("%.2f %% of the pixels differ from what is on the screen", 100*share)
	}
}

func TestWithoutMpvThereIsNoScreenshot(t *testing.T) {
	t.Parallel()
	if _, err := mpv.New(mpv.Options{}).Screenshot(t.Context()); err == nil || !strings.Contains(err.Error(), "no mpv runs") {
		t.Error(err)
	}
}

// TestAScreenshotOfAMpvThatHangs: it ends with its context, others are refused meanwhile, and mpv may go on.
func TestAScreenshotOfAMpvThatHangs(t *testing.T) {
	t.Parallel()
	runtime := filepath.Join(t.TempDir(), "player")
	p := start(t, mpv.Options{Runtime: runtime, AnswerWithin: time.Hour, StallAfter: time.Hour})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	await(t, p, "red", 30*time.Second, plays("red"))
	pid := mpvOf(t, runtime)
	signal(t, pid, syscall.SIGSTOP)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := p.Screenshot(ctx); first <- err }()
	awaitShot(t, runtime)
	if _, err := p.Screenshot(t.Context()); err == nil || !strings.Contains(err.Error(), "another one") {
		t.Errorf("a second one: %v", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	signal(t, pid, syscall.SIGCONT)
	if !near(0xC0, 0x20, 0x20)(shoot(t, p)) {
		t.Error("the next one does not show the item")
	}
	if left := shots(t, runtime); len(left) > 0 || mpvOf(t, runtime) != pid {
		t.Errorf("left behind: %q; mpv was %d, is %d", left, pid, mpvOf(t, runtime))
	}
}

func TestMpvIsKilledInTheMiddleOfAScreenshot(t *testing.T) {
	t.Parallel()
	runtime := filepath.Join(t.TempDir(), "player")
	p := start(t, mpv.Options{Runtime: runtime, AnswerWithin: time.Hour, StallAfter: time.Hour})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	await(t, p, "red", 30*time.Second, plays("red"))
	pid := mpvOf(t, runtime)
	signal(t, pid, syscall.SIGSTOP)
	taken := make(chan error, 1)
	go func() { _, err := p.Screenshot(t.Context()); taken <- err }()
	awaitShot(t, runtime)
	signal(t, pid, syscall.SIGKILL)
	if err := <-taken; !errors.Is(err, mpv.ErrClosed) {
		t.Errorf("it ends with %v", err)
	}
	await(t, p, "red again", 30*time.Second, func(o media.Playing) bool {
		now := mpvOf(t, runtime)
		return plays("red")(o) && now != 0 && now != pid
	})
	if left := shots(t, runtime); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	shoot(t, p)
}

func TestAMpvThatWritesNoPicture(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.WriteFile(path("endless"), make([]byte, 16<<20+1), 0o600),
		os.WriteFile(path("secret"), []byte("secret"), 0o600),
		os.Symlink(path("secret"), path("link")),
		syscall.Mkfifo(path("fifo"), 0o600),
		os.Mkdir(path("folder"), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nothing", "endless", "link", "fifo", "folder"} {
		if _, err := mpv.ReadShot(path(name)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	if data, err := mpv.ReadShot(path("secret")); err != nil || string(data) != "secret" {
		t.Errorf("a plain file: %q, %v", data, err)
	}
}

func noise(t testing.TB, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.NewChaCha8([32]byte{})
	if _, err := random.Read(img.Pix); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnyPictureIsMadeToFit(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{1, 1}, {1080, 1920}, {1400, 40}, {9000, 1}, {1, 9000}} {
		shot, err := mpv.Shrink(noise(t, size.X, size.Y))
		if err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		img := judgeShot(t, shot)
		t.Logf("noise of %v: %d bytes, %v", size, len(shot), img.Bounds().Size())
	}
}

// TestABombIsNotDecoded: a header that promises 65,535 by 65,535 pixels.
func TestABombIsNotDecoded(t *testing.T) {
	t.Parallel()
	bomb := noise(t, 8, 8)
	at := bytes.Index(bomb, []byte{0xFF, 0xC0}) // start of frame: length, precision, height, width
	copy(bomb[at+5:], []byte{0xFF, 0xFF, 0xFF, 0xFF})
	if _, err := mpv.Shrink(bomb); err == nil || !strings.Contains(err.Error(), "65535 by 65535") {
		t.Error(err)
	}
}

func FuzzShrink(f *testing.F) {
	f.Add(noise(f, 8, 8))
	f.Add(noise(f, 33, 17)[:400])
	f.Add([]byte("not a picture"))
	f.Fuzz(func(t *testing.T, taken []byte) {
		if config, err := jpeg.DecodeConfig(bytes.NewReader(taken)); err == nil && config.Width*config.Height > 1<<18 {
			return // allowed, and slow
		}
		shot, err := mpv.Shrink(taken)
		if err == nil {
			judgeShot(t, shot)
		}
	})
}
