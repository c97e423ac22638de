package bootctl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"bangtin/image/layout"
)

// LabelName is the file's in the root folder of a boot partition by which the loader finds the volume that an environment's
// kernel is on. It has no way to find one by its place in the table.
const LabelName = "EFILABEL"

// Label is what that file holds on a slot's boot partition, in UTF-16 as EFI writes words. Of no slot it is a name, as long
// as the others, that no environment asks for. What is written into either slot's partition carries that one: with a slot's
// name in it there would be two volumes of that name from the first byte on, and the loader takes the first that it finds,
// so that a slot which nobody tried would start for good (FileDevicePathFromConfig in its utils.c).
func Label(slot layout.Slot) []byte {
	text := string(layout.Boot) + "-0"
	if boot, ok := layout.Find(layout.Boot, slot); ok {
		text = boot.Label()
	}
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out
}

// Relabel makes a boot partition, mounted at a folder, the slot's: its label is written in place, over one that is as long.
// It returns when the disk has it, and writes nothing where it is that already. Nothing may start from the partition
// meanwhile: the slot is given up.
func Relabel(folder string, slot layout.Slot) error {
	if err := relabel(folder, slot); err != nil {
		return fmt.Errorf("cannot make the boot partition that of slot %s: %w", slot, err)
	}
	return nil
}

func relabel(folder string, slot layout.Slot) error {
	label := Label(slot)
	old, err := readLabel(folder)
	if err != nil || bytes.Equal(old, label) {
		return err
	}
	f, err := os.OpenFile(filepath.Join(folder, LabelName), os.O_WRONLY|unix.O_DSYNC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	return errors.Join(writeInPlace(f, label), f.Close())
}

// Complete says what a boot partition lacks, mounted at a folder, to be started as the slot's.
func Complete(folder string, slot layout.Slot) error {
	label, err := readLabel(folder)
	if err == nil && !bytes.Equal(label, Label(slot)) {
		err = fmt.Errorf("its label is %q", label)
	}
	if err == nil {
		err = hasKernel(folder)
	}
	if err != nil {
		return fmt.Errorf("cannot start slot %s from its boot partition: %w", slot, err)
	}
	return nil
}

// readLabel reads no more than a label has, and a byte.
func readLabel(folder string) ([]byte, error) {
	f, err := os.Open(filepath.Join(folder, LabelName))
	if err != nil {
		return nil, err
	}
	label, err := io.ReadAll(io.LimitReader(f, int64(len(Label(""))+1)))
	return label, errors.Join(err, f.Close())
}

func hasKernel(folder string) error {
	info, err := os.Lstat(filepath.Join(folder, layout.Kernel))
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return errors.New(layout.Kernel + " is no kernel image")
	}
	return nil
}
