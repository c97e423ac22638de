package gpio

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxChips bounds how many chips are asked who they are, and maxOffsets how many lines of one: the kernel has room
// for more of both, no board has.
const (
	maxChips   = 64
	maxOffsets = 1024
)

// A chip is one open GPIO chip.
type chip struct {
	file  *os.File
	label string
	lines uint32
}

// openChip opens the chip that a line names. The caller closes it, at once: while it is held a chip that was
// unplugged keeps its number.
func (k kernelLines) openChip(l Line) (*chip, error) {
	if strings.HasPrefix(l.Chip, "/") {
		return openNode(l.Chip)
	}
	nodes, err := filepath.Glob(filepath.Join(k.dev, "gpiochip*"))
	if err != nil {
		return nil, err
	}
	if len(nodes) > maxChips {
		return nil, fmt.Errorf("there are %d gpio chips: too many", len(nodes))
	}
	var found *chip
	missed := "" // a chip that cannot be asked may be the one
	for _, node := range nodes {
		c, err := k.named(node, l.Chip)
		switch {
		case err != nil:
			missed += "; " + err.Error()
			continue
		case c == nil:
			continue
		case found != nil:
			return nil, errors.Join(fmt.Errorf("two gpio chips are called %q: name it by its place on the bus", l.Chip), found.file.Close(), c.file.Close())
		}
		found = c
	}
	if found == nil {
		return nil, fmt.Errorf("there is no gpio chip called %q%s: %w", l.Chip, missed, errGone)
	}
	return found, nil
}

// named opens the chip at node if that is what it is called, or else returns nil. Links are passed over: what they
// lead to has a node of its own.
func (k kernelLines) named(node, name string) (*chip, error) {
	if info, err := os.Lstat(node); err != nil || info.Mode()&os.ModeSymlink != 0 {
		return nil, err
	}
	c, err := openNode(node)
	if err != nil {
		return nil, err
	}
	if c.label == name || slices.Contains(k.place(node), name) {
		return c, nil
	}
	return nil, c.file.Close()
}

// place returns the folders of a chip's device path in sysfs: the buses and devices that lead to it.
func (k kernelLines) place(node string) []string {
	path, err := filepath.EvalSymlinks(filepath.Join(k.sys, "bus/gpio/devices", filepath.Base(node)))
	if err != nil {
		return nil
	}
	return strings.Split(path, "/")
}

func openNode(node string) (*chip, error) {
	f, err := os.OpenFile(node, os.O_RDWR|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
		return nil, fmt.Errorf("%w: %w", errGone, err)
	} else if err != nil {
		return nil, err
	}
	var info chipInfo
	if err := call(f, getChipInfo, unsafe.Pointer(&info)); err != nil {
		f.Close() // the reason is err
		return nil, fmt.Errorf("%s is no gpio chip: %w", node, err)
	}
	return &chip{file: f, label: text(info.label[:]), lines: info.lines}, nil
}

// offset finds a line by its number, or by its name.
func (c *chip) offset(l Line) (uint32, error) {
	if number(l.Name) {
		n, err := strconv.ParseUint(l.Name, 10, 32)
		if err != nil || uint32(n) >= c.lines {
			return 0, fmt.Errorf("chip %q has %d lines", l.Chip, c.lines)
		}
		return uint32(n), nil
	}
	var found []uint32
	for n := range min(c.lines, maxOffsets) {
		info := lineInfo{offset: n}
		if err := call(c.file, getLineInfo, unsafe.Pointer(&info)); err != nil {
			return 0, fmt.Errorf("cannot ask chip %q for its lines: %w", l.Chip, err)
		}
		if text(info.name[:]) == l.Name {
			found = append(found, n)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("chip %q has no line of that name", l.Chip)
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("chip %q has %d lines of that name: write its number", l.Chip, len(found))
}

// call is ioctl on an open file. What says that the device is not there any more wraps errGone.
func call(f *os.File, number uintptr, arg unsafe.Pointer) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = ioctl(fd, number, arg) }); err != nil {
		return err
	}
	return gone(failed)
}

// gone marks what the kernel says of a chip that was removed.
func gone(err error) error {
	if errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return err
}
