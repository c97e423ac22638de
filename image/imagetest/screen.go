package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"os"
)

// readPPM reads QEMU's screendump: "P6", width, height, 255, and three bytes a pixel.
func readPPM(r io.Reader) (*image.RGBA, error) {
	in := bufio.NewReader(r)
	var w, h, top int
	if _, err := fmt.Fscanf(in, "P6\n%d %d\n%d\n", &w, &h, &top); err != nil {
		return nil, fmt.Errorf("cannot read the screen: %w", err)
	}
	if w < 1 || h < 1 || w > 8192 || h > 8192 || top != 255 {
		return nil, fmt.Errorf("cannot read the screen: %d x %d, %d", w, h, top)
	}
	row, out := make([]byte, 3*w), image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		if _, err := io.ReadFull(in, row); err != nil {
			return nil, fmt.Errorf("cannot read the screen: %w", err)
		}
		to := out.Pix[y*out.Stride:]
		for x := range w {
			to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = row[3*x], row[3*x+1], row[3*x+2], 255
		}
	}
	return out, nil
}

// A tile of so many pixels squared is compared as a whole, and the next one begins at half of it, so that a mark is
// never shared out among tiles; its mean difference, of 255, may be that large. What is rendered by the same programs is
// equal to the bit; the tolerance is for a font's or renderer's next edition, whose edges may be smoothed otherwise. The
// smallest mark of our pages, a dot below a letter, is about 6 pixels squared: of any such there are 5 by 5 in one tile,
// which is more than twice the tolerance.
const (
	tile      = 8
	tolerance = 32
)

// errOther is wrapped where a picture is another one.
var errOther = errors.New("it is another picture")

// same compares what is seen with what should be.
func same(seen, want *image.RGBA) error {
	if seen.Bounds() != want.Bounds() {
		return fmt.Errorf("%w: %v instead of %v", errOther, seen.Bounds().Size(), want.Bounds().Size())
	}
	b, wrong, tiles, first := seen.Bounds(), 0, 0, image.Point{}
	for y := b.Min.Y; y < b.Max.Y; y += tile / 2 {
		for x := b.Min.X; x < b.Max.X; x += tile / 2 {
			tiles++
			if difference(seen, want, image.Rect(x, y, x+tile, y+tile).Intersect(b)) > tolerance {
				if wrong == 0 {
					first = image.Pt(x, y)
				}
				wrong++
			}
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%w: %d of %d tiles differ, the first at %v", errOther, wrong, tiles, first)
	}
	return nil
}

// difference is the mean of what the colours of an area differ by.
func difference(a, b *image.RGBA, area image.Rectangle) int {
	sum := 0
	for y := area.Min.Y; y < area.Max.Y; y++ {
		p, q := a.Pix[a.PixOffset(area.Min.X, y):][:4*area.Dx()], b.Pix[b.PixOffset(area.Min.X, y):][:4*area.Dx()]
		if bytes.Equal(p, q) {
			continue // as almost everywhere
		}
		for x := 0; x < 4*area.Dx(); x += 4 {
			sum += max(apart(p[x], q[x]), apart(p[x+1], q[x+1]), apart(p[x+2], q[x+2]))
		}
	}
	return sum / (area.Dx() * area.Dy())
}

func apart(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

// blank tells a screen of one colour.
func blank(p *image.RGBA) bool {
	b := p.Bounds()
	first := p.RGBAAt(b.Min.X, b.Min.Y)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if p.RGBAAt(x, y) != first {
				return false
			}
		}
	}
	return true
}

func writePNG(path string, picture image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(f, picture), f.Close())
}

func readPNG(path string) (*image.RGBA, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	out := image.NewRGBA(picture.Bounds())
	draw.Draw(out, out.Bounds(), picture, picture.Bounds().Min, draw.Src)
	return out, nil
}
