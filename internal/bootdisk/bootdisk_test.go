package bootdisk_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bangtin/internal/bootdisk"
)

// A machine is a tree of sysfs, its devices, and what the initrd wrote down.
type machine struct {
	t             *testing.T
	sys, dev, run string
}

func newMachine(t *testing.T, disk string) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{t, filepath.Join(dir, "sys"), filepath.Join(dir, "dev"), filepath.Join(dir, "disk")}
	m.must(os.MkdirAll(filepath.Join(m.sys, "class/block"), 0o755), os.Mkdir(m.dev, 0o755), os.WriteFile(m.run, []byte(disk), 0o644))
	return m
}

func (m *machine) must(all ...error) {
	m.t.Helper()
	if err := errors.Join(all...); err != nil {
		m.t.Fatal(err)
	}
}

// plug plugs in a disk with eight partitions, whose names come of its own.
func (m *machine) plug(disk, between string, minor int) {
	m.t.Helper()
	place := filepath.Join(m.sys, "devices", disk)
	m.must(os.MkdirAll(place+"/queue", 0o755), os.Symlink("../../devices/"+disk, filepath.Join(m.sys, "class/block", disk)))
	for n := 1; n <= 8; n++ {
		name := fmt.Sprint(disk, between, n)
		m.must(
			os.Mkdir(filepath.Join(place, name), 0o755),
			os.WriteFile(filepath.Join(place, name, "partition"), fmt.Appendf(nil, "%d\n", n), 0o644),
			os.WriteFile(filepath.Join(place, name, "dev"), fmt.Appendf(nil, "259:%d\n", minor+n), 0o644),
			os.Symlink("../../devices/"+disk+"/"+name, filepath.Join(m.sys, "class/block", name)),
		)
	}
}

func (m *machine) node(name string, minor int) {
	m.t.Helper()
	if err := unix.Mknod(filepath.Join(m.dev, name), unix.S_IFBLK|0o600, int(unix.Mkdev(259, uint32(minor)))); errors.Is(err, unix.EPERM) {
		m.t.Skip("only root may make a device:", err)
	} else {
		m.must(err)
	}
}

// TestAnotherDiskLikeOurs: the disk that the root is on decides, wherever the other one stands in the list.
func TestAnotherDiskLikeOurs(t *testing.T) {
	for _, disk := range []string{"nvme0n1", "sda"} {
		m := newMachine(t, disk+"\n")
		m.plug("nvme0n1", "p", 0)
		m.plug("sda", "", 100)
		m.node("nvme0n1p8", 8)
		m.node("sda8", 108)
		want := filepath.Join(m.dev, map[string]string{"nvme0n1": "nvme0n1p8", "sda": "sda8"}[disk])
		if got, err := bootdisk.Partition(m.sys, m.dev, m.run, 8); got != want || err != nil {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
		if _, err := bootdisk.Partition(m.sys, m.dev, m.run, 9); !errors.Is(err, fs.ErrNotExist) {
			t.Error("a ninth partition:", err)
		}
	}
}

// TestANodeThatIsAnother: a name below /dev is not believed.
func TestANodeThatIsAnother(t *testing.T) {
	m := newMachine(t, "sda\n")
	m.plug("sda", "", 0)
	if _, err := bootdisk.Partition(m.sys, m.dev, m.run, 8); !errors.Is(err, fs.ErrNotExist) {
		t.Error("no node yet:", err)
	}
	m.must(os.WriteFile(filepath.Join(m.dev, "sda7"), nil, 0o600), os.Symlink("sda1", filepath.Join(m.dev, "sda6")))
	m.node("sda8", 9)
	m.node("sda1", 6)
	for _, number := range []int{6, 7, 8} {
		if got, err := bootdisk.Partition(m.sys, m.dev, m.run, number); err == nil || !strings.Contains(err.Error(), "is not the device") {
			t.Errorf("%d: %q, %v", number, got, err)
		}
	}
}

func TestWhatIsNoDisk(t *testing.T) {
	for _, text := range []string{"", "\n", "..\n", ".\n", "../../etc\n", "sda\nsdb\n", "sda8\n", "sdb\n", "/dev/sda\n", strings.Repeat("x", 33)} {
		m := newMachine(t, text)
		m.plug("sda", "", 0)
		if got, err := bootdisk.Partition(m.sys, m.dev, m.run, 8); err == nil || got != "" {
			t.Errorf("%q has %q", text, got)
		}
	}
	m := newMachine(t, "sda\n")
	m.must(os.Remove(m.run))
	if _, err := bootdisk.Partition(m.sys, m.dev, m.run, 8); !errors.Is(err, fs.ErrNotExist) {
		t.Error("nobody wrote a disk down:", err)
	}
}
