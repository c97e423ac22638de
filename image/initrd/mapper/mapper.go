// Package mapper asks the kernel's device mapper for a device, through /dev/mapper/control and without a library
// (include/uapi/linux/dm-ioctl.h).
package mapper

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Control is the device mapper, opened.
type Control struct{ file *os.File }

// Open opens the control node, usually /dev/mapper/control, which is there once dm-mod is.
func Open(path string) (*Control, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open the device mapper: %w", err)
	}
	return &Control{f}, nil
}

// Close lets go of the control node. The devices stay.
func (c *Control) Close() error { return c.file.Close() }

// A Target is a table of one line: a device of so many sectors of 512 bytes, and what makes it.
type Target struct {
	Kind     string // such as "verity"; at most 15 bytes
	Sectors  uint64
	Table    string // the target's own words; at most 4,000 bytes
	Writable bool
}

func (t Target) flags() uint32 {
	if t.Writable {
		return 0
	}
	return unix.DM_READONLY_FLAG
}

// space is for struct dm_ioctl and what follows it: one target and its words.
const (
	space    = 8192
	maxTable = 4000
)

// Create makes a device and returns its number, by which /dev and /sys know it. name is at most 127 bytes.
// When it fails nothing is left behind.
func (c *Control) Create(name string, t Target) (device uint64, err error) {
	if len(t.Kind) >= unix.DM_MAX_TYPE_NAME || len(t.Table) > maxTable {
		return 0, fmt.Errorf("cannot make device %s: a kind of %d bytes with a table of %d", name, len(t.Kind), len(t.Table))
	}
	if _, err := c.ask(unix.DM_DEV_CREATE, name, t.flags(), nil); err != nil {
		return 0, fmt.Errorf("cannot make device %s: %w", name, err)
	}
	if device, err = c.fill(name, t); err != nil {
		_, gone := c.ask(unix.DM_DEV_REMOVE, name, 0, nil)
		return 0, errors.Join(fmt.Errorf("cannot make device %s: %w", name, err), gone)
	}
	return device, nil
}

// fill gives a device its table and lets it run.
func (c *Control) fill(name string, t Target) (uint64, error) {
	if _, err := c.ask(unix.DM_TABLE_LOAD, name, t.flags(), &t); err != nil {
		return 0, fmt.Errorf("the kernel refuses its table: %w", err)
	}
	// Without the flag to suspend, this is to resume: the table that was loaded takes effect.
	return c.ask(unix.DM_DEV_SUSPEND, name, 0, nil)
}

// Remove ends a device that nobody uses.
func (c *Control) Remove(name string) error {
	if _, err := c.ask(unix.DM_DEV_REMOVE, name, 0, nil); err != nil {
		return fmt.Errorf("cannot remove device %s: %w", name, err)
	}
	return nil
}

// request is struct dm_ioctl, and what follows it.
type request struct {
	unix.DmIoctl
	spec  unix.DmTargetSpec
	table [space - unix.SizeofDmIoctl - unix.SizeofDmTargetSpec]byte
}

// ask makes one request and returns the device's number.
func (c *Control) ask(what uintptr, name string, flags uint32, t *Target) (uint64, error) {
	r := request{DmIoctl: unix.DmIoctl{
		Version:    [3]uint32{unix.DM_VERSION_MAJOR, 0, 0}, // all that we need is in every minor version
		Data_size:  space,
		Data_start: unix.SizeofDmIoctl,
		Flags:      flags,
	}}
	if name == "" || len(name) >= len(r.Name) {
		return 0, fmt.Errorf("a name of %d bytes", len(name))
	}
	copy(r.Name[:], name)
	if t != nil {
		r.Target_count = 1
		r.spec.Length = t.Sectors
		copy(r.spec.Target_type[:], t.Kind)
		copy(r.table[:], t.Table) // the rest is zero, which ends it
	}
	raw, err := c.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var number syscall.Errno
	err = raw.Control(func(fd uintptr) {
		for {
			_, _, number = unix.Syscall(unix.SYS_IOCTL, fd, what, uintptr(unsafe.Pointer(&r)))
			if number != unix.EINTR {
				return
			}
		}
	})
	if err != nil {
		return 0, err
	}
	if number != 0 {
		return 0, number
	}
	return r.Dev, nil
}
