// Command plain is the first process of the machine that a controller's start is measured against: it loads the same
// modules, mounts the same root, and has a shell start mpv there on one picture. Nothing is verified, checked or
// supervised, and nothing else is started.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/image/layout"
)

// The root's slot A on the machine's only disk. mpv has the arguments that the display gives it, as far as they decide
// what it does before its first picture.
const (
	root    = "/root-of-it"
	picture = "/picture.png"
	shell   = "mount -t tmpfs tmpfs /tmp; export HOME=/tmp; exec mpv --no-config --load-scripts=no --osc=no --ytdl=no --demuxer=lavf --cache=no --osd-level=0 " +
		"--image-display-duration=inf --swapchain-depth=1 --vo=gpu,drm --ao=null --msg-level=all=warn,statusline=no /run" + picture + " >/dev/console 2>&1"
)

func main() {
	fmt.Fprintln(os.Stderr, start())
	select {} // a first process that ends takes the machine with it
}

func start() error {
	for _, m := range []struct{ kind, to string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/run"}} {
		if err := errors.Join(os.MkdirAll(m.to, 0o755), unix.Mount(m.kind, m.to, m.kind, 0, "")); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("cannot mount %s: %w", m.to, err)
		}
	}
	for _, folder := range []string{layout.Modules, layout.DisplayModules} {
		if err := load(folder); err != nil {
			return err
		}
	}
	device, err := rootDevice()
	if err != nil {
		return err
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) { // the disk is found meanwhile
		err := errors.Join(os.MkdirAll(root, 0o755), unix.Mount(device, root, "erofs", unix.MS_RDONLY, ""))
		if err == nil {
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("cannot mount %s: %w", device, err)
		}
	}
	data, err := os.ReadFile(picture)
	if err != nil {
		return err
	}
	if err := os.WriteFile("/run"+picture, data, 0o644); err != nil {
		return err
	}
	for _, folder := range []string{"/proc", "/sys", "/dev", "/run"} {
		if err := unix.Mount(folder, root+folder, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("cannot move %s: %w", folder, err)
		}
	}
	if err := errors.Join(unix.Chroot(root), os.Chdir("/")); err != nil {
		return err
	}
	return unix.Exec("/bin/sh", []string{"sh", "-c", shell}, []string{"PATH=/usr/sbin:/usr/bin"})
}

// rootDevice is the first root of the layout, as the kernel numbers it.
func rootDevice() (string, error) {
	for i, p := range layout.Partitions() {
		if p.Role == layout.Root {
			return fmt.Sprintf("/dev/vda%d", i+1), nil
		}
	}
	return "", errors.New("the layout has no root")
}

// load loads a folder's modules in the order of their names. What has no hardware here is no error.
func load(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.ko*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		flags := 0
		if filepath.Ext(file) != ".ko" {
			flags = unix.MODULE_INIT_COMPRESSED_FILE
		}
		if err := unix.FinitModule(int(f.Fd()), "", flags); err != nil {
			fmt.Fprintln(os.Stderr, file, err)
		}
		f.Close()
	}
	return nil
}
