package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// label checks one line of words for people: present, not too long, only characters that a reader can see.
func (c checker) label(field, words string, limit int) {
	if strings.TrimSpace(words) == "" {
		c.add(field, "is missing", "fill it in")
	}
	c.line(field, words, limit)
}

func (c checker) line(field, words string, limit int) {
	if strings.Contains(words, "\n") {
		c.add(field, "has a line end", "keep it on one line")
	}
	c.words(field, words, limit)
}

func (c checker) words(field, words string, limit int) {
	if n := utf8.RuneCountInString(words); n > limit {
		c.add(field, fmt.Sprintf("has %d characters", n), fmt.Sprintf("keep it to %d", limit))
	}
	// Every Vietnamese letter exists in one piece. Approving one spelling and showing another must not be possible by
	// spelling it in two, and two spellings would have two hashes.
	if !norm.NFC.IsNormalString(words) {
		c.add(field, "has a letter in several pieces", "write each letter in one piece (Unicode NFC)")
	}
	for _, r := range words {
		if problem, remedy := badRune(r); problem != "" {
			c.add(field, fmt.Sprintf("contains %U, %s", r, problem), remedy)
			return // one is enough; the rest is likely of the same kind
		}
	}
}

// badRune tells what is wrong with a character, if anything. Line ends are judged elsewhere.
func badRune(r rune) (problem, remedy string) {
	switch {
	case r == '\n', invisible(r):
		return "", ""
	case r == utf8.RuneError:
		return "which stands for a damaged character", "type the character again"
	case unicode.Is(unicode.Bidi_Control, r):
		return "which can reverse the order of what is read", "take it out"
	case !unicode.IsGraphic(r):
		return "which cannot be seen", "take it out"
	}
	return "", ""
}

// invisible reports the space without width and the two joiners, which Khmer is written with.
func invisible(r rune) bool { return r >= '\u200b' && r <= '\u200d' }

var colour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// MinContrast between the letters and the ground of a text, by WCAG 2.1, success criterion 1.4.3 (level AA).
const MinContrast = 4.5

func (it *Item) checkText(c checker) {
	if it.File != nil {
		c.add("file", "stands on a text item", "take it out, or change the kind")
	}
	if it.Text == nil {
		c.add("text", "is missing", "give heading, body, foreground and background")
		return
	}
	if it.Language == Wordless {
		c.add("language", "is zxx on a text", "name the language it is written in")
	}
	t := it.Text
	if strings.TrimSpace(t.Heading+t.Body) == "" {
		c.add("text.body", "is empty, and so is the heading", "write something")
	}
	c.line("text.heading", t.Heading, 120)
	c.words("text.body", t.Body, 1200)
	t.checkColours(c)
}

func (t *Text) checkColours(c checker) {
	before := len(*c.found)
	if !colour.MatchString(t.Foreground) {
		c.add("text.foreground", fmt.Sprintf("is %.20q", t.Foreground), "use #rrggbb in lower case")
	}
	if !colour.MatchString(t.Background) {
		c.add("text.background", fmt.Sprintf("is %.20q", t.Background), "use #rrggbb in lower case")
	}
	if len(*c.found) > before {
		return
	}
	if ratio := contrast(t.Foreground, t.Background); ratio < MinContrast {
		c.add("text.foreground", fmt.Sprintf("has a contrast of %.2f:1 with the background", ratio),
			"choose colours further apart, at least 4.5:1")
	}
}

// contrast is the ratio of WCAG 2.1 ("contrast ratio"), 1 to 21. Both colours are valid.
func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is WCAG 2.1's "relative luminance" of an sRGB colour, 0 to 1.
func luminance(c string) float64 {
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(c[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return 0 // the pattern of colour excludes it
		}
		s := float64(v) / 255
		if s <= 0.03928 {
			s /= 12.92
		} else {
			s = math.Pow((s+0.055)/1.055, 2.4)
		}
		sum += weight * s
	}
	return sum
}

// SHA256 is the hash of the text's canonical JSON (RFC 8785: keys sorted, no spaces, no needless escapes) in
// lower-case hex. It is what proof of play names for a text.
func (t *Text) SHA256() string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// A map is written with its keys sorted. Strings cannot fail to encode, and the characters that Go escapes
	// and RFC 8785 does not (U+2028, U+2029, U+007F) are refused by Validate.
	_ = enc.Encode(map[string]string{
		"heading": t.Heading, "body": t.Body, "foreground": t.Foreground, "background": t.Background,
	})
	sum := sha256.Sum256(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return hex.EncodeToString(sum[:])
}
