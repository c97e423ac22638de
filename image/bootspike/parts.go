package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"bangtin/image/debian"
)

// packages are the loaders, the firmware and the kernel, and what shows our files to EFI Boot Guard's own tools.
func packages() []string {
	return []string{"efibootguard", "grub-efi-amd64-bin", "grub-common", "ovmf", "linux-image-amd64"}
}

// guestModules are what the payload needs to reach the environments' partitions, as lsmod writes them.
func guestModules() []string { return []string{"virtio_blk", "vfat", "nls_cp437", "nls_ascii"} }

// A parts is a folder with Debian's packages.
type parts struct{ root string }

// openParts returns the folder, in the user's cache.
func openParts(ctx context.Context) (parts, error) {
	cache, err := debian.OpenCache("bootspike", packages()...)
	if err != nil {
		return parts{}, err
	}
	root, err := cache.Folder(ctx, os.Stdout, debian.System{Packages: packages()}.Install)
	return parts{root}, err
}

func (d parts) path(name string) string { return filepath.Join(d.root, name) }

func (d parts) chroot(ctx context.Context, args ...string) (string, error) {
	return output(debian.Inside(ctx, d.root, args...))
}

// do runs a program to its end and returns what it says. It ends with this one.
func do(ctx context.Context, name string, args ...string) (string, error) {
	return doInput(ctx, "", name, args...)
}

func doInput(ctx context.Context, input, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	return output(cmd)
}

func output(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	err := debian.Run(cmd)
	return out.String(), err
}
