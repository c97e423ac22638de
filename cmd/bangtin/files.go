package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"bangtin/internal/trust"
)

// maxSmall bounds every file that is read whole: an envelope is the largest.
const maxSmall = trust.MaxEnvelope

// readSmall reads a file of at most maxSmall bytes.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	if len(raw) > maxSmall {
		return nil, &problem{field: path, what: say("is too large"), remedy: say("check that this is the right file")}
	}
	return raw, nil
}

func unreadable(path string, err error) error {
	return &problem{field: path, what: say("cannot be read"), remedy: say("check the name and the permissions"), cause: err}
}

func unwritable(path string, err error) error {
	return &problem{field: path, what: say("cannot be written"), remedy: say("check free space and permissions"), cause: err}
}

// writeNew writes a file that must not exist yet. Whatever happens meanwhile, the file is whole or absent.
func writeNew(path string, data []byte, mode fs.FileMode) error {
	return write(path, data, mode, func(temp string) error {
		err := os.Link(temp, path) // unlike a rename, never replaces
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		// USB sticks (FAT) have no links. Between the look and the rename somebody could make the file; nobody does.
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return fs.ErrExist
		}
		return os.Rename(temp, path)
	})
}

// replace writes a file over an older one. Whatever happens meanwhile, the old or the new one is there and whole.
func replace(path string, data []byte) error {
	return write(path, data, 0o644, func(temp string) error { return os.Rename(temp, path) })
}

func write(path string, data []byte, mode fs.FileMode, publish func(temp string) error) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".bangtin-*.part")
	if err != nil {
		return unwritable(path, err)
	}
	defer os.Remove(temp.Name()) // after a rename there is nothing left to remove
	_, err = temp.Write(data)
	if err := finish(temp, mode, err); err != nil {
		return unwritable(path, err)
	}
	err = publish(temp.Name())
	if errors.Is(err, fs.ErrExist) {
		return &problem{field: path, what: say("exists already and is never overwritten"), remedy: say("choose another name")}
	}
	if err != nil {
		return unwritable(path, err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return unwritable(path, err)
	}
	return nil
}

// finish makes a written temporary file durable and closes it. err is that of the writing.
func finish(temp *os.File, mode fs.FileMode, err error) error {
	if err == nil {
		err = temp.Chmod(mode)
	}
	if err == nil {
		err = temp.Sync()
	}
	if cerr := temp.Close(); err == nil {
		err = cerr
	}
	return err
}

// makeFolder makes a folder and those above it.
func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return unwritable(path, err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return unwritable(path, fmt.Errorf("cannot sync the folder above: %w", err))
	}
	return nil
}

// exists reports whether there is anything at path.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	}
	return false, unreadable(path, err)
}
