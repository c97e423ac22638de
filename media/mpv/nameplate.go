package mpv

import (
	"fmt"
	"strings"
)

// Sizes of an em of a name, in pixels where the shorter side of the output has 1080. A capital is 0.71 em high and is
// read at 300 times its height (DIN 1450): for 20 m it must be 67 mm high, an em of 148 on a panel of 55 inches.
const (
	largestName  = 220
	smallestName = 32
	nameStep     = 4
	namePadding  = 0.3 // em, above and below
)

// A nameplate is a name ready for mpv's osd-overlay.
type nameplate struct {
	output Sheet  // its raster
	events string // ASS, an event a line
}

// nameplate sets text across the middle of output, as large as fits without tearing a word.
func (t *Typesetter) nameplate(text string, output Sheet, rotate int) (nameplate, error) {
	turn := newTurn(output, rotate)
	units := t.units(t.replaceUnset(text), bold)
	room := float64(turn.sheet.Width) * (1 - 2*margin)
	size := largestName
	if whole := int(room / widest(units)); whole >= smallestName { // else it is torn in any case
		size = min(size, whole)
	}
	for ; size >= smallestName; size -= nameStep {
		em := float64(size)
		lines := wrap(units, room/em, 1)
		height := (float64(len(lines))*lineStep + 2*namePadding) * em
		if height <= float64(turn.sheet.Height)*(1-2*margin) {
			return nameplate{output, t.plateEvents(lines, em, height, turn)}, nil
		}
	}
	return nameplate{}, fmt.Errorf("cannot show the name: it does not fit at %d pixels", smallestName)
}

// widest is the width, in em, of the widest stretch that should not be torn.
func widest(units []unit) float64 {
	most, word := 0.0, 0.0
	for _, u := range units {
		if u.before != forced {
			word = 0
		}
		if !u.space {
			word += u.width
		}
		most = max(most, word)
	}
	return most
}

// replaceUnset writes a question mark for what the pinned fonts would draw as an empty box.
func (t *Typesetter) replaceUnset(text string) string {
	return strings.Map(func(r rune) rune {
		if t.covers(string(r), bold) != nil {
			return '?'
		}
		return r
	}, text)
}

// plateEvents is a black band from side to side, and the lines upon it in white.
func (t *Typesetter) plateEvents(lines []line, em, height float64, turn turn) string {
	const plain = `\bord0\shad0\1a&H00&`
	top := (float64(turn.sheet.Height) - height) / 2
	x, y, w, h := turn.rectangle(0, top, float64(turn.sheet.Width), height)
	events := []string{fmt.Sprintf(`{\an7\pos(%.0f,%.0f)%s\1c&H000000&\p1}m 0 0 l %.0f 0 %.0f %.0f 0 %.0f{\p0}`,
		x, y, plain, w, w, h, h)}
	for i, line := range lines {
		x, y := turn.point(float64(turn.sheet.Width)/2, top+(namePadding+float64(i)*lineStep)*em)
		events = append(events, fmt.Sprintf(`{\an8\q2\pos(%.1f,%.1f)\frz%d%s\1c&HFFFFFF&\fn%s\fs%.2f\b1}`,
			x, y, -turn.degrees, plain, fontLatin, em*t.fonts[latinFace][bold].box)+runs(line.text))
	}
	return strings.Join(events, "\n")
}

// A turn lays an upright sheet upon the output. mpv turns the picture, but not what is over it.
type turn struct {
	sheet   Sheet
	degrees int // clockwise
}

func newTurn(output Sheet, degrees int) turn {
	if degrees%180 != 0 {
		return turn{Sheet{output.Height, output.Width}, degrees}
	}
	return turn{output, degrees}
}

// point is where a point of the sheet is on the output.
func (t turn) point(x, y float64) (float64, float64) {
	w, h := float64(t.sheet.Width), float64(t.sheet.Height)
	switch t.degrees {
	case 90:
		return h - y, x
	case 180:
		return w - x, h - y
	case 270:
		return y, w - x
	}
	return x, y
}

// rectangle is where a rectangle of the sheet is on the output.
func (t turn) rectangle(x, y, w, h float64) (left, top, width, height float64) {
	x1, y1 := t.point(x, y)
	x2, y2 := t.point(x+w, y+h)
	return min(x1, x2), min(y1, y2), max(x1, x2) - min(x1, x2), max(y1, y2) - min(y1, y2)
}
