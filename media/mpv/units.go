package mpv

import (
	"strings"
	"unicode"
)

// coeng sets the Khmer consonant after it below the one before it.
const coeng = '\u17D2'

// A breakKind says how well a line may end before a unit.
type breakKind int

const (
	forced breakKind = iota // only where nothing else fits: inside a word or number, before a full stop
	poor                    // between Khmer syllables, before what may be the final consonant of the one before
	fair                    // between Khmer syllables
	good                    // after a space, a zero-width space or a hyphen
)

// A unit is what a line break never tears: a letter with its marks, a Khmer consonant with all that stands under,
// over and around it.
type unit struct {
	text   string
	width  float64 // in em
	before breakKind
	space  bool // not drawn at the end of a line
}

// khmerExtra is the width, in em, of Khmer characters whose shaped form is not as wide as the glyph of the bare
// character. Measured with HarfBuzz on both weights of Noto Sans Khmer 20201225, the larger one, rounded up.
func khmerExtra(r rune) (float64, bool) {
	switch r {
	case 'ើ':
		return 0.32, true
	case 'ឿ', 'ៀ', 'ោ', 'ៅ':
		return 0.62, true
	}
	return 0, false
}

// subscriptWidth is the same for a consonant below another (after coeng): most stand wholly below, these reach up
// beside it.
func subscriptWidth(r rune) float64 {
	if strings.ContainsRune("ឃឈឍបយរឞសឡ", r) {
		return 0.32
	}
	return 0
}

// isKhmer reports whether r is set in the Khmer font.
func isKhmer(r rune) bool { return r >= 0x1780 && r <= 0x17FF || r >= 0x19E0 && r <= 0x19FF }

func isKhmerBase(r rune) bool { return r >= 0x1780 && r <= 0x17B3 }

func isKhmerDigit(r rune) bool { return r >= 0x17E0 && r <= 0x17E9 }

// isJoiner is for what is drawn as nothing but decides how its neighbours are.
func isJoiner(r rune) bool { return r == '\u200C' || r == '\u200D' || r == '\u2060' }

// extends reports whether r belongs to the unit before it.
func extends(r rune) bool {
	return isJoiner(r) || unicode.Is(unicode.M, r) // every dependent vowel and sign of Khmer is a mark
}

// units takes a paragraph apart. weight is regular or bold.
func (t *Typesetter) units(paragraph string, weight int) []unit {
	var all []unit
	runes := []rune(paragraph)
	for i := 0; i < len(runes); {
		end := i + 1
		for end < len(runes) && (extends(runes[end]) || runes[end-1] == coeng && isKhmerBase(runes[end])) {
			end++
		}
		u := unit{text: string(runes[i:end]), width: t.width(runes[i:end], weight)}
		u.space = runes[i] == ' ' || runes[i] == '\u200B'
		if i > 0 {
			u.before = breakBefore(runes[:i], runes[i:end], all[len(all)-1].space)
		}
		all = append(all, u)
		i = end
	}
	return all
}

func breakBefore(before, cluster []rune, afterSpace bool) breakKind {
	last, first := before[len(before)-1], cluster[0]
	switch {
	case first == ' ' || first == '\u200B' || first == '\u00A0' || last == '\u00A0':
		return forced // a space goes with the line it ends
	case afterSpace || (last == '-' || last == '–' || last == '/') && unicode.IsLetter(first):
		return good
	case strings.ContainsRune("។៕៖ៗ៘៙៚៛៝.,:;!?)]}»”’…%", first), strings.ContainsRune("([{«“‘", last):
		return forced
	case isKhmerBase(first) && khmerBefore(before):
		if bare(cluster) {
			return poor
		}
		return fair
	case isKhmerDigit(first) && khmerBefore(before) && !isKhmerDigit(last), isKhmerBase(first) && isKhmerDigit(last):
		return fair
	}
	return forced
}

// khmerBefore reports whether a Khmer letter or sign stands before the break.
func khmerBefore(before []rune) bool {
	last := before[len(before)-1]
	return isKhmer(last) || isJoiner(last)
}

// bare is a consonant without a vowel or subscript, or one shortened by bantoc: likely the end of a syllable.
func bare(cluster []rune) bool {
	return len(cluster) == 1 || strings.ContainsRune(string(cluster), '\u17CB')
}

// width is at least what the shaped text takes.
func (t *Typesetter) width(runes []rune, weight int) float64 {
	sum := 0.0
	for i, r := range runes {
		if i > 0 && runes[i-1] == coeng {
			sum += subscriptWidth(r)
			continue
		}
		if extra, ok := khmerExtra(r); ok {
			sum += extra
			continue
		}
		advance, _ := t.fonts[fontOf(r)][weight].advance(r) // covers has seen to it
		sum += advance
	}
	return sum
}

// fontOf is latinFace or khmerFace.
func fontOf(r rune) int {
	if isKhmer(r) {
		return khmerFace
	}
	return latinFace
}
