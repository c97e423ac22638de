package main

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"

	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"

	"bangtin/image/initrd/slate"
	"bangtin/image/layout"
)

// slateFile is the picture's name in the recipe.
const slateFile = "slate.png"

// The largest splash, in pixels: systemd's stub (257, src/boot/splash.c) shows none at all that is larger than the
// screen, and UEFI 2.10 §12.9 promises no more than this.
const (
	splashWidth  = 640
	splashHeight = 480
)

// takeSlate puts the picture where the initrd finds it, and makes the kernel image's splash from it.
func (b *build) takeSlate() error {
	file := filepath.Join(b.recipeDir, slateFile)
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	picture, err := slate.Read(f) // as the initrd does
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := copyFile(filepath.Join(b.made("initrd.d"), layout.Slate), file, 0o644); err != nil {
		return err
	}
	small, err := splash(picture)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	out, err := os.Create(b.made("splash.bmp"))
	if err != nil {
		return err
	}
	return errors.Join(bmp.Encode(out, small), out.Close())
}

// splash is what is drawn on the picture, without the black around it, as large as every firmware can show. The stub puts
// it in the middle of black.
func splash(picture image.Image) (*image.RGBA, error) {
	words := drawnOn(picture)
	if words.Empty() {
		return nil, errors.New("there is nothing but black")
	}
	// The middle of the picture stays the middle: the words do not jump when the initrd shows all of it.
	all := picture.Bounds()
	inset := image.Pt(min(words.Min.X-all.Min.X, all.Max.X-words.Max.X), min(words.Min.Y-all.Min.Y, all.Max.Y-words.Max.Y))
	drawn := image.Rectangle{Min: all.Min.Add(inset), Max: all.Max.Sub(inset)}
	w, h := splashWidth, splashWidth*drawn.Dy()/drawn.Dx()
	if h > splashHeight {
		w, h = splashHeight*drawn.Dx()/drawn.Dy(), splashHeight
	}
	small := image.NewRGBA(image.Rect(0, 0, max(w, 1), max(h, 1)))
	draw.Draw(small, small.Rect, image.NewUniform(color.Black), image.Point{}, draw.Src) // opaque: 24 bits a pixel
	draw.CatmullRom.Scale(small, small.Rect, picture, drawn, draw.Over, nil)
	return small, nil
}

// drawnOn is the smallest rectangle with all that is not black.
func drawnOn(picture image.Image) image.Rectangle {
	var drawn image.Rectangle
	b := picture.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if red, green, blue, _ := picture.At(x, y).RGBA(); red|green|blue != 0 {
				drawn = drawn.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return drawn
}
