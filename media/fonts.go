package media

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/image/font/sfnt"
)

// Fonts knows which characters the pinned fonts can draw. It is safe for concurrent use.
type Fonts struct {
	fonts []*sfnt.Font
}

// FontFiles are the fonts that texts are set in, by Debian's fonts-noto-core: Noto Sans for Vietnamese and English,
// Noto Sans Khmer for Khmer. The player is given these and no others, so that no text depends on what else is
// installed.
func FontFiles() []string { return []string{"NotoSans-Regular.ttf", "NotoSansKhmer-Regular.ttf"} }

// LoadFonts reads the FontFiles of a folder, which must all be there. The files are part of the system image, not
// input from outside.
func LoadFonts(dir string) (*Fonts, error) {
	f := new(Fonts)
	for _, name := range FontFiles() {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("cannot load font: %w", err)
		}
		font, err := sfnt.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("cannot load font %s: %w", name, err)
		}
		f.fonts = append(f.fonts, font)
	}
	return f, nil
}

// Covers finds the characters of the playlist's texts that no font has: they would be shown as an empty box. It
// returns nil or [Findings], one for each missing character of each item.
func (f *Fonts) Covers(p *Playlist) error {
	var found Findings
	for _, it := range p.Items {
		if it.Text == nil {
			continue
		}
		c := checker{item: it.ID, found: &found}
		f.covers(c, "text.heading", it.Text.Heading)
		f.covers(c, "text.body", it.Text.Body)
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

func (f *Fonts) covers(c checker, field, words string) {
	told := map[rune]bool{'\n': true} // a new paragraph, not a character to draw
	for _, r := range words {
		if told[r] || f.draws(r) {
			continue
		}
		told[r] = true
		c.add(field, fmt.Sprintf("contains %q (%U), which no font of the display has", r, r), "write it with other characters")
	}
}

// draws reports whether a font has a glyph for the character. A font that cannot be read there counts as one without.
func (f *Fonts) draws(r rune) bool {
	for _, font := range f.fonts {
		// Without a buffer of its own a Font may be asked by several at once; glyph 0 is the empty box.
		if glyph, err := font.GlyphIndex(nil, r); err == nil && glyph != 0 {
			return true
		}
	}
	return false
}
