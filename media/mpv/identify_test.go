package mpv_test

import (
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

const gate = "CỬA KHẨU QUỐC TẾ VĨNH XƯƠNG – ẤẶỄỘỮ"

// keepPicture writes what was grabbed to the folder in BANGTIN_KEEP_PICTURES, to be looked at.
func keepPicture(t *testing.T, name string, img image.Image) {
	t.Helper()
	if dir := os.Getenv("BANGTIN_KEEP_PICTURES"); dir != "" {
		savePicture(t, filepath.Join(dir, name+".png"), img)
	}
}

// ink is how many pixels are white, and the rectangle around them.
func ink(img image.Image) (int, image.Rectangle) {
	n, box := 0, image.Rectangle{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if r, g, b, _ := img.At(x, y).RGBA(); min(r, g, b) >= 0xC000 {
				n++
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return n, box
}

// named reports whether a name is on the picture: white letters upon a black band, which no sample has.
func named(img image.Image) bool {
	n, box := ink(img)
	return n > 200 && like(img, 3, (box.Min.Y+box.Max.Y)/2, 0, 0, 0)
}

func unnamed(img image.Image) bool { n, _ := ink(img); return n == 0 }

func TestTheNameIsShownOverAnythingAndGoes(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 1280, 720)
	p := start(t, mpv.Options{Video: mpv.VideoWindow, Environ: s.environ(), Slate: sample("slate.png")})
	slate := s.awaitPicture(t, "the slate", 30*time.Second, near(0xC0, 0xC0, 0x20))
	identify(t, p, gate, 2*time.Second)
	keepPicture(t, "name-slate", s.awaitPicture(t, "the name over the slate", 30*time.Second, named))
	after := s.awaitPicture(t, "the slate alone", 30*time.Second, unnamed)
	if share := differ(slate, after); share > 0 {
		t.Errorf("%.3f %% of the slate differ from before", 100*share)
	}
	if o := p.Playing(); o.State != media.PlayerSlate || o.Detail != "" {
		t.Errorf("the slate is reported as %+v", o)
	}

	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	before := s.awaitPicture(t, "red", 30*time.Second, near(0xC0, 0x20, 0x20))
	since := await(t, p, "red", 30*time.Second, plays("red")).Since
	identify(t, p, "FIRST", 5*time.Minute)
	s.awaitPicture(t, "the first name", 30*time.Second, named)
	identify(t, p, gate, 2*time.Second)
	s.awaitPicture(t, "the second name", 30*time.Second, func(img image.Image) bool {
		_, box := ink(img)
		return named(img) && box.Dy() > 200 // two lines
	})
	after = s.awaitPicture(t, "red alone", 30*time.Second, unnamed)
	if share := differ(before, after); share > 0 {
		t.Errorf("%.3f %% of the item differ from before", 100*share)
	}
	if o := p.Playing(); !o.Since.Equal(since) || !plays("red")(o) || len(p.Finished()) > 0 {
		t.Errorf("the item was disturbed: %+v, %d showings", o, len(p.Finished()))
	}
}

func identify(t *testing.T, p *mpv.Player, text string, d time.Duration) {
	t.Helper()
	if err := p.Identify(text, d); err != nil {
		t.Fatal(err)
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	t.Parallel()
	p := mpv.New(mpv.Options{})
	for name, test := range map[string]struct {
		text string
		d    time.Duration
	}{
		"empty":     {"", time.Second},
		"invisible": {" \n\t\u202e\u200b", time.Second},
		"long":      {strings.Repeat("Ậ", 201), time.Second},
		"no UTF-8":  {"a\xff", time.Second},
		"too short": {"a", time.Second - 1},
		"too long":  {"a", 5*time.Minute + 1},
		"backward":  {"a", -time.Second},
	} {
		if err := p.Identify(test.text, test.d); err == nil || !strings.HasPrefix(err.Error(), "cannot show a") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := p.Identify(strings.Repeat("Ậ", 200), 5*time.Minute); err != nil {
		t.Error(err)
	}
}

