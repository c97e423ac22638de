// Package slate puts a picture on a display before anything else can, by the kernel's framebuffer (/dev/fb0).
//
// The framebuffer rather than the card's own mode setting, as [bangtin/hal/drm] has it: what is drawn there stays when
// the program that drew it is gone, so nothing has to outlive the initrd; the firmware's own picture has one (efifb)
// before any driver of a card is there; and it comes back by itself whenever the player lets go of the card.
package slate

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"

	"golang.org/x/image/draw"
)

// maxSide bounds picture and screen, in pixels: 4K. At 4 bytes each the largest has 64 MiB.
const maxSide = 4096

// Read reads a PNG of at most 4096 by 4096 pixels.
func Read(r io.ReadSeeker) (image.Image, error) {
	config, err := png.DecodeConfig(r)
	if err != nil {
		return nil, fmt.Errorf("cannot read the slate: %w", err)
	}
	if config.Width > maxSide || config.Height > maxSide {
		return nil, fmt.Errorf("cannot take a slate of %d by %d pixels", config.Width, config.Height)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("cannot read the slate: %w", err)
	}
	picture, err := png.Decode(r)
	if err != nil {
		return nil, fmt.Errorf("cannot read the slate: %w", err)
	}
	return picture, nil
}

// A Channel is where in a pixel a colour is, in bits from the lowest.
type Channel struct{ Offset, Length uint32 }

// A Screen is how a framebuffer is laid out. A pixel is a little-endian number.
type Screen struct {
	Width, Height    int // pixels
	Stride           int // bytes from a line to the next
	Bits             int // of a pixel: 16, 24 or 32
	Red, Green, Blue Channel
}

// Check refuses a screen that cannot be drawn on: one with a palette, and one that is no screen.
func (s Screen) Check() error {
	if s.Width < 1 || s.Height < 1 || s.Width > maxSide || s.Height > maxSide {
		return fmt.Errorf("cannot draw on %d by %d pixels", s.Width, s.Height)
	}
	if s.Bits != 16 && s.Bits != 24 && s.Bits != 32 {
		return fmt.Errorf("cannot draw pixels of %d bits", s.Bits)
	}
	if s.Stride < s.Width*s.Bits/8 || s.Stride > 2*4*maxSide {
		return fmt.Errorf("cannot draw lines of %d bytes with %d pixels of %d bits", s.Stride, s.Width, s.Bits)
	}
	for _, c := range []Channel{s.Red, s.Green, s.Blue} {
		if c.Length < 1 || c.Length > 8 || c.Offset > uint32(s.Bits)-c.Length {
			return errors.New("cannot draw colours that are not within a pixel, in 1 to 8 bits each")
		}
	}
	return nil
}

// Bytes is what the screen holds to show a picture as large as it goes without being cut or bent, in the middle of
// black. The screen is one that Check takes.
func (s Screen) Bytes(picture image.Image) []byte {
	fitted := image.NewRGBA(image.Rect(0, 0, s.Width, s.Height))
	draw.Draw(fitted, fitted.Rect, image.NewUniform(color.Black), image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(fitted, fit(picture.Bounds().Size(), fitted.Rect.Size()), picture, picture.Bounds(), draw.Over, nil)
	all := make([]byte, s.Height*s.Stride)
	for y := range s.Height {
		s.line(all[y*s.Stride:], fitted.Pix[y*fitted.Stride:][:4*s.Width])
	}
	return all
}

// fit is where in a screen a picture goes.
func fit(picture, screen image.Point) image.Rectangle {
	w, h := screen.X, screen.X*picture.Y/max(picture.X, 1)
	if h > screen.Y {
		w, h = screen.Y*picture.X/max(picture.Y, 1), screen.Y
	}
	at := image.Pt((screen.X-w)/2, (screen.Y-h)/2)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(w, h))}
}

// line writes a line of red, green, blue and alpha as the screen has its pixels.
func (s Screen) line(to, rgba []byte) {
	size := s.Bits / 8
	for x := range s.Width {
		from := rgba[4*x:]
		pixel := s.Red.put(from[0]) | s.Green.put(from[1]) | s.Blue.put(from[2])
		for i := range size {
			to[x*size+i] = byte(pixel >> (8 * i))
		}
	}
}

func (c Channel) put(value byte) uint32 { return uint32(value) >> (8 - c.Length) << c.Offset }
