package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"bangtin/image/debian"
)

// inside runs a program in a folder that holds a system.
func (b *build) inside(ctx context.Context, root string, args ...string) error {
	cmd := debian.Inside(ctx, root, args...)
	cmd.Env = b.environment()
	return debian.Run(cmd)
}

// environment is what every tool gets that makes a part of the image.
func (b *build) environment() []string {
	return append(debian.Environment(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", b.epoch))
}

// workshopPackages are the tools: the same on every machine, and of the release that the image is of. What becomes part of
// the image is of its architecture.
func workshopPackages(arch string) []string {
	return []string{
		"erofs-utils", "cryptsetup-bin", // the root and its dm-verity tree
		"systemd-ukify", "systemd-boot-efi:" + arch, "sbsigntool", // the kernel image
		"efibootguard:" + arch, "mtools", "dosfstools", "fdisk", "e2fsprogs", // the disk
		"bmap-tools", "zstd", "systemd",
	}
}

// findWorkshop finds the folder with a system that holds the tools, or makes it.
func (b *build) findWorkshop(ctx context.Context) error {
	tools := debian.System{Packages: workshopPackages(b.arch), Arch: runtime.GOARCH}
	if b.arch != runtime.GOARCH {
		tools.Arch += "," + b.arch
	}
	cache, err := debian.OpenCache("workshop", append(tools.Packages, tools.Arch)...)
	if err != nil {
		return err
	}
	b.workshop, err = cache.Folder(ctx, b.say, tools.Install)
	return err
}

// tool runs a program of the workshop, which sees the working folder at /mnt.
func (b *build) tool(ctx context.Context, args ...string) error {
	return b.toolTo(ctx, nil, args...)
}

// toolTo is tool, with what the program writes to its standard output kept.
func (b *build) toolTo(ctx context.Context, stdout io.Writer, args ...string) error {
	const enter = `mount --bind "$1" "$2/mnt" && root=$2 && shift 2 && exec chroot "$root" "$@"`
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", enter, "tool", b.work, b.workshop}, args...)...)
	cmd.Env = b.environment()
	cmd.Stdout = stdout
	if err := debian.Run(cmd); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}

// copyFile copies a file's bytes under a new name with a mode of its own, whatever the umask.
func copyFile(to, from string, mode os.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, data, mode)
}

// writeFile writes a file and its folders with modes that do not depend on the umask.
func writeFile(to string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to, data, mode); err != nil {
		return err
	}
	return os.Chmod(to, mode)
}
