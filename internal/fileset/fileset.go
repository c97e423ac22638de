// Package fileset puts a set of files in place as one: whatever happens meanwhile, afterwards either all of the old ones
// stand or all of the new ones. It is for what belongs together and is read apart, such as a site file and its seal.
package fileset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// MaxNote is the longest note in bytes. The largest set has two envelopes and the files beside them, in base64.
const MaxNote = 6 << 20

// A File is one of a set. Its folder is made where there is none.
type File struct {
	Path string      `json:"path"`
	Data []byte      `json:"data"`
	Mode fs.FileMode `json:"mode,omitempty"` // 0: that of the place
}

// A Place is where sets of one kind are put. Whoever uses it sees to it that nobody else does meanwhile.
type Place struct {
	Note  string               // path of a file that holds a whole set, from the moment it is good until it is in place
	Mode  fs.FileMode          // of the files; the note has 0600
	Own   func(*os.File) error // gives a file to its owner before anybody sees it; nil leaves it to who writes it
	Label string               // of the faults: -note, -file and -done come behind it
	Fault func(label string)   // called before every write; nil outside of tests
}

// Put writes the set down whole first, and from then on a power cut is followed by the rest of it, by [Place.Finish].
// Before that moment the old files stand. The files come in the order of the set, so what others watch goes last.
func (p Place) Put(set []File) error {
	raw, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("cannot note the files: %w", err)
	}
	if len(raw) > MaxNote {
		return fmt.Errorf("cannot note the files: they have more than %d bytes", MaxNote)
	}
	p.reach("-note")
	if err := p.write(File{Path: p.Note, Data: raw, Mode: 0o600}); err != nil {
		return fmt.Errorf("cannot note the files: %w", err)
	}
	return p.finish(set)
}

// Finish puts in place what a power cut has left, if anything. A set with a path that is not allowed is refused whole.
func (p Place) Finish(allowed func(path string) bool) error {
	raw, err := p.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read what was noted: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var set []File
	if err := dec.Decode(&set); err != nil {
		return fmt.Errorf("cannot read what was noted: %w", err)
	}
	for _, f := range set {
		if !allowed(f.Path) {
			return fmt.Errorf("cannot put %s in place: it is none of this display's; remove %s", f.Path, p.Note)
		}
	}
	return p.finish(set)
}

// read follows no link and waits for no pipe: whoever puts files in place may be mightier than the folder's owner.
func (p Place) read() ([]byte, error) {
	f, err := os.OpenFile(p.Note, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", p.Note)
	}
	raw, err := io.ReadAll(io.LimitReader(f, MaxNote+1))
	if err == nil && len(raw) > MaxNote {
		err = fmt.Errorf("%s is too large", p.Note)
	}
	return raw, err
}

func (p Place) finish(set []File) error {
	for _, f := range set {
		p.reach("-file")
		if err := os.MkdirAll(filepath.Dir(f.Path), 0o750); err != nil {
			return fmt.Errorf("cannot make the folder of %s: %w", f.Path, err)
		}
		if err := p.write(f); err != nil {
			return fmt.Errorf("cannot write %s: %w", f.Path, err)
		}
	}
	p.reach("-done")
	if err := errors.Join(os.Remove(p.Note), syncFolder(filepath.Dir(p.Note))); err != nil {
		return fmt.Errorf("cannot end putting files in place: %w", err)
	}
	return nil
}

// write replaces one file; it has its owner and its mode from its first moment under its name.
func (p Place) write(file File) error {
	f, err := os.CreateTemp(filepath.Dir(file.Path), "."+filepath.Base(file.Path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once the file was renamed, as it should
	mode := file.Mode.Perm()
	if mode == 0 {
		mode = p.Mode
	}
	_, err = f.Write(file.Data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil && p.Own != nil && file.Path != p.Note {
		err = p.Own(f)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file.Path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file.Path))
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (p Place) reach(label string) {
	if p.Fault != nil {
		p.Fault(p.Label + label)
	}
}
