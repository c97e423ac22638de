package main

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"bangtin/image/debian"
)

// The files that make a base are its recipe: a change of them makes it anew.
var (
	//go:embed base.go
	baseRecipe string
	//go:embed gpiosim.go
	gpioSimRecipe string
)

// openCache opens the cache of bases.
func openCache() (debian.Cache, error) {
	return debian.OpenCache("boottest", baseRecipe, gpioSimRecipe)
}

// A base is what a guest is made of, whatever it runs: kernel, disk, and the modules that reach the disk.
type base struct{ dir string }

func (b base) kernel() string  { return filepath.Join(b.dir, "vmlinuz") }
func (b base) disk() string    { return filepath.Join(b.dir, "root.ext4") }
func (b base) modules() string { return filepath.Join(b.dir, "modules") }

// makeBase returns the base that this program's recipe makes, from the cache when it is there.
func makeBase(ctx context.Context, cache debian.Cache, out io.Writer) (base, error) {
	dir, err := cache.Folder(ctx, out, func(ctx context.Context, dir string) error { return base{dir}.fill(ctx) })
	return base{dir}, err
}

// diskModules are what stands between the kernel and its disk. Debian has them as modules; ext4 asks for its checksum
// by a name (modules.softdep), which modules.dep does not say.
func diskModules() []string { return []string{"crc32c_generic", "virtio_blk", "ext4"} }

// guestSystem is what the guest has beside Debian's smallest set. The last line of packages is for making gpio-sim.
func guestSystem() debian.System {
	return debian.System{
		Packages: []string{
			"linux-image-amd64", "kmod",
			"v4l-utils", "i2c-tools", "usbutils", "libdrm-tests",
			"erofs-utils", "cryptsetup-bin", "fdisk",
			"linux-headers-amd64", "linux-source-6.12", "gcc", "make", "xz-utils",
		},
		Options: []string{"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*"},
	}
}

// fill makes the base in its folder.
func (b base) fill(ctx context.Context) (err error) {
	root := filepath.Join(b.dir, "root")
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	if err := guestSystem().Install(ctx, root); err != nil {
		return err
	}
	kernel, release, err := debian.Kernel(root)
	if err != nil {
		return err
	}
	if err := addGpioSim(ctx, root, release); err != nil {
		return err
	}
	if err := debian.TakeModules(root, release, b.modules(), diskModules()); err != nil {
		return err
	}
	if err := copyFile(b.kernel(), kernel); err != nil {
		return err
	}
	for _, dir := range []string{"/boot", "/usr/src"} {
		if err := os.RemoveAll(root + dir); err != nil {
			return err
		}
	}
	return debian.Run(exec.CommandContext(ctx, "mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root, b.disk(), "1536M"))
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
