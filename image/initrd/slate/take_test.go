package slate_test

import (
	"bytes"
	"image/color"
	"math/rand/v2"
	"testing"

	"bangtin/image/initrd/slate"
)

// TestPictureIsWhatBytesAre: what is taken off a screen and shown there again changes nothing of what can be seen.
func TestPictureIsWhatBytesAre(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for name, s := range map[string]slate.Screen{"32 bits": xrgb(7, 5), "16 bits, and lines that are longer": rgb565(7, 5)} {
		all := make([]byte, s.Height*s.Stride)
		for y := range s.Height {
			_, _ = random.Read(all[y*s.Stride:][:s.Width*s.Bits/8])
			for x := 3; s.Bits == 32 && x < s.Stride; x += 4 {
				all[y*s.Stride+x] = 0 // no colour
			}
		}
		if got := s.Bytes(s.Picture(all)); !bytes.Equal(got, all) {
			t.Errorf("%s: %x became %x", name, all, got)
		}
	}
	white := rgb565(1, 1)
	if got := white.Picture([]byte{0xff, 0xff, 0, 0, 0, 0, 0, 0}).At(0, 0); got != (color.RGBA{0xff, 0xff, 0xff, 0xff}) {
		t.Errorf("white is %v", got)
	}
}
