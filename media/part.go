package media

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// syncEvery is how many bytes of a part a power cut may cost: small beside what a link brings in a minute, large
// beside the block in which flash is erased.
const syncEvery = 4 << 20

// A Part is a file of content on its way into a Store. What was written of it outlives the process, but for the last
// 4 MiB in a power cut, and is found again by Resume. One goroutine uses it.
type Part struct {
	store  *Store
	want   File
	file   *os.File
	size   int64
	dirty  int64 // bytes written since the last fsync
	listed bool  // its name is safe in the folder
	closed bool
}

// Resume opens the part of a file, or begins one. It claims the room for the whole file. There is one writer: the
// error wraps ErrBusy while somebody else has it, and ErrStoreFull or ErrReadOnly where it is that.
func (s *Store) Resume(want File) (*Part, error) {
	p, err := s.resume(want)
	if err != nil {
		return nil, fmt.Errorf("cannot resume content %.12s: %w", want.SHA256, explain(err))
	}
	return p, nil
}

func (s *Store) resume(want File) (*Part, error) {
	if err := want.plausible(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := s.path(want) + partSuffix
	if _, open := s.incoming[path]; open {
		return nil, ErrBusy
	}
	held, err := found(path, want)
	if err != nil {
		return nil, err
	}
	c := claim{size: want.Size, held: held}
	if err := s.room(c); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	s.incoming[path] = c
	return &Part{store: s, want: want, file: file, size: held}, nil
}

// found tells how much of a part is there, and removes what cannot be one.
func found(path string, want File) (size int64, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() || info.Size() > want.Size {
		return 0, os.Remove(path)
	}
	if info.Mode().Perm() != 0o600 { // it was finished, and the power cut before it got its name
		err = os.Chmod(path, 0o600)
	}
	return info.Size(), err
}

// Size is how many bytes are there, from the first. It never shrinks.
func (p *Part) Size() int64 { return p.size }

// ReadAt implements io.ReaderAt.
func (p *Part) ReadAt(b []byte, off int64) (int, error) { return p.file.ReadAt(b, off) }

// WriteAt writes over what is there or goes on behind it, and never leaves a hole nor exceeds the file's size. What
// goes on is made durable every 4 MiB. Errors wrap ErrStoreFull or ErrReadOnly where it is that.
func (p *Part) WriteAt(b []byte, off int64) (n int, err error) {
	if off < 0 || off > p.size || off+int64(len(b)) > p.want.Size {
		return 0, fmt.Errorf("cannot write %d bytes at %d of a part of %d: outside of it", len(b), off, p.size)
	}
	if p.dirty == 0 {
		p.store.opts.Fault("content.write")
	}
	n, err = p.file.WriteAt(b, off)
	p.size = max(p.size, off+int64(n))
	p.dirty += int64(n)
	if err == nil && p.dirty >= syncEvery {
		err = p.sync()
	}
	return n, explain(err)
}

func (p *Part) sync() error {
	p.store.opts.Fault("content.part")
	if err := p.file.Sync(); err != nil {
		return err
	}
	p.dirty = 0
	if p.listed {
		return nil
	}
	p.listed = true
	return syncDir(p.store.opts.Dir)
}

// Finish checks length, hash and type, and gives the part its name: it is Ready then. It blocks as long as reading
// the whole part takes. Where the error wraps ErrWrongContent the part stays open and may be mended; any other error
// leaves it for a later Resume.
func (p *Part) Finish(ctx context.Context) error {
	if err := p.finish(ctx); err != nil {
		return fmt.Errorf("cannot store content %.12s: %w", p.want.SHA256, explain(err))
	}
	return nil
}

func (p *Part) finish(ctx context.Context) error {
	sum := sha256.New()
	n, err := io.Copy(sum, contextReader{ctx, io.NewSectionReader(p.file, 0, p.want.Size)})
	if err != nil {
		return err
	}
	if err := p.store.finish(p.file, n, sum, p.want); err != nil {
		return err
	}
	p.closed = true
	defer p.store.forget(p.file.Name())
	if err := p.file.Close(); err != nil {
		return err
	}
	if err := p.store.settle(p.file.Name(), p.want); err != nil {
		return err
	}
	// Where somebody else was faster it is still there.
	if err := os.Remove(p.file.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Close leaves what is there for a later Resume, durable. It does nothing after Finish or Drop.
func (p *Part) Close() error {
	if p.closed {
		return nil
	}
	if p.size == 0 {
		return p.Drop()
	}
	p.closed = true
	defer p.store.forget(p.file.Name())
	var err error
	if p.dirty > 0 {
		err = p.sync()
	}
	if err := errors.Join(err, p.file.Close()); err != nil {
		return fmt.Errorf("cannot keep part of content %.12s: %w", p.want.SHA256, explain(err))
	}
	return nil
}

// Drop removes what is there. It does nothing after Finish or Close.
func (p *Part) Drop() error {
	if p.closed {
		return nil
	}
	p.closed = true
	defer p.store.forget(p.file.Name())
	if err := errors.Join(p.file.Close(), os.Remove(p.file.Name())); err != nil {
		return fmt.Errorf("cannot drop part of content %.12s: %w", p.want.SHA256, explain(err))
	}
	return nil
}
