package main

import (
	"bytes"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/bmp"

	"bangtin/image/initrd/slate"
)

// TestSlate: the committed picture is one that the initrd takes, small, and black where the splash's surroundings are.
func TestSlate(t *testing.T) {
	f, err := os.Open(filepath.Join("../recipe", slateFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > 60_000 {
		t.Errorf("%v, %v", info.Size(), err)
	}
	picture, err := slate.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size != image.Pt(1920, 1080) {
		t.Errorf("%v", size)
	}
	drawn := drawnOn(picture)
	if !drawn.In(image.Rect(96, 54, 1920-96, 1080-54)) || drawn.Dx() < 400 || drawn.Dy() < 400 {
		t.Errorf("drawn in %v: there must be words, and none at the edge", drawn)
	}
}

func TestTakeSlate(t *testing.T) {
	b := &build{work: t.TempDir(), recipeDir: "../recipe"}
	if err := b.takeSlate(); err != nil {
		t.Fatal(err)
	}
	if read(t, b.made("initrd.d/slate.png")) != read(t, "../recipe/slate.png") {
		t.Error("the initrd has another picture")
	}
	file := []byte(read(t, b.made("splash.bmp")))
	picture, err := bmp.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	size := picture.Bounds().Size()
	if size.X > splashWidth || size.Y > splashHeight || size.X < splashWidth && size.Y < splashHeight {
		t.Errorf("the splash has %v", size)
	}
	// What the stub looks at: a size that is the file's, no compression, 24 bits.
	if n := int(file[2]) | int(file[3])<<8 | int(file[4])<<16; n != len(file) || file[28] != 24 || file[30] != 0 {
		t.Errorf("head % x of %d bytes", file[:54], len(file))
	}
}

func TestSplash(t *testing.T) {
	for _, test := range []struct {
		name  string
		drawn image.Rectangle
		want  image.Point
	}{
		{"wide", image.Rect(100, 400, 1820, 500), image.Pt(640, 640*280/1720)},
		{"high", image.Rect(900, 100, 1020, 1000), image.Pt(480*120/920, 480)},
		{"to the left: the middle stays", image.Rect(460, 400, 500, 500), image.Pt(640, 640*280/1000)},
		{"to the right", image.Rect(1420, 400, 1460, 500), image.Pt(640, 640*280/1000)},
		{"low", image.Rect(100, 580, 1820, 680), image.Pt(640, 640*280/1720)},
		{"small", image.Rect(959, 500, 961, 501), image.Pt(480*2/80, 480)},
	} {
		picture := image.NewGray(image.Rect(0, 0, 1920, 1080))
		for y := test.drawn.Min.Y; y < test.drawn.Max.Y; y++ {
			for x := test.drawn.Min.X; x < test.drawn.Max.X; x++ {
				picture.SetGray(x, y, color.Gray{Y: 200})
			}
		}
		small, err := splash(picture)
		if err != nil || small.Rect.Size() != test.want || !small.Opaque() {
			t.Errorf("%s: %v, %v; want %v", test.name, small.Rect, err, test.want)
		}
	}
	if _, err := splash(image.NewGray(image.Rect(0, 0, 8, 8))); err == nil {
		t.Error("a black picture was taken")
	}
}
