package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"bangtin/internal/pki/enrol"
	"bangtin/internal/site"
	"bangtin/internal/stick"
	"bangtin/internal/trust"
)

// A reading is what one device holds, as the child tells it.
type reading struct {
	Kind     string            `json:"kind"`               // what the device says that it is, see kindOf
	Folder   bool              `json:"folder"`             // there is an installer's folder
	Files    map[string][]byte `json:"files,omitempty"`    // by their names in package stick
	Problems []string          `json:"problems,omitempty"` // files that are there and cannot be taken, a line for each
}

// maxReading is the longest reading in bytes: the limits of all files, in base64.
const maxReading = 8 << 20

// limits are the files that are read, each with the most bytes that it may have.
func limits() map[string]int64 {
	return map[string]int64{
		stick.Site: site.MaxSize, stick.Seal: trust.MaxEnvelope, stick.Trust: trust.MaxEnvelope,
		stick.Code: stick.MaxCode, stick.Answer: enrol.MaxAnswer,
	}
}

// Kinds of file systems, as far as an installer must be told of them.
const (
	kindFAT   = "FAT"
	kindExFAT = "exFAT"
	kindNTFS  = "NTFS"
	kindOther = "other"
)

// kindOf tells a file system by the first 512 bytes of its device. FAT's mark is at one of two places (Microsoft's FAT
// specification, BS_FilSysType of FAT12/16 and of FAT32); the mark decides nothing for the kernel, but every tool that
// formats sticks writes it.
func kindOf(sector []byte) string {
	at := func(offset int, mark string) bool {
		return len(sector) >= 512 && string(sector[offset:][:len(mark)]) == mark
	}
	switch {
	case at(3, "EXFAT   "):
		return kindExFAT
	case at(3, "NTFS    "):
		return kindNTFS
	case at(510, "\x55\xaa") && (at(54, "FAT") || at(82, "FAT32")):
		return kindFAT
	}
	return kindOther
}

// readDevice is the child: it writes the reading of one device to standard output. What it mounts is seen by nobody else
// and gone with it.
func (m *Main) readDevice(device string) error {
	r, err := m.inspect(device)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(m.Stdout).Encode(r); err != nil {
		return fmt.Errorf("cannot tell what is on %s: %w", device, err)
	}
	return nil
}

func (m *Main) inspect(device string) (reading, error) {
	kind, err := kindOfDevice(device)
	if err != nil {
		return reading{}, fmt.Errorf("cannot read %s: %w", device, err)
	}
	if kind != kindFAT && m.Kind == "vfat" {
		return reading{Kind: kind}, nil
	}
	at, err := os.MkdirTemp(m.Paths.Mount, "stick-*")
	if err != nil {
		return reading{}, fmt.Errorf("cannot mount %s: %w", device, err)
	}
	defer os.Remove(at)
	const flags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOSYMFOLLOW
	if err := unix.Mount(device, at, m.Kind, flags, ""); err != nil {
		return reading{}, fmt.Errorf("cannot mount %s: %w", device, err)
	}
	r, err := readFolder(at)
	r.Kind = kindFAT
	if err := errors.Join(err, unix.Unmount(at, unix.MNT_DETACH)); err != nil {
		return reading{}, fmt.Errorf("cannot read %s: %w", device, err)
	}
	return r, nil
}

func kindOfDevice(device string) (string, error) {
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sector := make([]byte, 512)
	if _, err := io.ReadFull(f, sector); err != nil {
		return "", err
	}
	return kindOf(sector), nil
}

// readFolder reads what an installer put below root. Every file is asked for by its name, so that it does not matter how
// many there are beside it, and no link is followed.
func readFolder(root string) (reading, error) {
	dir, err := openFolder(filepath.Join(root, stick.Folder))
	switch {
	case errors.Is(err, unix.ENOENT):
		return reading{}, nil
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return reading{Problems: []string{stick.Folder + " is no folder"}}, nil
	case err != nil:
		return reading{}, fmt.Errorf("cannot open the folder %s: %w", stick.Folder, err)
	}
	defer dir.Close()
	r := reading{Folder: true, Files: map[string][]byte{}}
	for _, name := range []string{stick.Site, stick.Seal, stick.Trust, stick.Code, stick.Answer} {
		var no unfit
		data, err := readFile(dir, name, limits()[name])
		switch {
		case errors.Is(err, unix.ENOENT):
		case errors.As(err, &no):
			r.Problems = append(r.Problems, err.Error())
		case err != nil:
			return reading{}, fmt.Errorf("cannot read %s: %w", name, err)
		default:
			r.Files[name] = data
		}
	}
	return r, nil
}

// openFolder opens a folder, and no link to one.
func openFolder(path string) (*os.File, error) {
	return os.OpenFile(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

// unfit is what is wrong with a file though the stick works.
type unfit string

func (u unfit) Error() string { return string(u) }

func readFile(dir *os.File, name string, limit int64) ([]byte, error) {
	// O_NONBLOCK: a pipe must not keep whoever opens it.
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
		return nil, unfit(name + " is no file")
	}
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, unfit(name + " is no file")
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, unfit(fmt.Sprintf("%s has more than %d bytes", name, limit))
	}
	return data, nil
}
