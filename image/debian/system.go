// Package debian installs Debian in folders: from the mirrors that this machine has its own packages from, kept in the
// user's cache where that is wanted, and with its kernel's modules in the order of loading. It needs root and mmdebstrap.
package debian

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Suite is Debian's release, the product's.
const Suite = "trixie"

// A System is what is installed in a folder: Debian's smallest set, and what is named.
type System struct {
	Packages []string
	Arch     string   // Debian's name of its architecture; this machine's when empty; with a comma, others whose packages it may have too
	Options  []string // more of mmdebstrap's
	Env      []string // of the packages' scripts; Environment when nil
}

// Install installs the system in a folder that is new or empty. The kernel's package asks for an initrd, which none of
// ours is started with: nothing makes one.
func (s System) Install(ctx context.Context, root string) error {
	arch, _, _ := strings.Cut(s.Arch, ",")
	if err := emulate(ctx, arch); err != nil {
		return err
	}
	archives, err := sources(ctx)
	if err != nil {
		return err
	}
	all, err := settings(ctx)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "debian-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	conf := filepath.Join(temp, "apt.conf")
	if err := os.WriteFile(conf, all, 0o644); err != nil {
		return err
	}
	args := []string{
		"--mode=root", "--variant=minbase", "--format=directory", "--include=" + strings.Join(s.Packages, ","), "--aptopt=" + conf,
		"--dpkgopt=path-exclude=/usr/share/man/*",
		`--essential-hook=chroot "$1" dpkg-divert --local --rename --add /usr/sbin/update-initramfs && ln -s /bin/true "$1/usr/sbin/update-initramfs"`,
	}
	if s.Arch != "" {
		args = append(args, "--architectures="+s.Arch)
	}
	cmd := exec.CommandContext(ctx, "mmdebstrap", slices.Concat(args, s.Options, []string{Suite, root}, archives)...)
	if cmd.Env = s.Env; s.Env == nil {
		cmd.Env = Environment()
	}
	return Run(cmd)
}

// Environment says nothing of this machine.
func Environment() []string {
	return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/root"}
}

// Inside is a program of the system in root, for Run.
func Inside(ctx context.Context, root string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "chroot", append([]string{root}, args...)...)
	cmd.Env = Environment()
	return cmd
}

// Kernel finds the one kernel of the system in root, and its release.
func Kernel(root string) (file, release string, err error) {
	file, err = Only(filepath.Join(root, "boot/vmlinuz-*"))
	return file, strings.TrimPrefix(filepath.Base(file), "vmlinuz-"), err
}

// Only finds the one file that a pattern means.
func Only(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("expected one %s, found %q", pattern, found)
	}
	return found[0], nil
}
