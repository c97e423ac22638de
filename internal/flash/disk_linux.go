package flash

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxSmall bounds what is read of a file of the kernel, in bytes.
const maxSmall = 1 << 20

// Disks lists the whole disks of the machine whose file system has its root at root, "/" outside tests.
func Disks(root string) ([]Disk, error) {
	entries, err := os.ReadDir(filepath.Join(root, "sys/block"))
	if err != nil {
		return nil, fmt.Errorf("cannot list disks: %w", err)
	}
	used, err := uses(root)
	if err != nil {
		return nil, fmt.Errorf("cannot find out which disks are in use: %w", err)
	}
	var disks []Disk
	for _, e := range entries {
		d, ok, err := look(root, e.Name(), used)
		if err != nil {
			return nil, fmt.Errorf("cannot look at disk %s: %w", e.Name(), err)
		}
		if ok {
			disks = append(disks, d)
		}
	}
	return disks, nil
}

// look describes one. What has no size, such as an empty card reader, and what lives in memory is no disk.
func look(root, name string, used map[string][]string) (Disk, bool, error) {
	for _, memory := range []string{"ram", "zram", "sr", "fd", "dm-", "md"} {
		if strings.HasPrefix(name, memory) {
			return Disk{}, false, nil
		}
	}
	dir := filepath.Join(root, "sys/block", name)
	sectors := count(small(dir, "size"))
	if sectors == 0 {
		return Disk{}, false, nil
	}
	d := Disk{Path: "/dev/" + name, Bytes: sectors * 512, Model: visible(small(dir, "device/vendor") + " " + small(dir, "device/model")),
		Locked: small(dir, "ro") == "1", Device: small(dir, "dev"), Seq: small(dir, "diskseq")}
	if d.Model == "" {
		d.Model = visible(small(dir, "device/name")) // of an MMC
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return Disk{}, false, err
	}
	switch {
	case strings.Contains(real, "/usb"):
		d.Bus = "usb"
	case strings.Contains(real, "/mmc") && small(dir, "device/type") == "SD": // MMC is soldered
		d.Bus = "mmc"
	}
	parts, err := partitions(dir, name)
	if err != nil {
		return Disk{}, false, err
	}
	for _, part := range parts {
		d.Parts = append(d.Parts, describe(root, dir, part))
	}
	d.Users, err = users(dir, name, parts, used)
	return d, true, err
}

// partitions are the names of a disk's.
func partitions(dir, name string) ([]string, error) {
	inside, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var parts []string
	for _, e := range inside {
		if strings.HasPrefix(e.Name(), name) && small(filepath.Join(dir, e.Name()), "partition") != "" {
			parts = append(parts, e.Name())
		}
	}
	return parts, nil
}

// describe names a partition with its file system's label, as udev links it, else with its name in the table.
func describe(root, dir, part string) string {
	labels := filepath.Join(root, "dev/disk/by-label")
	links, _ := os.ReadDir(labels) // there is none without udev
	for _, l := range links {
		if to, err := os.Readlink(filepath.Join(labels, l.Name())); err == nil && filepath.Base(to) == part {
			return part + " (" + visible(strings.ReplaceAll(l.Name(), `\x20`, " ")) + ")"
		}
	}
	for line := range strings.Lines(small(filepath.Join(dir, part), "uevent")) {
		if name, ok := strings.CutPrefix(line, "PARTNAME="); ok {
			return part + " (" + visible(name) + ")"
		}
	}
	return part
}

// users names what uses a disk or a partition of it: mounts, swap, and volumes of LVM, RAID or encryption upon it.
func users(dir, name string, parts []string, used map[string][]string) ([]string, error) {
	places := []string{dir}
	for _, part := range parts {
		places = append(places, filepath.Join(dir, part))
	}
	var found []string
	for _, part := range places {
		found = append(found, used[small(part, "dev")]...)
		found = append(found, used["/dev/"+filepath.Base(part)]...)
		holders, err := os.ReadDir(filepath.Join(part, "holders"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, h := range holders {
			found = append(found, h.Name())
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// uses maps a device, by its numbers and by its name, to where it is mounted or what it serves for.
func uses(root string) (map[string][]string, error) {
	used := map[string][]string{}
	mounts, err := read(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(mounts) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		used[f[2]] = append(used[f[2]], visible(f[4]))
		// btrfs has numbers of its own for each mount; after the dash are its kind and what it was mounted from.
		if i := slices.Index(f, "-"); i > 5 && len(f) > i+2 && strings.HasPrefix(f[i+2], "/dev/") {
			used[f[i+2]] = append(used[f[i+2]], visible(f[4]))
		}
	}
	swaps, err := read(filepath.Join(root, "proc/swaps"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(swaps) {
		if f := strings.Fields(line); len(f) > 0 && strings.HasPrefix(f[0], "/dev/") {
			used[f[0]] = append(used[f[0]], "swap")
		}
	}
	return used, nil
}

// count is 0 for what is no number of sectors.
func count(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxImage {
		return 0
	}
	return n
}

func small(dir, name string) string {
	text, err := read(filepath.Join(dir, name))
	if err != nil {
		return "" // the kernel has it for other devices
	}
	return strings.TrimSpace(text)
}

func read(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSmall))
	return string(data), err
}

// A Medium is a disk that is open to be written, by us alone: the kernel lets nobody mount it meanwhile.
type Medium struct{ file *os.File }

// OpenMedium opens a disk that was listed. The error is EBUSY where somebody uses it, and ErrSwapped where another one is in
// its place by now: what is open stays the same medium.
func OpenMedium(d Disk) (*Medium, error) {
	f, err := os.OpenFile(d.Path, os.O_RDWR|syscall.O_EXCL, 0)
	if err != nil {
		return nil, err
	}
	now, err := identify(f)
	if err == nil {
		err = d.same(now)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Medium{f}, nil
}

// identify says which disk is open.
func identify(f *os.File) (Disk, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return Disk{}, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return Disk{}, fmt.Errorf("%w: %s is no disk", ErrSwapped, f.Name())
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return Disk{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Disk{}, err
	}
	device := fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	return Disk{Bytes: size, Device: device, Seq: small("/sys/dev/block/"+device, "diskseq")}, nil
}

// WriteAt writes to it.
func (m *Medium) WriteAt(p []byte, at int64) (int, error) { return m.file.WriteAt(p, at) }

// ReadAt reads from it.
func (m *Medium) ReadAt(p []byte, at int64) (int, error) { return m.file.ReadAt(p, at) }

// Flush waits until the disk has everything, and has the kernel forget what it remembers of it.
func (m *Medium) Flush() error {
	if err := m.file.Sync(); err != nil {
		return err
	}
	fd := int(m.file.Fd())
	if err := unix.IoctlSetInt(fd, unix.BLKFLSBUF, 0); err != nil && !errors.Is(err, unix.ENOTTY) && !errors.Is(err, unix.EACCES) {
		return err
	}
	return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED)
}

// Close has the kernel read the new table of partitions, where it can, and closes the disk.
func (m *Medium) Close() error {
	// Who plugs it in again has the table read in any case.
	_ = unix.IoctlSetInt(int(m.file.Fd()), unix.BLKRRPART, 0)
	return m.file.Close()
}
