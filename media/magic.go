package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // decoders for CheckPicture
	_ "image/png"
	"io"
	"slices"
	"strings"
)

// Limits of a picture. 8192 is what the GPUs of small boards take as a texture; 40 million pixels are 160 MB decoded.
const (
	MaxSide   = 8192
	MaxPixels = 40_000_000
)

// HeadSize is how many bytes of a file TypeOf looks at.
const HeadSize = 64

// TypeOf tells the type of a file by its first HeadSize bytes: image/png, image/jpeg, video/mp4 or video/webm, and
// empty for all that is not shown. Names lie, and a player decides by the bytes how to open a file: some formats
// (play lists, edit lists, concat scripts) make it open other files.
func TypeOf(head []byte) string {
	head = head[:min(len(head), HeadSize)]
	switch {
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case isMP4(head):
		return "video/mp4"
	case isWebM(head):
		return "video/webm"
	}
	return ""
}

// CheckPicture reads the head of a PNG or JPEG and refuses one that is damaged there or has too many pixels.
func CheckPicture(r io.Reader) error {
	c, _, err := image.DecodeConfig(r)
	if err != nil {
		return err
	}
	if c.Width < 1 || c.Height < 1 || c.Width > MaxSide || c.Height > MaxSide || c.Width*c.Height > MaxPixels {
		return fmt.Errorf("picture of %d x %d, at most %d a side and %d pixels", c.Width, c.Height, MaxSide, MaxPixels)
	}
	return nil
}

// CheckType holds the bytes of a file, as far as its size says, against its declared type. It is the one rule of what
// can be shown: a store asks it of what it takes, the department's tool of what is signed. What is wrong with the file
// wraps ErrWrongContent.
func CheckType(r io.ReaderAt, f File) error {
	head := make([]byte, HeadSize)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if t := TypeOf(head[:n]); t == "" || t != f.Type {
		return fmt.Errorf("%w: its first bytes are not those of %.40q, or that is not shown", ErrWrongContent, f.Type)
	}
	if !strings.HasPrefix(f.Type, "image/") {
		return nil
	}
	if err := CheckPicture(io.NewSectionReader(r, 0, f.Size)); err != nil {
		return fmt.Errorf("%w: %w", ErrWrongContent, err)
	}
	return nil
}

// isMP4 wants a file type box (ISO/IEC 14496-12, 4.3) with the brand of a plain film. QuickTime is left out: its
// data references may name other files.
func isMP4(head []byte) bool {
	if len(head) < 16 || string(head[4:8]) != "ftyp" || binary.BigEndian.Uint32(head) < 16 {
		return false
	}
	brands := []string{"isom", "iso2", "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "mp41", "mp42", "avc1", "M4V ", "dash"}
	return slices.Contains(brands, string(head[8:12]))
}

// isWebM wants an EBML header (RFC 8794, 11.2.4) whose DocType, element 4282 of four bytes, is webm. Matroska at
// large is left out: its chapters may name other files.
func isWebM(head []byte) bool {
	const ebml, docType = "\x1a\x45\xdf\xa3", "\x42\x82\x84webm"
	return bytes.HasPrefix(head, []byte(ebml)) && bytes.Contains(head, []byte(docType))
}
