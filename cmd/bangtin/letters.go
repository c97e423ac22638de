package main

import (
	"errors"
	"io/fs"

	"bangtin/media"
)

// debianFonts is where Debian's fonts-noto-core puts the fonts that displays have.
const debianFonts = "/usr/share/fonts/truetype/noto"

func (o *options) fonts() *string {
	return o.text("fonts", say("folder with the display's fonts, to check the characters of texts (%s)", debianFonts))
}

// checkLetters finds characters of texts that a display cannot draw and would refuse. Without its fonts, which only
// Debian has by itself, that stays open, and the person is told so.
func (p *Program) checkLetters(items []media.Item, dir string) error {
	texts := &media.Playlist{}
	for _, it := range items {
		if it.Text != nil {
			texts.Items = append(texts.Items, it)
		}
	}
	if len(texts.Items) == 0 {
		return nil
	}
	fonts, err := media.LoadFonts(or(dir, p.Fonts))
	if dir == "" && errors.Is(err, fs.ErrNotExist) {
		p.tell(say("The characters of texts were not checked: the display's fonts are not here. Give them with --fonts DIR."))
		return nil
	}
	if err != nil {
		return unreadable(or(dir, p.Fonts), err)
	}
	return fonts.Covers(texts)
}
