package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadOrder(t *testing.T) {
	const dep = `kernel/fs/ext4/ext4.ko.xz: kernel/lib/crc16.ko.xz kernel/fs/mbcache.ko.xz kernel/fs/jbd2/jbd2.ko.xz
kernel/fs/jbd2/jbd2.ko.xz: kernel/lib/crc16.ko.xz
kernel/drivers/block/virtio_blk.ko.xz:
kernel/crypto/crc32c-generic.ko.xz:
`
	got, err := loadOrder(dep, []string{"crc32c_generic", "virtio_blk", "ext4", "jbd2"})
	want := []string{
		"kernel/crypto/crc32c-generic.ko.xz", "kernel/drivers/block/virtio_blk.ko.xz",
		"kernel/fs/jbd2/jbd2.ko.xz", "kernel/fs/mbcache.ko.xz", "kernel/lib/crc16.ko.xz", "kernel/fs/ext4/ext4.ko.xz",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := loadOrder(dep, []string{"btrfs"}); err == nil {
		t.Error("a module that is not there was found")
	}
}

func TestPickMirror(t *testing.T) {
	const others = `nodesource nodesource main nodistro http://other.invalid/
Debian Debian-Security main bookworm-security http://mirror.invalid/debian-security/
Debian Debian main bookworm-updates http://updates.invalid/debian/
Debian Debian contrib bookworm http://contrib.invalid/debian/
`
	got, err := pickMirror(others + "Debian Debian main bookworm http://mirror.invalid/debian/\n")
	if got != "http://mirror.invalid/debian/" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, targets := range []string{"", others} {
		if got, err := pickMirror(targets); err == nil {
			t.Errorf("%q was picked from %q", got, targets)
		}
	}
}
