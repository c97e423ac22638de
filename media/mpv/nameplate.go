package mpv

import (
	"fmt"
	"strings"
)

// Sizes of an em of a name, in pixels where the shorter side of the output has 1080. A capital is 0.71 em high, and what
// is read at 300 times its height (a rule of DIN 1450) must be 67 mm high for 20 m: an em of 148 on a panel of 55
// inches. Names of up to about 60 characters are set so large or larger, 200 capitals at about 88, which is read from 12 m.
const (
	largestName  = 220
	smallestName = 32
	nameStep     = 4
	namePadding  = 0.3  // em, above and below
	latinStep    = 1.36 // em from baseline to baseline, where there is no Khmer: as high as Ễ and Ộ together
)

// A nameplate is a name ready for mpv's osd-overlay.
type nameplate struct {
	output Sheet  // its raster
	events string // ASS, an event a line
}

// nameplate sets text across the middle of output, as large as fits without tearing a word.
func (t *Typesetter) nameplate(text string, output Sheet, rotate int) (nameplate, error) {
	turn := newTurn(output, rotate)
	text = t.replaceUnset(text)
	units, step := t.units(text, bold), latinStep
	if strings.ContainsFunc(text, isKhmer) {
		step = lineStep
	}
	room := float64(turn.sheet.Width) * (1 - 2*margin)
	size := largestName
	if whole := int(room / widest(units)); whole >= smallestName { // else it is torn in any case
		size = min(size, whole)
	}
	for ; size >= smallestName; size -= nameStep {
		em := float64(size)
		lines := wrap(units, room/em, 1)
		plate := plate{turn, lines, em, step * em}
		if plate.height() <= float64(turn.sheet.Height)*(1-2*margin) {
			return nameplate{output, plate.events(t.fonts[latinFace][bold].box)}, nil
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

// A plate is a name broken into lines.
type plate struct {
	turn     turn
	lines    []line
	em, step float64 // pixels
}

func (p plate) height() float64 { return float64(len(p.lines))*p.step + 2*namePadding*p.em }

// events are a black band from side to side, and the lines upon it in white. box is the ASS font size of one em.
func (p plate) events(box float64) string {
	const plain = `\bord0\shad0\1a&H00&`
	width, height := float64(p.turn.sheet.Width), p.height()
	top := (float64(p.turn.sheet.Height) - height) / 2
	x, y, w, h := p.turn.rectangle(0, top, width, height)
	events := []string{fmt.Sprintf(`{\an7\pos(%.0f,%.0f)%s\1c&H000000&\p1}m 0 0 l %.0f 0 %.0f %.0f 0 %.0f{\p0}`,
		x, y, plain, w, w, h, h)}
	for i, line := range p.lines {
		x, y := p.turn.point(width/2, top+namePadding*p.em+float64(i)*p.step)
		events = append(events, fmt.Sprintf(`{\an8\q2\pos(%.1f,%.1f)\frz%d%s\1c&HFFFFFF&\fn%s\fs%.2f\b1}`,
			x, y, -p.turn.degrees, plain, fontLatin, p.em*box)+runs(line.text))
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
