package mpv_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

// TestWithoutFontsAllButTheTextsIsShown: a font that is missing may cost the texts, never the display.
func TestWithoutFontsAllButTheTextsIsShown(t *testing.T) {
	t.Parallel()
	fonts := filepath.Join(t.TempDir(), "fonts")
	p := start(t, mpv.Options{Fonts: fonts})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 1), text("sign", media.English, sign("", "Hello"), 1)))
	await(t, p, "the reason", 30*time.Second, func(o media.Playing) bool {
		return o.Item == "red" && strings.Contains(o.Detail, "sign is skipped: cannot read a font")
	})
	if err := os.Symlink(fontFolder, fonts); err != nil {
		t.Fatal(err)
	}
	await(t, p, "the text, once there are fonts", 30*time.Second, plays("sign"))
}

func TestARuntimeFolderThatCannotBeMadeIsTriedAgain(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), "run")
	if err := os.WriteFile(parent, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, mpv.Options{Runtime: filepath.Join(parent, "player")})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	await(t, p, "the reason", 30*time.Second, func(o media.Playing) bool {
		return o.State == media.PlayerDown && strings.Contains(o.Detail, "cannot make the player's folder")
	})
	if err := os.Remove(parent); err != nil {
		t.Fatal(err)
	}
	await(t, p, "the picture", 30*time.Second, plays("red"))
}

// TestARuntimeFolderThatTakesNoFileCostsTheTexts: as on a full disk. The slate needs no file either.
func TestARuntimeFolderThatTakesNoFileCostsTheTexts(t *testing.T) {
	t.Parallel()
	runtime := t.TempDir()
	if err := os.Mkdir(filepath.Join(runtime, "fonts.conf.part"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(runtime, "slate.png.part"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := start(t, mpv.Options{Runtime: runtime})
	await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool { return o.State == media.PlayerSlate })
	p.Show(programme(picture("red", sample("red.png"), "image/png", 1), text("sign", media.English, sign("", "Hello"), 1)))
	await(t, p, "the reason", 30*time.Second, func(o media.Playing) bool {
		return o.Item == "red" && strings.Contains(o.Detail, "sign is skipped: cannot write fonts.conf")
	})
}

func TestASlateThatIsNoPictureIsReplaced(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(sample("slate.png"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"empty": nil, "cut": whole[:40]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slate := filepath.Join(t.TempDir(), "slate.png")
			if err := os.WriteFile(slate, content, 0o600); err != nil {
				t.Fatal(err)
			}
			s := newScreen(t, 640, 360)
			p := start(t, mpv.Options{Slate: slate, Video: mpv.VideoWindow, Environ: s.environ()})
			s.awaitPicture(t, "the plain slate", 30*time.Second, near(0x0B, 0x2A, 0x4A))
			await(t, p, "the reason", 30*time.Second, func(o media.Playing) bool {
				return o.State == media.PlayerSlate && strings.Contains(o.Detail, "the slate is replaced")
			})
		})
	}
}

func TestATextCardThatVanishedIsDrawnAgain(t *testing.T) {
	t.Parallel()
	runtime := t.TempDir()
	p := start(t, mpv.Options{Runtime: runtime})
	p.Show(programme(text("sign", media.English, sign("", "Hello"), 1), picture("red", sample("red.png"), "image/png", 1)))
	await(t, p, "the text", 30*time.Second, plays("sign"))
	drawn := func() []string {
		cards, err := filepath.Glob(filepath.Join(runtime, "cards", "*.png"))
		if err != nil {
			t.Fatal(err)
		}
		return cards
	}
	for _, card := range drawn() {
		if err := os.Remove(card); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); len(drawn()) == 0; {
		if time.Now().After(deadline) {
			t.Fatalf("the text is never drawn again: %+v", p.Playing())
		}
		<-p.Wake()
	}
}
