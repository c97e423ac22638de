package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Errors of a Store that a caller can do something about.
var (
	// ErrWrongContent: the bytes are not what the File says. Getting them again from elsewhere may help.
	ErrWrongContent = errors.New("content is not what was approved")
	// ErrStoreFull: there is no room for the file. It works again once Collect has made room.
	ErrStoreFull = errors.New("no room in the content store")
	// ErrReadOnly: the file system takes no more writes, which is how flash ends. What is there can still be shown.
	ErrReadOnly = errors.New("the content store is read-only")
	// ErrBusy: somebody else is writing the part of this file.
	ErrBusy = errors.New("another writer has it")
)

// StoreOptions says where content is kept and how much of it.
type StoreOptions struct {
	Dir     string // made where it is missing; belongs to the store alone
	Total   int64  // bytes all files together may take
	Reserve int64  // bytes that stay free on the file system, for the journal and for an update

	// Free tells the bytes free on the file system of a folder; nil asks the kernel.
	Free func(dir string) (int64, error)
	// Fault is called with a label before each step that a power cut may interrupt: "content.write", "content.part",
	// "content.sync", "content.rename", "content.dirsync" and "content.done". Tests kill the process there. It may be nil.
	Fault func(label string)
}

// A Store keeps content in one folder, each file under its SHA-256. A file is there whole or not at all. Its methods
// may be called from several goroutines.
type Store struct {
	opts StoreOptions

	placing sync.Mutex // held while a part file is given its name

	mu       sync.Mutex       // guards the two below, never while a file is written
	verified map[string]seal  // by SHA-256
	incoming map[string]claim // by path of a part file being written
}

// A claim is the room that a part file may take, and what it had of that when it was opened.
type claim struct{ size, held int64 }

// A seal remembers that a file was hashed in this run of the process, and how to see that it was touched since.
type seal struct {
	file File
	is   identity
}

// partSuffix marks files that are not whole yet. After a SHA-256 alone it is a Part, which is resumed; with anything
// between it is a temporary file of Put.
const partSuffix = ".part"

// OpenStore opens the folder and removes what an interrupted Put left there. On a read-only file system it opens what
// is there; only Put and Resume fail then.
func OpenStore(o StoreOptions) (*Store, error) {
	if o.Free == nil {
		o.Free = freeBytes
	}
	if o.Fault == nil {
		o.Fault = func(string) {}
	}
	dir, err := filepath.Abs(o.Dir) // the player has another working folder
	if err != nil {
		return nil, fmt.Errorf("cannot open content store: %w", err)
	}
	o.Dir = dir
	if err := makeDir(o.Dir); err != nil && !errors.Is(err, syscall.EROFS) {
		return nil, fmt.Errorf("cannot open content store: %w", err)
	}
	parts, err := filepath.Glob(filepath.Join(o.Dir, "*"+partSuffix))
	if err != nil {
		return nil, fmt.Errorf("cannot open content store: %w", err)
	}
	for _, p := range parts {
		if hexSHA256.MatchString(strings.TrimSuffix(filepath.Base(p), partSuffix)) {
			continue
		}
		// One that stays takes room, which Free sees, and nothing else: nobody looks at it.
		_ = os.Remove(p)
	}
	return &Store{opts: o, verified: make(map[string]seal), incoming: make(map[string]claim)}, nil
}

// makeDir makes the folder, which itself must outlive a power cut, not only what is in it.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// Put reads the file from r and keeps it, once its length, hash and type are those of want. It returns when the
// file is safe from a power cut, or at once and without reading where the store has it already. It blocks as long
// as r does; ctx is looked at between reads. Errors wrap ErrWrongContent, ErrStoreFull or ErrReadOnly where it is that.
func (s *Store) Put(ctx context.Context, r io.Reader, want File) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot store content %.12s: %w", want.SHA256, explain(err))
		}
	}()
	if err := want.plausible(); err != nil {
		return err
	}
	if _, ok := s.Ready(want); ok {
		return nil
	}
	part, err := s.create(want)
	if err != nil {
		return err
	}
	defer func() {
		// After the rename there is nothing left to remove.
		if gone := os.Remove(part.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		s.forget(part.Name())
	}()
	err = s.fill(ctx, part, r, want)
	if closed := part.Close(); err != nil || closed != nil {
		return errors.Join(err, closed)
	}
	return s.settle(part.Name(), want)
}

// plausible keeps what is no hash away from the folder.
func (f File) plausible() error {
	if !hexSHA256.MatchString(f.SHA256) || f.Size < 1 || f.Size > MaxVideo {
		return fmt.Errorf("%w: no such hash or size", ErrWrongContent)
	}
	return nil
}

// explain gives the errors of the disk that a caller can do something about their name in this package.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", ErrStoreFull, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}

// create makes the part file after claiming the room it may grow to.
func (s *Store) create(want File) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := claim{size: want.Size}
	if err := s.room(c); err != nil {
		return nil, err
	}
	part, err := os.CreateTemp(s.opts.Dir, want.SHA256+".*"+partSuffix)
	if err != nil {
		return nil, err
	}
	s.incoming[part.Name()] = c
	return part, nil
}

func (s *Store) forget(part string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.incoming, part)
}

// room fails where a claim is too much, and makes the folder where it is missing. Files being written count in full
// on both scores, which errs on the safe side. The caller holds mu.
func (s *Store) room(c claim) error {
	if _, err := os.Lstat(s.opts.Dir); errors.Is(err, fs.ErrNotExist) { // it was read-only at the start
		if err := makeDir(s.opts.Dir); err != nil {
			return err
		}
	}
	var coming, growing int64
	for _, other := range s.incoming {
		coming += other.size
		growing += other.size - other.held
	}
	used, err := s.used()
	if err != nil {
		return err
	}
	more := c.size - c.held // what it had is among the used
	if used+coming+more > s.opts.Total {
		return fmt.Errorf("%w: %d of %d bytes are in use, %d are needed", ErrStoreFull, used+coming, s.opts.Total, more)
	}
	free, err := s.opts.Free(s.opts.Dir)
	if err != nil {
		return err
	}
	if free-growing-more < s.opts.Reserve {
		return fmt.Errorf("%w: %d bytes are free, %d stay so, %d are needed", ErrStoreFull, free-growing, s.opts.Reserve, more)
	}
	return nil
}

// used sums what is there, whole or in part, but for the files being written. The caller holds mu.
func (s *Store) used() (sum int64, err error) {
	err = s.each(func(path string, info fs.FileInfo) error {
		if _, open := s.incoming[path]; !open {
			sum += info.Size()
		}
		return nil
	})
	return sum, err
}

// each visits the plain files of the folder.
func (s *Store) each(visit func(path string, info fs.FileInfo) error) error {
	entries, err := os.ReadDir(s.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it could not be made
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // collected meanwhile
		}
		if err != nil {
			return err
		}
		if err := visit(filepath.Join(s.opts.Dir, e.Name()), info); err != nil {
			return err
		}
	}
	return nil
}

// fill copies r into the part file and finishes it.
func (s *Store) fill(ctx context.Context, part *os.File, r io.Reader, want File) error {
	s.opts.Fault("content.write")
	sum := sha256.New()
	// One byte more than announced is enough to know that there is too much.
	n, err := io.Copy(io.MultiWriter(part, sum), io.LimitReader(contextReader{ctx, r}, want.Size+1))
	if err != nil {
		return err
	}
	return s.finish(part, n, sum, want)
}

// finish checks a part file of n bytes with the given hash, and makes it durable under its temporary name.
func (s *Store) finish(part *os.File, n int64, sum hash.Hash, want File) error {
	if n != want.Size {
		return fmt.Errorf("%w: %s has other than %d bytes", ErrWrongContent, part.Name(), want.Size)
	}
	if hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return fmt.Errorf("%w: its hash differs", ErrWrongContent)
	}
	if err := CheckType(part, want); err != nil {
		return err
	}
	if err := part.Chmod(0o444); err != nil {
		return err
	}
	s.opts.Fault("content.sync")
	return part.Sync()
}

// settle gives a checked part file its name.
func (s *Store) settle(part string, want File) error {
	s.placing.Lock()
	defer s.placing.Unlock()
	// Somebody else may have brought the same file meanwhile. Replacing it would unseal it for a moment.
	if _, ok := s.Ready(want); ok {
		return nil
	}
	path := s.path(want)
	s.opts.Fault("content.rename")
	if err := os.Rename(part, path); err != nil {
		return err
	}
	s.opts.Fault("content.dirsync")
	if err := syncDir(s.opts.Dir); err != nil {
		return err
	}
	s.opts.Fault("content.done")
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified[want.SHA256] = seal{want, identify(info)}
	if rest := path + partSuffix; part != rest { // somebody else was fetching it, and need not go on
		if _, open := s.incoming[rest]; !open {
			_ = os.Remove(rest) // or Collect does it
		}
	}
	return nil
}

func (s *Store) path(f File) string { return filepath.Join(s.opts.Dir, f.SHA256) }

// A contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
