package depot

import (
	"errors"
	"os"
	"path/filepath"
)

// draftPattern names files that are not whole yet; what is left of them after a crash goes at the next start.
const draftPattern = ".draft-*"

// writeDurably writes a file that is there whole or not at all after a power cut.
func writeDurably(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), draftPattern)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once the file was renamed, as it should
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Chmod(0o640), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
