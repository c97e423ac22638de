package mpv_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
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
		await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool { return o.State == media.PlayerSlate })
		p.Show(programme(text("sign-"+string(language), language, signs()[language], 3600)))
		await(t, p, "the text", 30*time.Second, plays("sign-"+string(language)))
		got := s.awaitPicture(t, "the paper of the text", 30*time.Second, func(img image.Image) bool { return like(img, 5, 5, 0x0b, 0x3d, 0x91) })
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

// TestNoOtherFontIsReached asks libass for a font that the machine has and the player must not have.
func TestNoOtherFontIsReached(t *testing.T) {
	t.Parallel()
	runtime := filepath.Join(t.TempDir(), "player")
	p := start(t, mpv.Options{Runtime: runtime})
	await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool { return o.State == media.PlayerSlate })
	dir := t.TempDir()
	ass := filepath.Join(dir, "other.ass")
	card := strings.ReplaceAll(string(set(t, sign("", "Serif?")).ASS), "Noto Sans", "DejaVu Serif")
	if err := os.WriteFile(ass, []byte(card), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary(), "--no-config", "-v", "--load-scripts=no", "--sub-files="+ass, "--sid=1", "--ao=null",
		"--frames=1", "--vo=image", "--vo-image-outdir="+dir, sample("red.png"))
	cmd.Env = append(os.Environ(), "FONTCONFIG_FILE="+filepath.Join(runtime, "fonts.conf"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("mpv: %v: %s", err, out)
	}
	chosen := regexp.MustCompile(`fontselect: .*DejaVu Serif.*`).FindString(string(out))
	if !strings.Contains(chosen, filepath.Join(runtime, "fonts", "NotoSans")) {
		t.Errorf("libass chose %q", chosen)
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
	draw.ApproxBiLinear.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
	return small
}

// differ is the share of pixels that differ visibly, by more than a quarter of the scale.
func differ(a, b image.Image) float64 {
	if a.Bounds().Size() != b.Bounds().Size() {
		return 1
	}
	n, left, right := 0, grey(a), grey(b)
	for i := range left {
		if d := int(left[i]) - int(right[i]); d > 64 || d < -64 {
			n++
		}
	}
	return float64(n) / float64(len(left))
}

// grey is the picture's luminance, row by row.
func grey(img image.Image) []uint8 {
	g := image.NewGray(img.Bounds())
	draw.Draw(g, g.Bounds(), img, img.Bounds().Min, draw.Src)
	return g.Pix
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

// emptyMargin reports whether the outer 5 % of the picture is paper alone.
func emptyMargin(img image.Image) bool {
	size, pixels := img.Bounds().Size(), grey(img)
	mx, my := size.X/20, size.Y/20
	for i, luminance := range pixels {
		x, y := i%size.X, i/size.X
		if inside := x >= mx && x < size.X-mx && y >= my && y < size.Y-my; !inside && luminance > 90 {
			return false
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
