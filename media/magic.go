package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
)

// Limits of a picture. 8192 is what the GPUs of small boards take as a texture; 40 million pixels are 160 MB decoded.
const (
	MaxSide   = 8192
	MaxPixels = 40_000_000
)

// checkType looks at the first bytes of a file: they must be those of the declared type. A player decides by the
// bytes how to open a file, and some formats (play lists, edit lists, concat scripts) make it open other files.
func checkType(r io.ReaderAt, f File) error {
	head := make([]byte, 4096)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	all := io.NewSectionReader(r, 0, f.Size)
	switch f.Type {
	case "image/png":
		return checkPicture(f, bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")), all, png.DecodeConfig)
	case "image/jpeg":
		return checkPicture(f, bytes.HasPrefix(head, []byte("\xff\xd8\xff")), all, jpeg.DecodeConfig)
	case "video/mp4":
		return checkMagic(f, isMP4(head))
	case "video/webm":
		return checkMagic(f, isWebM(head))
	}
	return fmt.Errorf("%w: type %.40q is not shown here", ErrWrongContent, f.Type)
}

func checkMagic(f File, ok bool) error {
	if !ok {
		return fmt.Errorf("%w: its first bytes are not those of %s", ErrWrongContent, f.Type)
	}
	return nil
}

func checkPicture(f File, magic bool, r io.Reader, config func(io.Reader) (image.Config, error)) error {
	if err := checkMagic(f, magic); err != nil {
		return err
	}
	c, err := config(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrWrongContent, err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > MaxSide || c.Height > MaxSide || c.Width*c.Height > MaxPixels {
		return fmt.Errorf("%w: picture of %d x %d, at most %d a side and %d pixels", ErrWrongContent, c.Width, c.Height, MaxSide, MaxPixels)
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
	head = head[:min(len(head), 64)]
	return bytes.HasPrefix(head, []byte(ebml)) && bytes.Contains(head, []byte(docType))
}
