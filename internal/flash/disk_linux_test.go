package flash_test

import (
	"os"
	"path/filepath"
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
	disk("sdb", "pci0/usb1/1-1/block", map[string]string{"size": "2000", "dev": "8:16", "ro": "0", "device/vendor": "Acme", "device/model": "Stick",
		"sdb2/partition": "2", "sdb2/dev": "8:18"})
	disk("sdc", "pci0/usb1/1-2/block", map[string]string{"size": "0", "dev": "8:32"})
	disk("sdd", "pci0/ata2/block", map[string]string{"size": "8", "dev": "8:48", "sdd1/partition": "1", "sdd1/dev": "8:49", "sdd1/holders/dm-0/x": ""})
	disk("mmcblk0", "platform/mmc_host/mmc0/block", map[string]string{"size": "30", "dev": "179:0", "ro": "1", "device/name": "SD32G"})
	disk("dm-0", "virtual/block", map[string]string{"size": "5", "dev": "253:0"})
	put("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 8:18 / /media/an\\040b rw - vfat /dev/sdb2 rw")
	put("proc/swaps", "Filename Type\n/dev/sda2 partition 1 0 -2")

	got, err := flash.Disks(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []flash.Disk{
		{Path: "/dev/mmcblk0", Bytes: 15360, Model: "SD32G", Bus: "mmc", Locked: true},
		{Path: "/dev/sda", Bytes: 512000, Model: "SSD[2J", Users: []string{"/", "swap"}},
		{Path: "/dev/sdb", Bytes: 1024000, Model: "Acme Stick", Bus: "usb", Users: []string{`/media/an\040b`}},
		{Path: "/dev/sdd", Bytes: 4096, Users: []string{"dm-0"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !got[2].Portable() || got[1].Portable() {
		t.Error("a stick is portable, a disk that is built in is not")
	}
}
