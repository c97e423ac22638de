package bootctl

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"bangtin/image/layout"
)

// A Pair is the two environments' files. One process changes them, one change after the other: there is no lock.
type Pair struct{ A, B string }

func (p Pair) path(slot layout.Slot) string {
	if slot == layout.A {
		return p.A
	}
	return p.B
}

// Read returns a slot's environment.
func (p Pair) Read(slot layout.Slot) (Env, error) {
	file, err := read(p.path(slot))
	if err != nil {
		return Env{}, fmt.Errorf("cannot read the boot environment of %s: %w", slot, err)
	}
	return Decode(file)
}

// read reads no more than a file that is right has, and a byte.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	file, err := io.ReadAll(io.LimitReader(f, FileSize+1))
	return file, errors.Join(err, f.Close())
}

// Next says which slot the machine would boot now.
func (p Pair) Next() (Choice, error) {
	a, errA := read(p.A)
	b, errB := read(p.B)
	if errA != nil && errB != nil {
		return Choice{}, fmt.Errorf("cannot read any boot environment: %w", errors.Join(errA, errB))
	}
	return Choose(a, b), nil
}

// Bad gives a slot up. It comes before the first byte of the slot's is written, and ends a trial that failed. The slot
// that stays must be confirmed.
func (p Pair) Bad(slot layout.Slot) error {
	if _, err := p.stays(slot.Other()); err != nil {
		return fmt.Errorf("cannot give slot %s up: %w", slot, err)
	}
	return p.write(slot, Env{State: Failed})
}

// Installed makes the next boot a trial of a slot, of which all is written. env says its kernel and watchdog. The slot
// to fall back to must be confirmed.
func (p Pair) Installed(slot layout.Slot, env Env) error {
	stays, err := p.stays(slot.Other())
	if err != nil {
		return fmt.Errorf("cannot install slot %s: %w", slot, err)
	}
	if stays.Revision >= math.MaxInt32 { // the loader's own tools count in an int
		return fmt.Errorf("cannot install slot %s: revision %d is the last", slot, stays.Revision)
	}
	env.Revision, env.State, env.InProgress = stays.Revision+1, Installed, false
	return p.write(slot, env)
}

// stays reads a slot that must boot whatever becomes of the other.
func (p Pair) stays(slot layout.Slot) (Env, error) {
	env, err := p.Read(slot)
	if err == nil && (env.State != OK || env.Revision == 0 || env.InProgress) {
		err = fmt.Errorf("%s is %v, revision %d", slot, env.State, env.Revision)
	}
	if err != nil {
		return Env{}, fmt.Errorf("there would be none to fall back to: %w", err)
	}
	return env, nil
}

// Confirmed ends a trial well. Confirming what is confirmed changes nothing.
func (p Pair) Confirmed(slot layout.Slot) error {
	env, err := p.Read(slot)
	if err != nil {
		return fmt.Errorf("cannot confirm slot %s: %w", slot, err)
	}
	if env.State == OK && env.Revision != 0 {
		return nil
	}
	if env.State != Testing {
		return fmt.Errorf("cannot confirm slot %s: it is %v", slot, env.State)
	}
	env.State = OK
	return p.write(slot, env)
}

// write writes a file in place: its size, and so the file system's tables, stay as they are. It returns when the disk
// has it.
func (p Pair) write(slot layout.Slot, env Env) error {
	file, err := env.Encode()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(p.path(slot), os.O_WRONLY|unix.O_DSYNC, 0)
	if err != nil {
		return fmt.Errorf("cannot write the boot environment of %s: %w", slot, err)
	}
	err = writeInPlace(f, file)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot write the boot environment of %s: %w", slot, err)
	}
	return nil
}

func writeInPlace(f *os.File, file []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != int64(len(file)) {
		return fmt.Errorf("the file has %d bytes, not %d", info.Size(), len(file))
	}
	_, err = f.WriteAt(file, 0)
	return err
}
