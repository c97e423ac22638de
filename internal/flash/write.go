package flash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// chunk is how much is written and read at once, in bytes, and how much of the beginning is held back.
const chunk = 1 << 20

// ErrImage is what [Write] says where the image is not what its map says: the medium is not at fault.
var ErrImage = errors.New("the image is not the one of its block map: it was damaged or changed")

// ErrMedium is what [Write] says where the medium does not hold what was written to it.
var ErrMedium = errors.New("the medium does not hold what was written to it: it is worn out, or smaller than it says")

// A Target is a medium. Flush returns when what was written lies on it; what is read after that comes from it and
// not from memory.
type Target interface {
	io.WriterAt
	io.ReaderAt
	Flush() error
}

// Progress hears how many bytes of how many are done, after each MiB. It may be nil.
type Progress func(done, all int64)

// Write writes the image, which is read once from its beginning, and reads it back from the medium. The first MiB, which
// holds the table of the partitions, is emptied first and written last: a medium whose writing was cut off, by
// ctx, by an error or by the power, cannot be started and does not look like a disk.
func Write(ctx context.Context, to Target, image io.Reader, m *Map, writing, reading Progress) error {
	w := &writer{ctx: ctx, to: to, m: m, head: make([]byte, min(chunk, m.Size)), buffer: make([]byte, chunk)}
	if _, err := to.WriteAt(make([]byte, len(w.head)), 0); err != nil {
		return fmt.Errorf("cannot write to the medium: %w", err)
	}
	if err := to.Flush(); err != nil {
		return fmt.Errorf("cannot write to the medium: %w", err)
	}
	if err := w.body(image, writing); err != nil {
		return err
	}
	if err := w.verify(reading); err != nil {
		return err
	}
	return w.putHead()
}

type writer struct {
	ctx    context.Context
	to     Target
	m      *Map
	head   []byte // the first MiB, held back
	buffer []byte
}

// body writes what lies behind the head, and checks the whole image.
func (w *writer) body(image io.Reader, progress Progress) error {
	var at, done int64
	for _, r := range w.m.Ranges {
		if err := w.skip(image, r.Start-at); err != nil {
			return err
		}
		sum := sha256.New()
		for at = r.Start; at < r.Start+r.Bytes; {
			piece := w.buffer[:min(int64(len(w.buffer)), r.Start+r.Bytes-at)]
			if err := w.next(image, piece); err != nil {
				return err
			}
			sum.Write(piece)
			if err := w.put(piece, at); err != nil {
				return err
			}
			at, done = at+int64(len(piece)), done+int64(len(piece))
			tell(progress, done, w.m.Mapped())
		}
		if [sha256.Size]byte(sum.Sum(nil)) != r.SHA256 {
			return ErrImage
		}
	}
	// To its end: a checksum of what it was unpacked from is judged there.
	if err := w.skip(image, w.m.Size-at); err != nil {
		return err
	}
	if n, err := io.ReadFull(image, w.buffer[:1]); n > 0 || err != io.EOF {
		return errors.Join(ErrImage, err)
	}
	if err := w.to.Flush(); err != nil {
		return fmt.Errorf("cannot write to the medium: %w", err)
	}
	return nil
}

// put writes a piece, but for what of it belongs to the head.
func (w *writer) put(piece []byte, at int64) error {
	if at < int64(len(w.head)) {
		n := copy(w.head[at:], piece)
		piece, at = piece[n:], at+int64(n)
	}
	if len(piece) == 0 {
		return nil
	}
	if _, err := w.to.WriteAt(piece, at); err != nil {
		return fmt.Errorf("cannot write to the medium: %w", err)
	}
	return nil
}

func (w *writer) skip(image io.Reader, bytes int64) error {
	for bytes > 0 {
		piece := w.buffer[:min(int64(len(w.buffer)), bytes)]
		if err := w.next(image, piece); err != nil {
			return err
		}
		bytes -= int64(len(piece))
	}
	return nil
}

func (w *writer) next(image io.Reader, piece []byte) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if _, err := io.ReadFull(image, piece); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return ErrImage
		}
		return fmt.Errorf("cannot read the image: %w", err)
	}
	return nil
}

// verify reads back what lies behind the head; the head, which is not written yet, stands for itself.
func (w *writer) verify(progress Progress) error {
	var done int64
	for _, r := range w.m.Ranges {
		sum := sha256.New()
		for at := r.Start; at < r.Start+r.Bytes; {
			if err := w.ctx.Err(); err != nil {
				return err
			}
			piece := w.buffer[:min(int64(len(w.buffer)), r.Start+r.Bytes-at)]
			if held := int64(len(w.head)); at < held {
				piece = w.head[at:min(at+int64(len(piece)), held)]
			} else if _, err := w.to.ReadAt(piece, at); err != nil {
				return fmt.Errorf("cannot read back from the medium: %w", err)
			}
			sum.Write(piece)
			at, done = at+int64(len(piece)), done+int64(len(piece))
			tell(progress, done, w.m.Mapped())
		}
		if [sha256.Size]byte(sum.Sum(nil)) != r.SHA256 {
			return ErrMedium
		}
	}
	return nil
}

// putHead makes a disk of it.
func (w *writer) putHead() error {
	if _, err := w.to.WriteAt(w.head, 0); err != nil {
		return fmt.Errorf("cannot write to the medium: %w", err)
	}
	if err := w.to.Flush(); err != nil {
		return fmt.Errorf("cannot write to the medium: %w", err)
	}
	back := w.buffer[:len(w.head)]
	if _, err := w.to.ReadAt(back, 0); err != nil {
		return fmt.Errorf("cannot read back from the medium: %w", err)
	}
	if !bytes.Equal(back, w.head) {
		return ErrMedium
	}
	return nil
}

func tell(progress Progress, done, all int64) {
	if progress != nil {
		progress(done, all)
	}
}
