package mpv_test

import (
	"image"
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/image/draw"

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

// ink is how many pixels are as good as white, and the rectangle around them.
func ink(img image.Image) (int, image.Rectangle) {
	n, width := 0, img.Bounds().Dx()
	box := image.Rectangle{Min: image.Pt(width, img.Bounds().Dy())} // inside out, until a pixel is found
	for i, luminance := range grey(img) {
		if luminance < 0xC0 {
			continue
		}
		x, y := i%width, i/width
		box.Min.X, box.Min.Y = min(box.Min.X, x), min(box.Min.Y, y)
		box.Max.X, box.Max.Y = max(box.Max.X, x+1), max(box.Max.Y, y+1)
		n++
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
	s := newScreen(t, 640, 360)
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
		return named(img) && box.Dy() > 120 // more than one line
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

// scaleTo fills small with img.
func scaleTo(small *image.RGBA, img image.Image) {
	draw.BiLinear.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
}

// TestItemsCountUnderTheName: they begin, end and are whole as without it, and the name stays over each.
func TestItemsCountUnderTheName(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 640, 360)
	p := start(t, mpv.Options{Video: mpv.VideoWindow, Environ: s.environ()})
	p.Show(programme(
		picture("red", sample("red.png"), "image/png", 1),
		film("film", sample("three.mp4"), 3),
		text("sign", media.Khmer, signs()[media.Khmer], 1),
	))
	identify(t, p, gate, 5*time.Minute)
	s.awaitPicture(t, "the name", 30*time.Second, named)
	for seen := map[string]bool{}; len(seen) < 3; {
		shown := next(t, p, 30*time.Second)
		if !shown.Complete {
			t.Errorf("%s was shown for %s only", shown.Clip.Item.ID, shown.Duration)
		}
		seen[shown.Clip.Item.ID] = true
		if img := s.grab(t); !named(img) {
			t.Errorf("no name after %s", shown.Clip.Item.ID)
			keepPicture(t, "name-lost", img)
		}
	}
	if o := p.Playing(); o.Detail != "" {
		t.Errorf("all is well, and the player complains: %s", o.Detail)
	}
}

// TestTheNameOutlivesMpvForItsTimeAlone: a new mpv shows it for what is left, and not at all when nothing is.
func TestTheNameOutlivesMpvForItsTimeAlone(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 640, 360)
	runtime := filepath.Join(t.TempDir(), "player")
	p := start(t, mpv.Options{Runtime: runtime, Video: mpv.VideoWindow, Environ: s.environ()})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	identify(t, p, gate, 5*time.Minute)
	s.awaitPicture(t, "the name", 30*time.Second, named)
	replace := func() {
		before := mpvOf(t, runtime)
		signal(t, before, syscall.SIGKILL)
		await(t, p, "another mpv", 30*time.Second, func(o media.Playing) bool {
			now := mpvOf(t, runtime)
			return plays("red")(o) && now != 0 && now != before
		})
	}
	replace()
	s.awaitPicture(t, "the name again", 30*time.Second, named)
	identify(t, p, "B", time.Second)
	s.awaitPicture(t, "the picture alone", 30*time.Second, near(0xC0, 0x20, 0x20))
	replace()
	if img := s.awaitPicture(t, "the picture alone", 30*time.Second, near(0xC0, 0x20, 0x20)); !unnamed(img) {
		t.Error("the name came back after its time")
	}
}

// TestANameOnATurnedOutput: on every one, turned back, the picture and the name look as on one that is not turned.
func TestANameOnATurnedOutput(t *testing.T) {
	t.Parallel()
	upright := turnedName(t, 360, 640, 0)
	if !like(upright, 180, 9, 0xC0, 0xC0, 0x20) || !like(upright, 180, 630, 0x20, 0x40, 0xC0) || !like(upright, 9, 320, 0, 0, 0) {
		t.Error("the name is not between the yellow and the blue half")
	}
	for degrees, size := range map[int]image.Point{90: {640, 360}, 180: {360, 640}, 270: {640, 360}} {
		img := turnedName(t, size.X, size.Y, degrees)
		back := image.NewRGBA(image.Rect(0, 0, 360, 640))
		for y := range 640 {
			for x := range 360 {
				switch degrees {
				case 90:
					back.Set(x, y, img.At(639-y, x))
				case 180:
					back.Set(x, y, img.At(359-x, 639-y))
				case 270:
					back.Set(x, y, img.At(y, 359-x))
				}
			}
		}
		keepPicture(t, "name-turned-back", back)
		t.Logf("%d degrees: %.2f %% of the pixels differ from the upright name", degrees, 100*differ(upright, back))
		if share := differ(upright, back); share > 0.02 { // the edges of letters fall otherwise
			t.Errorf("%d degrees: %.2f %% of the pixels differ from the upright name", degrees, 100*share)
		}
	}
}

// turnedName is a name over a picture that is yellow above and blue below, on a screen whose panel is turned.
func turnedName(t *testing.T, width, height, degrees int) image.Image {
	t.Helper()
	halves := image.NewRGBA(image.Rect(0, 0, 360, 640))
	draw.Draw(halves, image.Rect(0, 0, 360, 320), image.NewUniform(color.RGBA{0xC0, 0xC0, 0x20, 255}), image.Point{}, draw.Src)
	draw.Draw(halves, image.Rect(0, 320, 360, 640), image.NewUniform(color.RGBA{0x20, 0x40, 0xC0, 255}), image.Point{}, draw.Src)
	slate := filepath.Join(t.TempDir(), "halves.png")
	savePicture(t, slate, halves)
	s := newScreen(t, width, height)
	p := start(t, mpv.Options{Video: mpv.VideoWindow, Environ: s.environ(), Rotate: degrees, Slate: slate})
	await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool { return o.State == media.PlayerSlate })
	identify(t, p, "TỊNH BIÊN", 5*time.Minute)
	return s.awaitPicture(t, "the name over the slate", 30*time.Second, func(img image.Image) bool {
		n, _ := ink(img)
		return n > 2000 && !like(img, 3, 3, 0, 0, 0)
	})
}

// TestANameCannotCommandMpv: neither libass nor mpv's property expansion may take it for anything but letters.
func TestANameCannotCommandMpv(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 640, 360)
	p := start(t, mpv.Options{Video: mpv.VideoWindow, Environ: s.environ()})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	width := func(text string) int {
		identify(t, p, "–", 5*time.Minute) // something else, so that what is awaited is not of before
		s.awaitPicture(t, "a dash", 30*time.Second, func(img image.Image) bool { _, box := ink(img); return box.Dy() > 0 && box.Dy() < 15 })
		identify(t, p, text, 5*time.Minute)
		img := s.awaitPicture(t, text, 30*time.Second, func(img image.Image) bool { _, box := ink(img); return box.Dy() > 30 })
		keepPicture(t, "name-"+strings.Map(lettersOnly, text), img)
		if !like(img, 3, 180, 0, 0, 0) || !like(img, 320, 3, 0xC0, 0x20, 0x20) {
			t.Errorf("%q: the band is not where it was", text)
		}
		_, box := ink(img)
		return box.Dx()
	}
	short := width("no")
	for _, text := range []string{"${pause}", `{\b0}no`, `{\fs9}no`, `{\1a&HFF&}no`, `\Nno\Nno`, `no{\p1}m 0 0`} {
		if got := width(text); got < 2*short {
			t.Errorf("%q is %d pixels wide, and two letters %d: it was obeyed", text, got, short)
		}
	}
}

func lettersOnly(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return -1
}

func TestWithoutFontsTheNameIsMissedAloud(t *testing.T) {
	t.Parallel()
	p := start(t, mpv.Options{Fonts: t.TempDir()})
	identify(t, p, gate, 5*time.Minute)
	await(t, p, "the reason", 30*time.Second, func(o media.Playing) bool {
		return o.State == media.PlayerSlate && strings.Contains(o.Detail, "the name cannot be shown")
	})
}

// TestNamesAreLarge says from how far the names are read; see nameplate.go for the rule.
func TestNamesAreLarge(t *testing.T) {
	t.Parallel()
	em := regexp.MustCompile(`\\fs([\d.]+)`)
	for _, test := range []struct {
		text     string
		smallest float64 // em
	}{
		{"TỊNH BIÊN", 220},
		{gate, 148},
		{"CỬA KHẨU QUỐC TẾ TỊNH BIÊN, THỊ XÃ TỊNH BIÊN, TỈNH AN GIANG", 148},
		{strings.Repeat("CỬA KHẨU QUỐC TẾ ", 20), 80},
		{strings.Repeat("Ậ", mpv.MaxName), 32},
		{strings.Repeat("W", mpv.MaxName), 32},
		{strings.Repeat("ច្រកទ្វារ ", 20), 32},
		{strings.Repeat("—", mpv.MaxName), 32},
		{"欢迎 🙂", 220},
	} {
		text := string([]rune(test.text)[:min(mpv.MaxName, len([]rune(test.text)))])
		for _, output := range []mpv.Sheet{{Width: 1920, Height: 1080}, {Width: 1080, Height: 1920}, {Width: 5000, Height: 1080}, {Width: 1440, Height: 1080}} {
			plate, err := typesetter(t).Nameplate(text, output, 0)
			if err != nil {
				t.Fatalf("%q on %v: %v", text, output, err)
			}
			found := em.FindStringSubmatch(plate)
			size, err := strconv.ParseFloat(found[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			if size /= 1.362; output.Width == 1920 && size < test.smallest-2 {
				t.Errorf("%q on %v: an em of %.0f, want %.0f", text, output, size, test.smallest)
			}
			t.Logf("%d characters on %v: an em of %.0f", len([]rune(text)), output, size)
		}
	}
}

// plateLine is a whole event as it is written here, without a brace that would be obeyed.
var plateLine = regexp.MustCompile(`^\{\\an8\\q2\\pos\([-\d.,]+\)\\frz-?\d+\\bord0\\shad0\\1a&H00&\\1c&HFFFFFF&\\fnNoto Sans\\fs[\d.]+\\b1\}` +
	`([^\\{]|\\[{}]|\\` + "\u2060" + `|\{\\fnNoto Sans( Khmer)?\})*$`)

func FuzzNameplate(f *testing.F) {
	f.Add("VĨNH XƯƠNG", 0)
	f.Add("{\\p1}m 0 0 l 9 9\\N${pause}\\", 90)
	f.Add("ច្រកទ្វារ {a", 270)
	setter := typesetter(f)
	f.Fuzz(func(t *testing.T, text string, rotate int) {
		if mpv.New(mpv.Options{}).Identify(text, time.Minute) != nil {
			return
		}
		plate, err := setter.Nameplate(mpv.OneLine(text), mpv.SheetFor(0), rotate&3*90)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for _, line := range strings.Split(plate, "\n")[1:] {
			if !plateLine.MatchString(line) {
				t.Errorf("%q becomes %q", text, line)
			}
		}
	})
}
