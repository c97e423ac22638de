package guest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// root is where the disk is mounted before it becomes /.
const (
	root = "/sysroot"
	disk = "/dev/vda"
)

// diskWait is the longest that the disk may take to appear once its driver is loaded.
const diskWait = 30 * time.Second

type mount struct{ from, to, kind string }

// enter goes from the initial file system to the disk's, with all mounted that a Linux has.
func enter() error {
	if err := mountAll([]mount{{"dev", "/dev", "devtmpfs"}}); err != nil {
		return err
	}
	modules, err := filepath.Glob(Modules + "/*")
	if err != nil {
		return err
	}
	for _, path := range modules {
		if err := load(path); err != nil {
			return err
		}
	}
	if err := await(disk); err != nil {
		return err
	}
	err = mountAll([]mount{
		{disk, root, "ext4"},
		{"dev", root + "/dev", "devtmpfs"},
		{"proc", root + "/proc", "proc"},
		{"sys", root + "/sys", "sysfs"},
		{"tmp", root + "/tmp", "tmpfs"},
		{"run", root + "/run", "tmpfs"},
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(root+Payload, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(Payload, root+Payload, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot mount %s: %w", Payload, err)
	}
	// The kernel's own threads share this root, so what they load by themselves comes from the disk too.
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("cannot move the root: %w", err)
	}
	if err := errors.Join(unix.Chroot("."), os.Chdir("/")); err != nil {
		return fmt.Errorf("cannot enter the root: %w", err)
	}
	if out, err := exec.Command("/sbin/modprobe", "configfs").CombinedOutput(); err != nil {
		return fmt.Errorf("cannot load configfs: %w: %s", err, out)
	}
	return mountAll([]mount{
		{"devpts", "/dev/pts", "devpts"},
		{"shm", "/dev/shm", "tmpfs"},
		{"debugfs", "/sys/kernel/debug", "debugfs"},
		{"configfs", "/sys/kernel/config", "configfs"},
	})
}

func mountAll(all []mount) error {
	for _, m := range all {
		if err := os.MkdirAll(m.to, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.from, m.to, m.kind, 0, ""); err != nil {
			return fmt.Errorf("cannot mount %s: %w", m.to, err)
		}
	}
	return nil
}

// load loads a module, which may be compressed as the distribution has it.
func load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if filepath.Ext(path) != ".ko" {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	if err := unix.FinitModule(int(f.Fd()), "", flags); err != nil {
		return fmt.Errorf("cannot load %s: %w", path, err)
	}
	return nil
}

func await(path string) error {
	for end := time.Now().Add(diskWait); ; time.Sleep(50 * time.Millisecond) {
		_, err := os.Stat(path)
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("cannot find the disk within %v: %w", diskWait, err)
		}
	}
}
