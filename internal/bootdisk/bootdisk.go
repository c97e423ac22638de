// Package bootdisk finds the partitions of the disk that the system started from. The tables of all controllers' disks are
// alike, and so is that of a stick that somebody made to look like one: whose partition has a GUID says nothing, and on
// which disk it is says all. The initrd verified the root, and wrote down where it found it.
package bootdisk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds on what is read: the kernel's names of disks have at most 31 bytes (DISK_NAME_LEN is 32), and a number of a device
// fewer; a disk's folder has some 30 entries beside its partitions.
const (
	maxLine    = 32
	maxEntries = 512
)

// Partition is the device node of the partition of that number, from 1, of the disk that is named in the file run. sys is
// usually /sys, and dev /dev. It reads nothing of the disk itself and does not block. The partition may turn up a moment
// later: the error is then fs.ErrNotExist, as it is where nobody wrote down a disk.
func Partition(sys, dev, run string, number int) (string, error) {
	node, err := partition(sys, dev, run, number)
	if err != nil {
		return "", fmt.Errorf("cannot find partition %d of the disk that the system started from: %w", number, err)
	}
	return node, nil
}

func partition(sys, dev, run string, number int) (string, error) {
	disk, err := line(run)
	if err != nil {
		return "", err
	}
	if !simple(disk) {
		return "", fmt.Errorf("%q is no disk", disk)
	}
	folder, err := filepath.EvalSymlinks(filepath.Join(sys, "class/block", disk))
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(filepath.Join(folder, "partition")); err == nil {
		return "", fmt.Errorf("%s is no whole disk", disk)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	if len(entries) > maxEntries {
		return "", fmt.Errorf("%s has %d entries", disk, len(entries))
	}
	for _, e := range entries {
		n, err := line(filepath.Join(folder, e.Name(), "partition"))
		if err != nil || n != fmt.Sprint(number) {
			continue // most are no partition, or gone meanwhile
		}
		numbers, err := line(filepath.Join(folder, e.Name(), "dev"))
		if err != nil {
			return "", err
		}
		node := filepath.Join(dev, e.Name())
		if err := isNode(node, numbers); err != nil {
			return "", err
		}
		return node, nil
	}
	return "", fmt.Errorf("%s has none: %w", disk, os.ErrNotExist)
}

// isNode checks that a node below /dev is the device that sysfs means, MAJOR:MINOR.
func isNode(node, numbers string) error {
	var s unix.Stat_t
	if err := unix.Lstat(node, &s); err != nil {
		return &os.PathError{Op: "lstat", Path: node, Err: err}
	}
	if is := fmt.Sprintf("%d:%d", unix.Major(s.Rdev), unix.Minor(s.Rdev)); s.Mode&unix.S_IFMT != unix.S_IFBLK || is != numbers {
		return fmt.Errorf("%s is not the device %s", node, numbers)
	}
	return nil
}

// simple tells whether a name is one of a file in a folder.
func simple(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00\n")
}

// line reads a file of one line.
func line(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxLine+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxLine {
		return "", errors.New(path + " is too long")
	}
	return strings.TrimSuffix(string(text), "\n"), nil
}
