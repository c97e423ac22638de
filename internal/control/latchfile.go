package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// latchSize is one sector, and more than any reason takes: it is written as a whole or not at all.
const latchSize = 512

// A LatchFile is a second copy of the fire latch, for a journal that cannot be written or read. It has its one sector from
// the first start on and is overwritten in place, which a full disk does not hinder. It is not safe for concurrent use.
type LatchFile struct {
	path string
	last string // as written last
	sure bool   // last is on disk
}

// OpenLatchFile reads the copy at path, and makes one that says nothing where there is none. The fire is empty where none is latched.
// With an error the file may be used all the same: each Save tries again. A file that says nothing sensible is no fire:
// its detectors tell again of one that burns.
func OpenLatchFile(path string) (f *LatchFile, fire string, err error) {
	f = &LatchFile{path: path}
	fire, err = ReadLatchFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return f, "", f.make("")
	}
	if err != nil {
		return f, "", err
	}
	f.last, f.sure = fire, true
	return f, fire, nil
}

// ReadLatchFile only reads the copy at path. The error of one that is not there is an os.ErrNotExist.
func ReadLatchFile(path string) (fire string, err error) {
	raw, err := readSector(path)
	if err == nil {
		err = json.Unmarshal(bytes.TrimRight(raw, "\n"), &fire)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the copy of the fire latch: %w", err)
	}
	return fire, nil
}

func readSector(path string) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(io.LimitReader(in, latchSize))
}

// Save makes the copy say fire, empty for none, and returns once it is on disk.
func (f *LatchFile) Save(fire string) error {
	if f.sure && f.last == fire {
		return nil
	}
	f.sure = false
	sector, err := latchSector(fire)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(f.path, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return f.make(fire)
	}
	if err != nil {
		return fmt.Errorf("cannot write the copy of the fire latch: %w", err)
	}
	_, err = out.WriteAt(sector, 0)
	if err == nil {
		err = out.Sync()
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("cannot write the copy of the fire latch: %w", err)
	}
	f.last, f.sure = fire, true
	return nil
}

// make begins the file.
func (f *LatchFile) make(fire string) error {
	sector, err := latchSector(fire)
	if err != nil {
		return err
	}
	part := f.path + ".part"
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("cannot make the copy of the fire latch: %w", err)
	}
	_, err = out.Write(sector)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(part, f.path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(f.path))
	}
	if err != nil {
		return fmt.Errorf("cannot make the copy of the fire latch: %w", err)
	}
	f.last, f.sure = fire, true
	return nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// latchSector is the file as a whole: a JSON string, then line feeds.
func latchSector(fire string) ([]byte, error) {
	raw, err := json.Marshal(fire)
	if err != nil {
		return nil, err
	}
	if len(raw) >= latchSize { // a sensor's name may be long
		raw = []byte(`"fire"`)
	}
	return append(raw, bytes.Repeat([]byte("\n"), latchSize-len(raw))...), nil
}
