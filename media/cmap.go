package media

import (
	"encoding/binary"
	"errors"
	"slices"
)

// The character map of a TrueType font, by the OpenType specification 1.9, chapter "cmap". Only the two subtable
// formats in use for Unicode are read, and only whether a character has a glyph is asked, which is far less than
// a font library does: golang.org/x/image/font/sfnt would bring in golang.org/x/text.

var errCmap = errors.New("its character map is damaged or of an unknown kind")

// addCmap adds the characters that have a glyph in the font.
func addCmap(drawn map[rune]bool, font []byte) error {
	cmap, err := fontTable(font, "cmap")
	if err != nil {
		return err
	}
	records, err := cut(cmap, 4, 8*int(u16(cmap, 2)))
	if err != nil {
		return err
	}
	read := false
	for rec := range slices.Chunk(records, 8) {
		platform, encoding := u16(rec, 0), u16(rec, 2)
		if platform != 0 && (platform != 3 || encoding != 1 && encoding != 10) {
			continue // not Unicode
		}
		sub, err := cut(cmap, int(binary.BigEndian.Uint32(rec[4:])), -1)
		if err != nil {
			return err
		}
		switch u16(sub, 0) {
		case 4:
			err = addFormat4(drawn, sub)
		case 12:
			err = addFormat12(drawn, sub)
		default:
			continue
		}
		if err != nil {
			return err
		}
		read = true
	}
	if !read {
		return errCmap
	}
	return nil
}

func fontTable(font []byte, tag string) ([]byte, error) {
	records, err := cut(font, 12, 16*int(u16(font, 4)))
	if err != nil {
		return nil, err
	}
	for rec := range slices.Chunk(records, 16) {
		if string(rec[:4]) == tag {
			offset, length := binary.BigEndian.Uint32(rec[8:]), binary.BigEndian.Uint32(rec[12:])
			return cut(font, int(offset), int(length))
		}
	}
	return nil, errCmap
}

// addFormat4 reads segments of the first 65536 characters: four parallel arrays of end, start, delta and offset.
func addFormat4(drawn map[rune]bool, sub []byte) error {
	n := int(u16(sub, 6)) // twice the number of segments
	ends, err1 := cut(sub, 14, n)
	starts, err2 := cut(sub, 16+n, n)
	deltas, err3 := cut(sub, 16+2*n, n)
	offsets, err4 := cut(sub, 16+3*n, -1) // the glyph numbers follow, and are reached from here
	if err := errors.Join(err1, err2, err3, err4); err != nil || len(offsets) < n || n%2 != 0 {
		return errCmap
	}
	for i := 0; i < n; i += 2 {
		first, last, offset := int(u16(starts, i)), int(u16(ends, i)), int(u16(offsets, i))
		for c := first; c <= last && c < 0xffff; c++ {
			glyph := uint16(c)
			if offset != 0 {
				glyph = u16(offsets, i+offset+2*(c-first))
			}
			if (offset == 0 || glyph != 0) && glyph+u16(deltas, i) != 0 {
				drawn[rune(c)] = true
			}
		}
	}
	return nil
}

// addFormat12 reads groups of first character, last character and first glyph.
func addFormat12(drawn map[rune]bool, sub []byte) error {
	if len(sub) < 16 {
		return errCmap
	}
	groups, err := cut(sub, 16, 12*int(binary.BigEndian.Uint32(sub[12:])))
	if err != nil {
		return err
	}
	for g := range slices.Chunk(groups, 12) {
		first, last := binary.BigEndian.Uint32(g), binary.BigEndian.Uint32(g[4:])
		glyph := binary.BigEndian.Uint32(g[8:])
		if last > 0x10ffff {
			return errCmap
		}
		for c := first; c <= last; c++ {
			if glyph+c-first != 0 {
				drawn[rune(c)] = true
			}
		}
	}
	return nil
}

// cut is b[from:from+n], or the rest of b where n is -1.
func cut(b []byte, from, n int) ([]byte, error) {
	if from < 0 || n < -1 || from > len(b) || n > len(b)-from {
		return nil, errCmap
	}
	if n == -1 {
		return b[from:], nil
	}
	return b[from : from+n], nil
}

// u16 reads two bytes, 0 beyond the end.
func u16(b []byte, at int) uint16 {
	if at < 0 || at+2 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint16(b[at:])
}
