package mpv

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// A face is what line breaking needs of a font: which characters it has, and how far each moves the pen. It may be
// used from any goroutine: sfnt allows that where it is given no buffer.
type face struct {
	font *sfnt.Font
	unit fixed.Int26_6 // as a size, it makes sfnt answer in the units of the font, unrounded
	box  float64       // ascent and descent together, in em: what ASS calls the font size
}

// readFace reads a font file, which is part of the system image and no input from outside.
func readFace(path string) (*face, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read a font: %w", err)
	}
	parsed, err := sfnt.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot read font %s: %w", filepath.Base(path), err)
	}
	f := &face{font: parsed, unit: fixed.Int26_6(parsed.UnitsPerEm())}
	metrics, err := parsed.Metrics(nil, f.unit, font.HintingNone)
	if err != nil {
		return nil, fmt.Errorf("cannot read font %s: %w", filepath.Base(path), err)
	}
	f.box = f.em(metrics.Ascent + metrics.Descent)
	return f, nil
}

// advance is how far r moves the pen, in em; false where the font does not have it.
func (f *face) advance(r rune) (float64, bool) {
	glyph, err := f.font.GlyphIndex(nil, r)
	if err != nil || glyph == 0 { // glyph 0 is the empty box
		return 0, false
	}
	advance, err := f.font.GlyphAdvance(nil, glyph, f.unit, font.HintingNone)
	if err != nil {
		return 0, false
	}
	return f.em(advance), true
}

func (f *face) em(x fixed.Int26_6) float64 { return float64(x) / float64(f.unit) }
