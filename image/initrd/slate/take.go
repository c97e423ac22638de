package slate

import (
	"fmt"
	"image"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Take reads what a framebuffer shows, as a picture of its size: [Show] gives it back unaltered.
func Take(path string) (*image.RGBA, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot take the picture of %s: %w", path, err)
	}
	defer f.Close()
	s, _, at, err := geometry(f)
	if err != nil {
		return nil, fmt.Errorf("cannot take the picture of %s: %w", path, err)
	}
	all := make([]byte, s.Height*s.Stride)
	// The last line may end before its stride does.
	if n, err := f.ReadAt(all, at); err != nil && (err != io.EOF || n < len(all)-s.Stride+s.Width*s.Bits/8) {
		return nil, fmt.Errorf("cannot take the picture of %s: %w", path, err)
	}
	return s.Picture(all), nil
}

// Picture is what the screen shows when it holds these bytes, of which there are Height times Stride. The screen is one
// that Check takes.
func (s Screen) Picture(all []byte) *image.RGBA {
	picture := image.NewRGBA(image.Rect(0, 0, s.Width, s.Height))
	size := s.Bits / 8
	for y := range s.Height {
		line := all[y*s.Stride:]
		to := picture.Pix[y*picture.Stride:]
		for x := range s.Width {
			pixel := uint32(0)
			for i := range size {
				pixel |= uint32(line[x*size+i]) << (8 * i)
			}
			to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = s.Red.get(pixel), s.Green.get(pixel), s.Blue.get(pixel), 0xff
		}
	}
	return picture
}

// get is a colour of a pixel, its lowest bits filled with its highest, so that white is white.
func (c Channel) get(pixel uint32) byte {
	value := pixel >> c.Offset & (1<<c.Length - 1) << (8 - c.Length)
	for have := c.Length; have < 8; have *= 2 {
		value |= value >> have
	}
	return byte(value)
}
