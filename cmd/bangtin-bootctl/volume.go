package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"bangtin/image/layout"
	"bangtin/internal/bootdisk"
)

// partitions are those of the disk that the system started from, whatever else is plugged in.
type partitions struct {
	sys, dev string // usually /sys and /dev
	disk     string // the file that holds the disk's name
	kind     string // of file system: vfat
}

func (p partitions) node(role layout.Role, slot layout.Slot) (string, error) {
	part, ok := layout.Find(role, slot)
	if !ok {
		return "", fmt.Errorf("cannot find %s of slot %q: the disk's layout has none", role, slot)
	}
	return bootdisk.Partition(p.sys, p.dev, p.disk, part.Number)
}

func (p partitions) open(role layout.Role, slot layout.Slot, a access) (volume, error) {
	node, err := p.node(role, slot)
	if err != nil {
		return volume{}, err
	}
	at, err := mount(node, p.kind, a)
	if err != nil {
		return volume{}, fmt.Errorf("cannot mount %s: %w", node, err)
	}
	return volume{
		folder: fmt.Sprintf("/proc/self/fd/%d", at),
		close:  func() error { return unix.Close(at) },
	}, nil
}

// lock takes the first environment's partition, which root alone may open. The kernel refuses to mount for reading what is
// mounted for writing, so that two of these programs would fail each other.
func (p partitions) lock(a access) (func() error, error) {
	node, err := p.node(layout.Env, layout.A)
	if err != nil {
		return nil, err
	}
	return flock(node, a)
}

// mount mounts a device at no folder at all: it is reached by the descriptor alone, and is gone with it, or with the program.
func mount(node, kind string, a access) (at int, err error) {
	context, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return 0, os.NewSyscallError("fsopen", err)
	}
	defer func() { err = errors.Join(err, unix.Close(context)) }()
	if err := unix.FsconfigSetString(context, "source", node); err != nil {
		return 0, os.NewSyscallError("fsconfig", err)
	}
	attributes := unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	if a == toRead {
		attributes |= unix.MOUNT_ATTR_RDONLY
		if err := unix.FsconfigSetFlag(context, "ro"); err != nil {
			return 0, os.NewSyscallError("fsconfig", err)
		}
	}
	if err := unix.FsconfigCreate(context); err != nil {
		return 0, os.NewSyscallError("fsconfig", err)
	}
	at, err = unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, attributes)
	return at, os.NewSyscallError("fsmount", err)
}

// below are folders named as partitions are, for trials.
type below string

func (b below) open(role layout.Role, slot layout.Slot, _ access) (volume, error) {
	part, _ := layout.Find(role, slot) // its callers ask for what there is
	folder := filepath.Join(string(b), part.Label())
	if _, err := os.Stat(folder); err != nil {
		return volume{}, err
	}
	return volume{folder: folder, close: func() error { return nil }}, nil
}

func (b below) lock(a access) (func() error, error) { return flock(string(b), a) }

// flock waits for a file that nobody else has locked, as many as like to read, or one that writes.
func flock(path string, a access) (func() error, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	how := unix.LOCK_SH
	if a == toWrite {
		how = unix.LOCK_EX
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) { // Go's own signals interrupt it
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", path, err), f.Close())
	}
	return f.Close, nil
}
