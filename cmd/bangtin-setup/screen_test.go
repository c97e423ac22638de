package main_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	. "bangtin/cmd/bangtin-setup"
	"golang.org/x/image/draw"
)

// TestCodesAreDrawn draws every code on screens of every kind. BANGTIN_PICTURES names a folder to look at them in.
func TestCodesAreDrawn(t *testing.T) {
	p := Controller()
	if _, err := os.Stat(filepath.Join(p.Fonts, "NotoSans-Bold.ttf")); err != nil {
		t.Skipf("without fonts-noto-core nothing is drawn: %v", err)
	}
	slate := color.RGBA{0x40, 0x80, 0xc0, 0xff}
	for name, size := range map[string]image.Point{
		"4k": image.Pt(3840, 2160), "hd": image.Pt(1920, 1080), "vga": image.Pt(640, 480), "upright": image.Pt(1080, 1920), "strip": image.Pt(1920, 360), "tiny": image.Pt(1, 1),
	} {
		var last []byte
		for _, code := range Codes() {
			on := image.NewRGBA(image.Rectangle{Max: size})
			draw.Draw(on, on.Rect, image.NewUniform(slate), image.Point{}, draw.Src)
			if err := p.Draw(on, Say(code)); err != nil {
				t.Fatalf("%s, %s: %v", name, code, err)
			}
			if size.X > 1 && bytes.Equal(on.Pix, last) {
				t.Errorf("%s: %s is drawn as the one before it", name, code)
			}
			last = on.Pix
			if size.X > 1 && on.RGBAAt(size.X/2, 0) != slate {
				t.Errorf("%s: %s hides all of the slate", name, code)
			}
			if size.X > 1 && !white(on) {
				t.Errorf("%s: %s has no letters", name, code)
			}
			save(t, name+"-"+code, on)
		}
	}
}

func white(on *image.RGBA) bool {
	return bytes.Contains(on.Pix, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
}

func save(t *testing.T, name string, picture image.Image) {
	folder := os.Getenv("BANGTIN_PICTURES")
	if folder == "" {
		return
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
