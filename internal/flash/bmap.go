// Package flash writes a disk image to a medium by its block map, and reads it back. A medium whose writing was cut off is
// no disk: its beginning is written last, when all the rest was read back.
package flash

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limits of what is believed of a block map. A map of our image has 2.7 kB and four ranges.
const (
	MaxMap    = 1 << 20 // bytes
	maxRanges = 1 << 14
	maxImage  = 1 << 40 // bytes
)

// A Map is a block map, bmap 2.0 as bmaptool makes it: which bytes of an image are something, and what they are.
type Map struct {
	Size   int64 // of the image, in bytes
	Ranges []Range
}

// A Range is one piece of an image.
type Range struct {
	Start, Bytes int64 // in bytes; Start is a multiple of the map's block
	SHA256       [sha256.Size]byte
}

// Mapped is how many bytes are written.
func (m *Map) Mapped() int64 {
	var n int64
	for _, r := range m.Ranges {
		n += r.Bytes
	}
	return n
}

// bmapFile is the map as it stands in the file.
type bmapFile struct {
	XMLName  xml.Name `xml:"bmap"`
	Version  string   `xml:"version,attr"`
	Size     string   `xml:"ImageSize"`
	Block    string   `xml:"BlockSize"`
	Mapped   string   `xml:"MappedBlocksCount"`
	Kind     string   `xml:"ChecksumType"`
	Checksum string   `xml:"BmapFileChecksum"`
	Ranges   []struct {
		SHA256 string `xml:"chksum,attr"`
		Blocks string `xml:",chardata"`
	} `xml:"BlockMap>Range"`
}

// ParseMap reads a block map: strictly, and only one whose checksum, which it carries itself, is right.
func ParseMap(data []byte) (*Map, error) {
	if len(data) > MaxMap {
		return nil, fmt.Errorf("cannot read block map: it has more than %d bytes", MaxMap)
	}
	var f bmapFile
	if err := xml.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("cannot read block map: %w", err)
	}
	m, err := f.check(data)
	if err != nil {
		return nil, fmt.Errorf("cannot read block map: %w", err)
	}
	return m, nil
}

func (f *bmapFile) check(data []byte) (*Map, error) {
	if f.Version != "2.0" || strings.TrimSpace(f.Kind) != "sha256" {
		return nil, fmt.Errorf("version %q with checksums %q is not understood: 2.0 with sha256 is", f.Version, strings.TrimSpace(f.Kind))
	}
	sum := strings.TrimSpace(f.Checksum)
	zeros := strings.Repeat("0", 2*sha256.Size)
	if len(sum) != len(zeros) || digest(bytes.ReplaceAll(data, []byte(sum), []byte(zeros))) != sum {
		return nil, errors.New("its checksum is wrong: it was damaged")
	}
	size, err := number(f.Size, maxImage)
	if err != nil {
		return nil, fmt.Errorf("ImageSize: %w", err)
	}
	block, err := number(f.Block, 1<<20)
	if err != nil || block < 512 || block&(block-1) != 0 {
		return nil, errors.New("BlockSize is no power of two from 512 to 1048576")
	}
	if len(f.Ranges) == 0 || len(f.Ranges) > maxRanges {
		return nil, fmt.Errorf("it has %d ranges: 1 to %d are understood", len(f.Ranges), maxRanges)
	}
	m := &Map{Size: size}
	var end int64
	for _, line := range f.Ranges {
		r, err := readRange(line.Blocks, line.SHA256, block, size)
		if err != nil {
			return nil, err
		}
		if r.Start < end {
			return nil, fmt.Errorf("range %q begins before the end of the one before", strings.TrimSpace(line.Blocks))
		}
		end = r.Start + r.Bytes
		m.Ranges = append(m.Ranges, r)
	}
	mapped, err := number(f.Mapped, maxImage)
	if err != nil || mapped != (m.Mapped()+block-1)/block {
		return nil, errors.New("MappedBlocksCount is not the sum of the ranges")
	}
	return m, nil
}

// readRange reads "first-last" or "only". The last block of an image may be a part of one.
func readRange(blocks, sum string, block, size int64) (Range, error) {
	words := strings.TrimSpace(blocks)
	from, to, several := strings.Cut(words, "-")
	if !several {
		to = from
	}
	first, errFirst := number(from, size/block)
	last, errLast := number(to, size/block)
	if errors.Join(errFirst, errLast) != nil || last < first || first*block >= size {
		return Range{}, fmt.Errorf("%q is no range of the image's blocks", words)
	}
	r := Range{Start: first * block, Bytes: min((last+1)*block, size) - first*block}
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) != sha256.Size {
		return Range{}, fmt.Errorf("range %s has no SHA-256", words)
	}
	copy(r.SHA256[:], raw)
	return r, nil
}

func number(text string, most int64) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%q is no number from 0 to %d", strings.TrimSpace(text), most)
	}
	return n, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
