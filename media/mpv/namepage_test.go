package mpv_test

import (
	"bytes"
	"image"
	"image/png"
	"path/filepath"
	"testing"

	"bangtin/media/mpv"
)

// The name of a gate is a picture as large as the output's, and two gates' are two pictures.
func TestNamePage(t *testing.T) {
	page := func(name string) image.Image {
		t.Helper()
		raw, err := mpv.NamePage(t.Context(), mpv.Options{Runtime: filepath.Join(t.TempDir(), "player"), Mode: "auto", Video: mpv.VideoNull}, name)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if size := picture.Bounds().Size(); size != image.Pt(1920, 1080) {
			t.Fatalf("%v", size)
		}
		return picture
	}
	one, other := page("Cửa khẩu quốc tế Tịnh Biên"), page("Cửa khẩu quốc tế Vĩnh Xương")
	differ := 0
	for y := range 1080 {
		for x := range 1920 {
			if one.At(x, y) != other.At(x, y) {
				differ++
			}
		}
	}
	if differ < 1000 {
		t.Errorf("%d pixels differ between two gates", differ)
	}
}

func TestNamePageWithoutFonts(t *testing.T) {
	if _, err := mpv.NamePage(t.Context(), mpv.Options{Runtime: filepath.Join(t.TempDir(), "player"), Fonts: t.TempDir(), Mode: "auto", Video: mpv.VideoNull}, "Tịnh Biên"); err == nil {
		t.Error("a name was drawn without fonts")
	}
}
