package mpv

import (
	"fmt"
	"image/color"
	"strings"
)

// Sizes of an em in pixels on a full HD sheet. A capital letter of the smallest is 23 pixels high, 2 % of the
// screen, which reads at about ten times the screen's height.
const (
	largestBody  = 76
	smallestBody = 32
	headingScale = 1.4
	margin       = 0.06 // of the sheet's width on both sides: the safe area of consumer panels is 3.5 to 5 %
	lineStep     = 1.52 // em from baseline to baseline: Khmer has two storeys below the line
	paragraphGap = 0.55 // em
	centredLines = 6    // a body with more lines than this is set flush left
)

// A placed line is drawn with its top at y.
type placed struct {
	text    string
	y       float64
	size    float64 // em
	bold    bool
	centred bool
}

type layout struct {
	sheet  Sheet
	box    float64 // ASS font size of one em
	lines  []placed
	rule   float64 // y of the line below the heading; 0 for none
	bottom float64 // end of what is drawn
}

// layOut sets heading and body with a body of size pixels, the whole centred upon the sheet from top to bottom.
func (t *Typesetter) layOut(heading, body string, sheet Sheet, size int) layout {
	l := layout{sheet: sheet, box: t.fonts[latinFace][regular].box}
	em := float64(size)
	y := l.margin()
	if heading != "" {
		head := em * headingScale
		for _, line := range wrap(t.units(strings.ReplaceAll(heading, "\n", " "), bold), l.room()/head, 1) {
			l.lines = append(l.lines, placed{line.text, y, head, true, true})
			y += head * lineStep
		}
		if body != "" {
			l.rule = y + 0.35*em
			y += 0.9 * em
		}
	}
	l.addBody(t, body, y, em)
	l.centre()
	return l
}

// addBody sets the paragraphs from y down: centred where they are few lines, else flush left.
func (l *layout) addBody(t *Typesetter, body string, y, em float64) {
	l.bottom = y
	if body == "" {
		return
	}
	paragraphs := strings.Split(strings.TrimRight(body, "\n"), "\n")
	broken := t.breakAll(paragraphs, l.room()/em, 1)
	centred := total(broken) <= centredLines
	if !centred {
		broken = t.breakAll(paragraphs, l.room()/em, 0)
	}
	for _, lines := range broken {
		for _, line := range lines {
			l.lines = append(l.lines, placed{line.text, y, em, false, centred})
			y += em * lineStep
		}
		l.bottom = y
		y += em * paragraphGap
	}
}

func (t *Typesetter) breakAll(paragraphs []string, room, tail float64) [][]line {
	broken := make([][]line, len(paragraphs))
	for i, paragraph := range paragraphs {
		broken[i] = wrap(t.units(paragraph, regular), room, tail)
	}
	return broken
}

func total(broken [][]line) int {
	n := 0
	for _, lines := range broken {
		n += len(lines)
	}
	return n
}

// centre moves everything down by half of the room that is left.
func (l *layout) centre() {
	down := (float64(l.sheet.Height) - l.margin() - l.bottom) / 2
	if down <= 0 {
		return
	}
	for i := range l.lines {
		l.lines[i].y += down
	}
	if l.rule > 0 {
		l.rule += down
	}
}

func (l *layout) margin() float64 { return margin * float64(min(l.sheet.Width, l.sheet.Height)) }

func (l *layout) room() float64 { return float64(l.sheet.Width) * (1 - 2*margin) }

func (l *layout) fits() bool { return l.bottom <= float64(l.sheet.Height)-l.margin() }

// ass writes the card in the Advanced SubStation Alpha language. Every line stands at its own place and none is
// wrapped by libass (WrapStyle 2), because its breaking depends on how it was built: Debian 12's knows spaces only,
// Debian 13's has libunibreak, and neither knows Khmer.
func (l *layout) ass(ink color.RGBA) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `[Script Info]
ScriptType: v4.00+
PlayResX: %d
PlayResY: %d
WrapStyle: 2
ScaledBorderAndShadow: yes
YCbCr Matrix: None

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Sign,%s,40,&H00%02X%02X%02X,&H00000000,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,0,0,8,0,0,0,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
`, l.sheet.Width, l.sheet.Height, fontLatin, ink.B, ink.G, ink.R)
	if l.rule > 0 {
		width, thick := l.room()*0.3, max(3, l.lines[0].size*0.06)
		event(&b, fmt.Sprintf(`{\an7\pos(%.0f,%.0f)\p1}m 0 0 l %.0f 0 %.0f %.0f 0 %.0f{\p0}`,
			(float64(l.sheet.Width)-width)/2, l.rule, width, width, thick, thick))
	}
	for _, line := range l.lines {
		if line.text != "" {
			event(&b, l.tags(line)+runs(line.text))
		}
	}
	return []byte(b.String())
}

func (l *layout) tags(p placed) string {
	align, x, weight := 7, float64(l.sheet.Width)*margin, 0
	if p.centred {
		align, x = 8, float64(l.sheet.Width)/2
	}
	if p.bold {
		weight = 1
	}
	return fmt.Sprintf(`{\an%d\pos(%.1f,%.1f)\fs%.2f\b%d}`, align, x, p.y, p.size*l.box, weight)
}

// event shows text for ten hours, longer than any item.
func event(b *strings.Builder, text string) {
	fmt.Fprintf(b, "Dialogue: 0,0:00:00.00,9:59:59.00,Sign,,0,0,0,,%s\n", text)
}

// runs names the font of each stretch of text, so that no fallback is left to chance, and escapes it.
func runs(text string) string {
	var b strings.Builder
	current := latinFace
	for _, r := range text {
		face := fontOf(r)
		if r == ' ' || r == '\u200B' || isJoiner(r) {
			face = current // both fonts have them; a change would cut the shaping
		}
		if face != current {
			b.WriteString([]string{`{\fn` + fontLatin + `}`, `{\fn` + fontKhmer + `}`}[face])
			current = face
		}
		b.WriteString(escape(r))
	}
	return b.String()
}

// escape makes r mean itself: a brace would open an override block, and a backslash, here kept from what follows by
// a word joiner, an escape.
func escape(r rune) string {
	switch r {
	case '{', '}':
		return `\` + string(r)
	case '\\':
		return "\\\u2060"
	case '\n', '\r':
		return " " // lines are broken before; a newline here would end the event and begin another
	}
	return string(r)
}
