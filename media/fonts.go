package media

import (
	"fmt"
	"os"
	"path/filepath"
)

// Fonts knows which characters the pinned fonts can draw. It is safe for concurrent use.
type Fonts struct {
	drawn map[rune]bool
}

// FontFiles are the fonts that texts are set in, by Debian's fonts-noto-core: Noto Sans for Vietnamese and English,
// Noto Sans Khmer for Khmer. The player is given these and no others, so that no text depends on what else is
// installed.
func FontFiles() []string { return []string{"NotoSans-Regular.ttf", "NotoSansKhmer-Regular.ttf"} }

// LoadFonts reads the FontFiles of a folder, which must all be there. The files are part of the system image, not
// input from outside.
func LoadFonts(dir string) (*Fonts, error) {
	f := &Fonts{drawn: make(map[rune]bool)}
	for _, name := range FontFiles() {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("cannot load font: %w", err)
		}
		if err := addCmap(f.drawn, raw); err != nil {
			return nil, fmt.Errorf("cannot load font %s: %w", name, err)
		}
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
		if f.drawn[r] || told[r] {
			continue
		}
		told[r] = true
		c.add(field, fmt.Sprintf("contains %q (%U), which no font of the display has", r, r), "write it with other characters")
	}
}
