package mpv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	maxFontFile = 4 << 20 // the largest of the four is 0.6 MB
	coeng       = '\u17D2'
)

// A fontFile is what line breaking needs of a TrueType font: which characters it has, and how far each moves the
// pen. (x/image/font/sfnt would tell more, but needs x/text for the names of fonts.)
type fontFile struct {
	advance map[rune]float64 // in em
	box     float64          // ascent and descent of the OS/2 table together, in em: what ASS calls the font size
}

func readFontFile(path string) (*fontFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read a font: %w", err)
	}
	if info.Size() > maxFontFile {
		return nil, fmt.Errorf("cannot read font %s: larger than %d bytes", filepath.Base(path), maxFontFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read a font: %w", err)
	}
	f, err := parseFont(data)
	if err != nil {
		return nil, fmt.Errorf("cannot read font %s: %w", filepath.Base(path), err)
	}
	return f, nil
}

var errFont = errors.New("not a TrueType font with a Unicode character map")

// parseFont follows the OpenType specification 1.9: the table directory, head, hhea, hmtx, OS/2 and cmap format 4.
func parseFont(data []byte) (f *fontFile, err error) {
	tables := fontTables(data)
	head, hhea, hmtx, os2, cmap := tables["head"], tables["hhea"], tables["hmtx"], tables["OS/2"], tables["cmap"]
	if len(head) < 54 || len(hhea) < 36 || len(os2) < 78 {
		return nil, errFont
	}
	em, metrics := float64(u16(head, 18)), int(u16(hhea, 34))
	if em == 0 || metrics == 0 || len(hmtx) < 4*metrics {
		return nil, errFont
	}
	f = &fontFile{advance: make(map[rune]float64), box: float64(u16(os2, 74)+u16(os2, 76)) / em}
	for r, glyph := range characterMap(cmap) {
		f.advance[r] = float64(u16(hmtx, 4*min(int(glyph), metrics-1))) / em
	}
	if len(f.advance) == 0 || f.box == 0 {
		return nil, errFont
	}
	return f, nil
}

func fontTables(data []byte) map[string][]byte {
	tables := make(map[string][]byte)
	if len(data) < 12 {
		return tables
	}
	for i := range int(u16(data, 4)) {
		at := 12 + 16*i
		if at+16 > len(data) {
			break
		}
		offset, length := uint64(binary.BigEndian.Uint32(data[at+8:])), uint64(binary.BigEndian.Uint32(data[at+12:]))
		if offset+length <= uint64(len(data)) {
			tables[string(data[at:at+4])] = data[offset : offset+length]
		}
	}
	return tables
}

// characterMap reads the Windows Unicode map (platform 3, encoding 1), which every font of Noto has.
func characterMap(cmap []byte) map[rune]uint16 {
	if len(cmap) < 4 {
		return nil
	}
	for i := range int(u16(cmap, 2)) {
		at := 4 + 8*i
		if at+8 > len(cmap) || u16(cmap, at) != 3 || u16(cmap, at+2) != 1 {
			continue
		}
		if offset := binary.BigEndian.Uint32(cmap[at+4:]); uint64(offset) < uint64(len(cmap)) {
			return segments(cmap[offset:])
		}
	}
	return nil
}

func segments(t []byte) map[rune]uint16 {
	if len(t) < 16 || u16(t, 0) != 4 {
		return nil
	}
	n := int(u16(t, 6)) / 2
	ends, starts, deltas, offsets := 14, 16+2*n, 16+4*n, 16+6*n
	if len(t) < offsets+2*n {
		return nil
	}
	m := make(map[rune]uint16)
	for i := range n {
		first, last := int(u16(t, starts+2*i)), int(u16(t, ends+2*i))
		delta, offset := u16(t, deltas+2*i), int(u16(t, offsets+2*i))
		for r := first; r <= last && r < 0xFFFF; r++ {
			glyph := uint16(r)
			if at := offsets + 2*i + offset + 2*(r-first); offset != 0 {
				if at+2 > len(t) {
					break
				}
				if glyph = u16(t, at); glyph == 0 {
					continue
				}
			}
			if glyph += delta; glyph != 0 {
				m[rune(r)] = glyph
			}
		}
	}
	return m
}

func u16(b []byte, at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
