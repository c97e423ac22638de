package flash_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/flash"
)

// A machine with a disk of its own in use, a stick whose second partition is mounted, a card, an empty reader, and a disk under LVM.
func TestDisks(t *testing.T) {
	root := t.TempDir()
	put := func(path, text string) {
		t.Helper()
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	disk := func(name, at string, files map[string]string) {
		t.Helper()
		for file, text := range files {
			put("sys/devices/"+at+"/"+name+"/"+file, text)
		}
		if err := os.MkdirAll(filepath.Join(root, "sys/block"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../devices/"+at+"/"+name, filepath.Join(root, "sys/block", name)); err != nil {
			t.Fatal(err)
		}
	}
	disk("sda", "pci0/ata1/block", map[string]string{"size": "1000", "dev": "8:0", "ro": "0", "device/model": "SSD\x1b[2J",
		"sda1/partition": "1", "sda1/dev": "8:1", "sda2/partition": "2", "sda2/dev": "8:2"})
	disk("sdb", "pci0/usb1/1-1/block", map[string]string{"size": "2000", "dev": "8:16", "ro": "0", "diskseq": "17", "device/vendor": "Acme", "device/model": "Stick",
		"sdb1/partition": "1", "sdb1/dev": "8:17", "sdb1/uevent": "PARTN=1\nPARTNAME=ESP", "sdb2/partition": "2", "sdb2/dev": "8:18"})
	disk("sdc", "pci0/usb1/1-2/block", map[string]string{"size": "0", "dev": "8:32"})
	disk("sdd", "pci0/ata2/block", map[string]string{"size": "8", "dev": "8:48", "sdd1/partition": "1", "sdd1/dev": "8:49", "sdd1/holders/dm-0/x": ""})
	disk("mmcblk0", "platform/mmc_host/mmc0/block", map[string]string{"size": "30", "dev": "179:0", "ro": "1", "device/name": "SD32G", "device/type": "SD"})
	disk("mmcblk1", "platform/mmc_host/mmc1/block", map[string]string{"size": "30", "dev": "179:8", "device/name": "EMMC", "device/type": "MMC"})
	disk("sde", "pci0/usb1/1-3/block", map[string]string{"size": "2", "dev": "8:64", "sde1/partition": "1", "sde1/dev": "8:65"})
	disk("dm-0", "virtual/block", map[string]string{"size": "5", "dev": "253:0"})
	put("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 8:18 / /media/an\\040b rw - vfat /dev/sdb2 rw\n31 22 0:44 /sub /backup rw shared:7 - btrfs /dev/sde1 rw")
	if err := os.MkdirAll(filepath.Join(root, "dev/disk/by-label"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../sdb2", filepath.Join(root, `dev/disk/by-label/GATE\x207`)); err != nil {
		t.Fatal(err)
	}
	put("proc/swaps", "Filename Type\n/dev/sda2 partition 1 0 -2")

	got, err := flash.Disks(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []flash.Disk{
		{Path: "/dev/mmcblk0", Bytes: 15360, Model: "SD32G", Bus: "mmc", Locked: true, Device: "179:0"},
		{Path: "/dev/mmcblk1", Bytes: 15360, Model: "EMMC", Device: "179:8"},
		{Path: "/dev/sda", Bytes: 512000, Model: "SSD[2J", Users: []string{"/", "swap"}, Parts: []string{"sda1", "sda2"}, Device: "8:0"},
		{Path: "/dev/sdb", Bytes: 1024000, Model: "Acme Stick", Bus: "usb", Users: []string{`/media/an\040b`}, Parts: []string{"sdb1 (ESP)", "sdb2 (GATE 7)"},
			Device: "8:16", Seq: "17"},
		{Path: "/dev/sdd", Bytes: 4096, Users: []string{"dm-0"}, Parts: []string{"sdd1"}, Device: "8:48"},
		{Path: "/dev/sde", Bytes: 1024, Bus: "usb", Users: []string{"/backup"}, Parts: []string{"sde1"}, Device: "8:64"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !got[3].Portable() || got[2].Portable() || got[1].Portable() {
		t.Error("a stick is portable, a disk that is built in or soldered is not")
	}
}

// Between the listing and the opening somebody may have plugged in another stick.
func TestOpenMediumKnowsTheDiskAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := flash.OpenMedium(flash.Disk{Path: file, Bytes: 1 << 20}); !errors.Is(err, flash.ErrSwapped) {
		t.Errorf("a file is no disk: %v", err)
	}
	out, err := exec.Command("losetup", "-f", "--show", file).CombinedOutput()
	if err != nil {
		t.Skipf("there is no loop device: %v: %s", err, out)
	}
	device := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", device).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	disks, err := flash.Disks("/")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range disks {
		if d.Path != device {
			continue
		}
		larger, other, anew := d, d, d
		larger.Bytes, other.Device, anew.Seq = d.Bytes+512, "8:16", "another"
		for _, swapped := range []flash.Disk{larger, other, anew} {
			if _, err := flash.OpenMedium(swapped); !errors.Is(err, flash.ErrSwapped) {
				t.Errorf("%+v: %v", swapped, err)
			}
		}
		m, err := flash.OpenMedium(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		return
	}
	t.Errorf("%s is not listed", device)
}
