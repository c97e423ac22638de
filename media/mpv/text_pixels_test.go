package mpv_test

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

func TestTextsLookAsTheyDid(t *testing.T) {
	for language, sign := range signs() {
		t.Run(string(language), func(t *testing.T) {
			s := newScreen(t, 1280, 720)
			p := start(t, mpv.Options{Video: mpv.VideoWindow, Environ: s.environ()})
			p.Show(programme(text("sign", language, sign, 3600)))
			await(t, p, "the text", 10*time.Second, plays("sign"))
			time.Sleep(time.Second)
			got := s.grab(t)
			save(t, "/tmp/mx/pic-"+string(language)+".png", got)
			_ = media.Khmer
		})
	}
}

func save(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
