package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"bangtin/media"
)

// A stowed file is a copy of somebody's file in the content folder under a temporary name. keep gives it its real
// name; discard removes it.
type stowed struct {
	file media.File
	temp string
	dir  string
}

// stow copies path into the folder, hashing on the way, at most limit bytes. The type is told by the first bytes.
func stow(path, dir string, limit int64) (*stowed, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer in.Close()
	out, err := os.CreateTemp(dir, ".bangtin-*.part")
	if err != nil {
		return nil, unwritable(dir, err)
	}
	s := &stowed{temp: out.Name(), dir: dir}
	head := &prefix{}
	sum := sha256.New()
	source := &reader{r: in}
	n, err := io.Copy(io.MultiWriter(out, sum, head), io.LimitReader(source, limit+1))
	err = finish(out, 0o644, err)
	if source.err != nil {
		s.discard()
		return nil, unreadable(path, source.err)
	}
	if err != nil {
		s.discard()
		return nil, unwritable(dir, err)
	}
	if n > limit {
		s.discard()
		return nil, &problem{field: path, what: say("is too large"), remedy: say("keep it to %d MiB", limit>>20)}
	}
	s.file = media.File{SHA256: hex.EncodeToString(sum.Sum(nil)), Size: n, Type: media.TypeOf(head.b)}
	return s, nil
}

func (s *stowed) keep() error {
	path := filepath.Join(s.dir, s.file.SHA256)
	if err := os.Rename(s.temp, path); err != nil {
		return unwritable(path, err)
	}
	if err := syncFolder(s.dir); err != nil {
		return unwritable(path, err)
	}
	return nil
}

// discard leaves at worst a *.part file behind, which nothing looks at.
func (s *stowed) discard() { _ = os.Remove(s.temp) }

// A reader remembers what went wrong with reading, which a copy cannot tell from what went wrong with writing.
type reader struct {
	r   io.Reader
	err error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// prefix keeps the first bytes written to it.
type prefix struct{ b []byte }

func (p *prefix) Write(b []byte) (int, error) {
	if room := media.HeadSize - len(p.b); room > 0 {
		p.b = append(p.b, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

// wholePicture decodes a picture to its end: a copy that was cut off would show half grey for ever.
func wholePicture(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := media.CheckPicture(f); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, _, err = image.Decode(f)
	return err
}

// checkFile compares a file of the content folder with what the playlist says of it, and judges it as displays do.
func checkFile(path string, want media.File) error {
	f, err := os.Open(path)
	if err != nil {
		return unreadable(path, err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(f, want.Size+1))
	if err != nil {
		return unreadable(path, err)
	}
	if n != want.Size || hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return notTheFile(path)
	}
	if err := media.CheckType(f, want); err != nil {
		return &problem{field: path, what: say("is nothing that a display would show"), remedy: say("convert it, and make the playlist anew"), cause: err}
	}
	return nil
}

func notTheFile(path string) error {
	return &problem{field: path, what: say("is not the file that was added"), remedy: say("add the item anew, or restore the file")}
}

// ffprobe measures a video with the program of that name, in at most half a minute.
func ffprobe(ctx context.Context, path string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	full, err := filepath.Abs(path) // a name may begin with a hyphen
	if err != nil {
		return 0, fmt.Errorf("cannot measure video: %w", err)
	}
	cmd := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", "file:"+full)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %.300s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return 0, fmt.Errorf("cannot measure video: %w", err)
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil || !(seconds > 0 && seconds < 1e6) {
		return 0, fmt.Errorf("cannot measure video: ffprobe says %.40q", out)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
