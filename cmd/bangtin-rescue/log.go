package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// The system's log is in memory. These bounds are of what is kept of it on data: 8 files of 1 MiB at most, and not more
// than 6 × 128 KiB an hour, so that a program that complains without end wears no disk out.
const (
	maxLogFile  = 1 << 20   // bytes
	oldLogs     = 5         // warnings.1.log and so on, beside warnings.log itself
	maxWarnings = 128 << 10 // bytes at a time; the newest of them
	warnedEvery = 10 * time.Minute
	maxTail     = 512 << 10 // bytes of one boot's end
	askWithin   = time.Minute
)

// A logKeeper keeps a part of the log in a folder.
type logKeeper struct {
	dir    string
	cursor string // a file in memory that says up to where it was kept
	ask    func(ctx context.Context, args ...string) ([]byte, error)
}

func keeper(data string) logKeeper {
	return logKeeper{dir: filepath.Join(data, "var/log/bangtin"), cursor: "/run/bangtin-rescue/log.cursor", ask: journalctl}
}

// journalctl returns the last bytes, maxTail at most, of what it says.
func journalctl(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/usr/bin/journalctl", append([]string{"--quiet", "--boot", "--no-hostname", "--output=short-iso"}, args...)...)
	end := &ending{}
	cmd.Stdout, cmd.Stderr = end, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("cannot read the log: %w", err)
	}
	return end.text(), nil
}

// An ending keeps the last of what is written to it: between maxTail and twice that.
type ending struct{ kept []byte }

func (e *ending) Write(p []byte) (int, error) {
	e.kept = append(e.kept, p...)
	if len(e.kept) > 2*maxTail {
		e.kept = append([]byte(nil), e.kept[len(e.kept)-maxTail:]...)
	}
	return len(p), nil
}

func (e *ending) text() []byte { return e.kept }

// newest cuts a text to its last whole lines that have room.
func newest(text []byte, limit int) []byte {
	if len(text) <= limit {
		return text
	}
	text = text[len(text)-limit:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	return text
}

// warnings adds what was warned of since the last time. A call too soon does nothing: what it had to say comes the next
// time.
func (k logKeeper) warnings(ctx context.Context) error {
	path := filepath.Join(k.dir, "warnings.log")
	info, err := os.Stat(path)
	_, started := os.Stat(k.cursor) // the first of a boot is never too soon
	if err == nil && started == nil && time.Since(info.ModTime()).Abs() < warnedEvery {
		return nil
	}
	if err := errors.Join(os.MkdirAll(k.dir, 0o755), os.MkdirAll(filepath.Dir(k.cursor), 0o700)); err != nil {
		return fmt.Errorf("cannot keep warnings: %w", err)
	}
	text, err := k.ask(ctx, "--priority=warning", "--cursor-file="+k.cursor)
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return nil
	}
	text = newest(text, maxWarnings)
	if info != nil && info.Size()+int64(len(text)) > maxLogFile {
		if err := k.rotate(); err != nil {
			return err
		}
	}
	return add(path, text)
}

// rotate makes each file the next older one; the oldest is gone.
func (k logKeeper) rotate() error {
	name := func(n int) string {
		if n == 0 {
			return filepath.Join(k.dir, "warnings.log")
		}
		return filepath.Join(k.dir, "warnings."+strconv.Itoa(n)+".log")
	}
	for n := oldLogs; n > 0; n-- {
		if err := os.Rename(name(n-1), name(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot put warnings aside: %w", err)
		}
	}
	return nil
}

// tail keeps the end of this boot's log, and that of the boot before.
func (k logKeeper) tail(ctx context.Context) error {
	text, err := k.ask(ctx, "--lines=4000")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(k.dir, 0o755); err != nil {
		return fmt.Errorf("cannot keep the log's end: %w", err)
	}
	last, before := filepath.Join(k.dir, "last.log"), filepath.Join(k.dir, "before-last.log")
	if err := os.Rename(last, before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot put the last boot's log aside: %w", err)
	}
	return add(last, newest(text, maxTail))
}

// add writes at a file's end, and waits for the disk.
func add(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("cannot keep the log: %w", err)
	}
	_, err = io.Copy(f, bytes.NewReader(text))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot keep the log: %w", err)
	}
	return nil
}
