package debian_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bangtin/image/debian"
)

const dep = `kernel/fs/ext4/ext4.ko.xz: kernel/lib/crc16.ko.xz kernel/fs/mbcache.ko.xz kernel/fs/jbd2/jbd2.ko.xz
kernel/fs/jbd2/jbd2.ko.xz: kernel/lib/crc16.ko.xz
kernel/drivers/block/virtio_blk.ko.xz:
kernel/crypto/crc32c-generic.ko.xz:
`

const builtin = "kernel/drivers/virtio/virtio_pci.ko\n"

func TestLoadOrder(t *testing.T) {
	got, err := debian.LoadOrder(dep, builtin, []string{"crc32c_generic", "virtio_blk", "ext4", "jbd2"})
	want := []string{
		"kernel/crypto/crc32c-generic.ko.xz", "kernel/drivers/block/virtio_blk.ko.xz",
		"kernel/fs/jbd2/jbd2.ko.xz", "kernel/fs/mbcache.ko.xz", "kernel/lib/crc16.ko.xz", "kernel/fs/ext4/ext4.ko.xz",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, bad := range []string{"btrfs", "virtio_pci"} {
		if _, err := debian.LoadOrder(dep, builtin, []string{bad}); err == nil {
			t.Errorf("module %s was found", bad)
		}
	}
}

func TestTakeModules(t *testing.T) {
	root, to := t.TempDir(), filepath.Join(t.TempDir(), "a", "modules")
	for name, text := range map[string]string{
		"modules.dep": dep, "modules.builtin": builtin, "kernel/lib/crc16.ko.xz": "crc16", "kernel/fs/jbd2/jbd2.ko.xz": "jbd2",
	} {
		path := filepath.Join(root, "usr/lib/modules/6.12.1", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := debian.TakeModules(root, "6.12.1", to, []string{"jbd2"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"00-crc16.ko.xz": "crc16", "01-jbd2.ko.xz": "jbd2"} {
		if got, err := os.ReadFile(filepath.Join(to, name)); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if err := debian.TakeModules(root, "6.12.1", to, []string{"ext4"}); !os.IsNotExist(err) {
		t.Errorf("a module without a file: %v", err)
	}
}

func TestPickSources(t *testing.T) {
	const (
		security = "Debian Debian-Security main bookworm-security http://security.invalid/debian-security/\n"
		main     = "Debian Debian main bookworm-updates http://updates.invalid/debian/\nDebian Debian main bookworm http://mirror.invalid/debian/\n"
		other    = "nodesource nodesource main nodistro http://other.invalid/\nDebian Debian contrib bookworm http://contrib.invalid/\n"
	)
	want := []string{
		"deb http://mirror.invalid/debian/ trixie main non-free-firmware",
		"deb http://mirror.invalid/debian/ trixie-updates main non-free-firmware",
		"deb http://security.invalid/debian-security/ trixie-security main non-free-firmware",
	}
	got, err := debian.PickSources(other + security + main)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, targets := range []string{"", other, other + main, other + security} {
		if got, err := debian.PickSources(targets); err == nil {
			t.Errorf("%q was picked from %q", got, targets)
		}
	}
}

func TestKernel(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(root+"/boot", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := debian.Kernel(root); err == nil {
		t.Error("a kernel was found where none is")
	}
	for _, release := range []string{"6.12.1-amd64", "6.12.2-amd64"} {
		if err := os.WriteFile(root+"/boot/vmlinuz-"+release, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		file, got, err := debian.Kernel(root)
		if release == "6.12.1-amd64" {
			if file != root+"/boot/vmlinuz-"+release || got != release || err != nil {
				t.Errorf("%s, %s, %v", file, got, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), "expected one") {
			t.Errorf("with two kernels: %v", err)
		}
	}
}
