package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Ready returns the path of a file that was verified in this run of the process and has not been touched since. It
// never reads the file and costs one system call, so it may be asked every second.
func (s *Store) Ready(f File) (path string, ok bool) {
	s.mu.Lock()
	known, ok := s.verified[f.SHA256]
	s.mu.Unlock()
	if !ok || known.file != f {
		return "", false
	}
	info, err := os.Lstat(s.path(f))
	if err != nil || !info.Mode().IsRegular() || identify(info) != known.is {
		return "", false
	}
	return s.path(f), true
}

// Verified returns the path of a file, after hashing it unless it is Ready; it blocks as long as reading the whole
// file takes. The error wraps fs.ErrNotExist where the store does not have the file, and ErrWrongContent where it
// is damaged; a damaged file stays until Put replaces it, and is never Ready.
func (s *Store) Verified(ctx context.Context, f File) (string, error) {
	if path, ok := s.Ready(f); ok {
		return path, nil
	}
	is, err := s.hash(ctx, f)
	if err != nil {
		return "", fmt.Errorf("cannot use content %.12s: %w", f.SHA256, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified[f.SHA256] = seal{f, is}
	return s.path(f), nil
}

// Reverify hashes a file though it is Ready, and blocks as long as that takes. The file stays Ready meanwhile, and no
// longer once it is found damaged, for which the error wraps ErrWrongContent.
func (s *Store) Reverify(ctx context.Context, f File) error {
	_, err := s.hash(ctx, f)
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrWrongContent) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.verified, f.SHA256)
	}
	return fmt.Errorf("cannot use content %.12s: %w", f.SHA256, err)
}

// hash reads the whole file and returns the identity it had before and after.
func (s *Store) hash(ctx context.Context, f File) (identity, error) {
	if !hexSHA256.MatchString(f.SHA256) {
		return identity{}, fmt.Errorf("%w: no such hash", ErrWrongContent)
	}
	// A link or a device under the name of a hash was not put there by the store.
	before, err := os.Lstat(s.path(f))
	if err != nil {
		return identity{}, err
	}
	if !before.Mode().IsRegular() || before.Size() != f.Size {
		return identity{}, fmt.Errorf("%w: not a file of %d bytes", ErrWrongContent, f.Size)
	}
	file, err := os.Open(s.path(f))
	if err != nil {
		return identity{}, err
	}
	err = errors.Join(check(ctx, file, f), file.Close())
	if err != nil {
		return identity{}, err
	}
	after, err := os.Lstat(s.path(f))
	if err != nil {
		return identity{}, err
	}
	if identify(before) != identify(after) {
		return identity{}, fmt.Errorf("%w: it changed while it was read", ErrWrongContent)
	}
	return identify(after), nil
}

func check(ctx context.Context, file *os.File, f File) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, contextReader{ctx, file}); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("%w: %w", ErrWrongContent, err) // what the disk does not give back is lost
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%w: its hash differs", ErrWrongContent)
	}
	return CheckType(file, f)
}

// Collect removes every file whose SHA-256 keep does not name, and every part of a file that is not kept or is there
// whole, and tells how many bytes that freed. Files being written are left alone.
func (s *Store) Collect(keep map[string]bool) (freed int64, err error) {
	err = s.each(func(path string, info fs.FileInfo) error {
		name, part := strings.CutSuffix(filepath.Base(path), partSuffix)
		if keep[name] && !(part && s.whole(name)) {
			return nil
		}
		gone, err := s.remove(path)
		if gone {
			freed += info.Size()
		}
		return err
	})
	if err != nil {
		return freed, fmt.Errorf("cannot collect content: %w", err)
	}
	return freed, nil
}

// whole reports whether the file of that hash is Ready.
func (s *Store) whole(sha256 string) bool {
	s.mu.Lock()
	known, ok := s.verified[sha256]
	s.mu.Unlock()
	if ok {
		_, ok = s.Ready(known.file)
	}
	return ok
}

// remove removes a file unless it is being written.
func (s *Store) remove(path string) (gone bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := s.incoming[path]; open {
		return false, nil
	}
	delete(s.verified, filepath.Base(path)) // or the map would grow with each playlist
	err = os.Remove(path)
	return err == nil, err
}

// Has reports whether a file of the right name and size is there. It says nothing about what is in it.
func (s *Store) Has(f File) bool {
	info, err := os.Lstat(s.path(f))
	return err == nil && info.Mode().IsRegular() && info.Size() == f.Size
}
