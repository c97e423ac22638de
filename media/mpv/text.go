package mpv

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"bangtin/media"
)

// A Typesetter turns text items into pictures' worth of ASS, the subtitle language of libass. The same item gives
// the same bytes. It may be used from any goroutine.
type Typesetter struct {
	fonts [2][2]*face // latinFace, khmerFace; regular, bold
}

// NewTypesetter reads FontFiles from folder.
func NewTypesetter(folder string) (*Typesetter, error) {
	t := new(Typesetter)
	for i, name := range FontFiles() {
		f, err := readFace(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		t.fonts[i/2][i%2] = f
	}
	return t, nil
}

// A Sheet is the raster a card is laid out on, in pixels. What is drawn on the output is scaled from it.
type Sheet struct{ Width, Height int }

// SheetFor is a full HD sheet, upright where the display is turned by a quarter.
func SheetFor(rotate int) Sheet {
	if rotate%180 != 0 {
		return Sheet{1080, 1920}
	}
	return Sheet{1920, 1080}
}

// A Card is a text item ready for libass.
type Card struct {
	Sheet      Sheet
	ASS        []byte
	Background color.RGBA
	BodySize   int // pixels of an em of the body on the sheet
}

// Check says whether text can be shown as it is: every character has a glyph, and all of it fits. It is meant for
// the moment of approval; Set does the same.
func (t *Typesetter) Check(text media.Text) error {
	_, err := t.Set(text, SheetFor(0))
	return err
}

// The longest texts that are set, in characters: those that media.Text allows.
const (
	longestHeading = 120
	longestBody    = 1200
)

// Set lays text out on sheet, as large as fits. An error names the first character without a glyph, or says that the
// text does not fit at the smallest size that can be read.
func (t *Typesetter) Set(text media.Text, sheet Sheet) (Card, error) {
	if utf8.RuneCountInString(text.Heading) > longestHeading || utf8.RuneCountInString(text.Body) > longestBody {
		return Card{}, fmt.Errorf("cannot set a text of more than %d and %d characters", longestHeading, longestBody)
	}
	ink, err1 := parseColour(text.Foreground)
	paper, err2 := parseColour(text.Background)
	if err := errors.Join(err1, err2); err != nil {
		return Card{}, err
	}
	heading, body := clean(text.Heading), clean(text.Body)
	if strings.TrimSpace(heading+body) == "" {
		return Card{}, errors.New("cannot set an empty text")
	}
	if err := errors.Join(t.covers(heading, bold), t.covers(body, regular)); err != nil {
		return Card{}, err
	}
	for size := largestBody; size >= smallestBody; size -= 2 {
		if l := t.layOut(heading, body, sheet, size); l.fits() {
			return Card{Sheet: sheet, ASS: l.ass(ink), Background: paper, BodySize: size}, nil
		}
	}
	return Card{}, fmt.Errorf("cannot set the text: it does not fit at %d pixels", smallestBody)
}

// covers refuses characters that the pinned fonts would draw as an empty box.
func (t *Typesetter) covers(text string, weight int) error {
	for _, r := range text {
		if r == '\n' || r == '\u200B' || isJoiner(r) {
			continue
		}
		if _, ok := t.fonts[fontOf(r)][weight].advance(r); !ok {
			return fmt.Errorf("cannot set %q (%U): no pinned font has it", r, r)
		}
	}
	return nil
}

// clean keeps what is drawn. Carriage returns, other control characters and the marks that reverse the direction of
// text are left out: the three languages have no use for them, and a deceiver has.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F, r == 0xFEFF, r == 0xAD:
			return -1
		}
		return r
	}, text)
}

// parseColour reads #rrggbb.
func parseColour(s string) (color.RGBA, error) {
	digits, found := strings.CutPrefix(s, "#")
	b, err := hex.DecodeString(digits)
	if !found || err != nil || len(b) != 3 {
		return color.RGBA{}, fmt.Errorf("cannot use colour %q: must be #rrggbb", s)
	}
	return color.RGBA{b[0], b[1], b[2], 255}, nil
}

// paper is the empty background as a PNG of one colour, 3 to 6 kB.
func (c Card) paper() ([]byte, error) {
	var b bytes.Buffer
	paper := image.NewPaletted(image.Rect(0, 0, c.Sheet.Width, c.Sheet.Height), color.Palette{c.Background})
	if err := png.Encode(&b, paper); err != nil {
		return nil, fmt.Errorf("cannot make the background of a text: %w", err)
	}
	return b.Bytes(), nil
}
