package mpv_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/image/draw"

	"bangtin/media"
	"bangtin/media/mpv"
)

// The pictures of the documentation are the golden ones. They were looked at by eye, the Khmer one beside a rendering
// of the same words by Pango. BANGTIN_UPDATE_PICTURES=1 makes them anew; look at them again then.
func golden(language media.Language) string {
	return filepath.Join("..", "..", "docs", "pictures", "text-"+string(language)+".png")
}

func TestTextsOnTheScreenLookAsTheyDid(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 1280, 720)
	p := start(t, mpv.Options{Video: mpv.VideoWindow, Environ: s.environ()})
	for _, language := range []media.Language{media.Vietnamese, media.English, media.Khmer} {
		p.ShowSlate()
		await(t, p, "the slate", 10*time.Second, func(o media.Playing) bool { return o.State == media.PlayerSlate })
		p.Show(programme(text("sign-"+string(language), language, signs()[language], 3600)))
		await(t, p, "the text", 10*time.Second, plays("sign-"+string(language)))
		got := s.awaitPicture(t, "the paper of the text", 5*time.Second, func(img image.Image) bool { return like(img, 5, 5, 0x0b, 0x3d, 0x91) })
		if os.Getenv("BANGTIN_UPDATE_PICTURES") != "" {
			savePicture(t, golden(language), fewColours(got))
		}
		if share := differ(got, loadPicture(t, golden(language))); share > 0.01 {
			t.Errorf("%s: %.2f %% of the pixels differ from %s", language, 100*share, golden(language))
		}
		if !emptyMargin(got) {
			t.Errorf("%s: something is drawn in the outer 5 %% of the screen", language)
		}
	}
}

// TestKhmerIsShaped proves by pixels that libass joins and reorders Khmer: mpv falls back to simple shaping without a
// word where it was built without HarfBuzz.
func TestKhmerIsShaped(t *testing.T) {
	t.Parallel()
	want := loadPicture(t, golden(media.Khmer))
	shaped := differ(halve(drawWith(t, "complex")), want)
	simple := differ(halve(drawWith(t, "simple")), want)
	t.Logf("pixels unlike the golden picture: shaped %.2f %%, simple %.2f %%", 100*shaped, 100*simple)
	if shaped > 0.01 || simple < 0.03 {
		t.Errorf("shaped %.2f %%, want at most 1 %%; simple %.2f %%, want at least 3 %%", 100*shaped, 100*simple)
	}
}

// drawWith draws the Khmer sign with a mpv told how to shape.
func drawWith(t *testing.T, shaper string) image.Image {
	t.Helper()
	card, err := typesetter(t).Set(signs()[media.Khmer], mpv.SheetFor(0))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ass, paper := filepath.Join(dir, "km.ass"), filepath.Join(dir, "paper.png")
	if err := os.WriteFile(ass, card.ASS, 0o600); err != nil {
		t.Fatal(err)
	}
	blank := image.NewRGBA(image.Rect(0, 0, card.Sheet.Width, card.Sheet.Height))
	draw.Draw(blank, blank.Bounds(), image.NewUniform(card.Background), image.Point{}, draw.Src)
	savePicture(t, paper, blank)
	cmd := exec.Command(binary(), "--no-config", "--load-scripts=no", "--sub-files="+ass, "--sid=1", "--sub-ass-shaper="+shaper,
		"--ao=null", "--frames=1", "--vo=image", "--vo-image-format=png", "--vo-image-outdir="+dir, paper)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mpv: %v: %s", err, out)
	}
	return loadPicture(t, filepath.Join(dir, "00000001.png"))
}

func halve(img image.Image) image.Image {
	small := image.NewRGBA(image.Rect(0, 0, 1280, 720))
	draw.CatmullRom.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
	return small
}

// differ is the share of pixels that differ visibly, by more than a quarter of the scale.
func differ(a, b image.Image) float64 {
	if a.Bounds().Size() != b.Bounds().Size() {
		return 1
	}
	n := 0
	size := a.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			if luminance(a, x, y)-luminance(b, x, y) > 64 || luminance(b, x, y)-luminance(a, x, y) > 64 {
				n++
			}
		}
	}
	return float64(n) / float64(size.X*size.Y)
}

func luminance(img image.Image, x, y int) int {
	return int(color.GrayModel.Convert(img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y)).(color.Gray).Y)
}

// fewColours keeps 64 steps from the paper of the signs to white, for a small file.
func fewColours(img image.Image) image.Image {
	palette := make(color.Palette, 64)
	for i := range palette {
		step := func(from int) uint8 { return uint8(from + (255-from)*i/63) }
		palette[i] = color.RGBA{step(0x0b), step(0x3d), step(0x91), 255}
	}
	few := image.NewPaletted(img.Bounds(), palette)
	draw.Draw(few, few.Bounds(), img, img.Bounds().Min, draw.Src)
	return few
}

func emptyMargin(img image.Image) bool {
	size := img.Bounds().Size()
	mx, my := size.X/20, size.Y/20
	for y := range size.Y {
		for x := range size.X {
			if inside := x >= mx && x < size.X-mx && y >= my && y < size.Y-my; !inside && luminance(img, x, y) > 90 {
				return false
			}
		}
	}
	return true
}

func loadPicture(t *testing.T, path string) image.Image {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return img
}

func savePicture(t *testing.T, path string, img image.Image) {
	t.Helper()
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
