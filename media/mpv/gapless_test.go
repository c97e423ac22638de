package mpv_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

// A verdict is what the judge, who knows nothing of mpv, saw on the screen.
type verdict struct {
	frames int // looked at
	black  int // at least 98 % of the pixels darker than 32 of 255
	when   []string
}

var (
	frameCount = regexp.MustCompile(`frame=\s*(\d+)`)
	blackFrame = regexp.MustCompile(`pblack:\d+ .* t:([\d.]+)`)
)

// judge watches the screen for a time.
func (s screen) judge(t testing.TB, watch time.Duration) verdict {
	t.Helper()
	stop := s.watch(t)
	time.Sleep(watch)
	return stop()
}

// watch looks at the screen 30 times a second until the returned function asks for the verdict.
func (s screen) watch(t testing.TB) func() verdict {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-nostdin", "-hide_banner", "-f", "x11grab", "-draw_mouse", "0", "-framerate", "30",
		"-video_size", fmt.Sprintf("%dx%d", s.width, s.height), "-i", s.name,
		"-vf", "scale=320:-2:flags=neighbor,blackframe=amount=98:threshold=32", "-f", "null", "-")
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatalf("ffmpeg (package ffmpeg is needed): %v", err)
	}
	return func() verdict {
		t.Helper()
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatalf("x11grab ended early: %v: %s", err, &out)
		}
		_ = cmd.Wait() // ffmpeg calls an interrupt 255; whether it saw something is in what it wrote
		return readVerdict(t, out.String())
	}
}

func readVerdict(t testing.TB, report string) verdict {
	t.Helper()
	counts := frameCount.FindAllStringSubmatch(report, -1)
	if len(counts) == 0 {
		t.Fatalf("the judge counted no frames: %s", report)
	}
	frames, err := strconv.Atoi(counts[len(counts)-1][1])
	if err != nil {
		t.Fatal(err)
	}
	var when []string
	for _, black := range blackFrame.FindAllStringSubmatch(report, -1) {
		when = append(when, black[1])
	}
	return verdict{frames, len(when), when}
}

func TestItemChangesShowNoBlack(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 640, 360)
	if v := s.judge(t, time.Second); v.frames == 0 || v.black < v.frames {
		t.Fatalf("the judge saw %d of %d frames of an empty screen as black", v.black, v.frames)
	}
	p := start(t, mpv.Options{Video: mpv.VideoWindow, Environ: s.environ()})
	p.Show(programme(
		picture("png", sample("red.png"), "image/png", 1),
		text("text", media.Khmer, signs()[media.Khmer], 1),
		film("film", sample("three.mp4"), 3),
		picture("jpeg", sample("blue.jpg"), "image/jpeg", 1),
	))
	await(t, p, "the first item", 30*time.Second, plays("png"))
	s.awaitPicture(t, "the first item", 30*time.Second, near(0xC0, 0x20, 0x20))
	v := s.judge(t, 9*time.Second)
	if v.black > 0 || v.frames < 100 {
		t.Errorf("%d of %d frames were black, at %s s", v.black, v.frames, v.when)
	}
	if n := len(p.Finished()); n < 5 {
		t.Errorf("only %d item changes were watched", n)
	}
}
