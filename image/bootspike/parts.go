package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// suite is the product's.
const suite = "trixie"

// packages are the loaders, the firmware and the kernel, and what shows our files to EFI Boot Guard's own tools.
func packages() []string {
	return []string{"efibootguard", "grub-efi-amd64-bin", "grub-common", "ovmf", "linux-image-amd64", "kmod"}
}

// guestModules are what the payload needs to reach the environments' partitions, in words of modprobe.
func guestModules() []string { return []string{"virtio_blk", "vfat", "nls_cp437", "nls_ascii"} }

//go:embed parts.go
var recipe string

// A debian is a folder with the suite's packages. It is made once for a recipe, which is this file, and kept until a
// hand removes it: the numbers in docs/BOOT.md are of one set of versions.
type debian struct{ root string }

// openDebian returns the folder, in the user's cache.
func openDebian(ctx context.Context) (debian, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return debian{}, fmt.Errorf("cannot find the cache: %w", err)
	}
	sum := sha256.Sum256([]byte(recipe))
	root := filepath.Join(cache, "bangtin", "bootspike-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(root); err == nil {
		return debian{root}, nil
	}
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		return debian{}, fmt.Errorf("cannot make the cache: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(root), "bootspike-making-")
	if err != nil {
		return debian{}, fmt.Errorf("cannot make the parts: %w", err)
	}
	defer os.RemoveAll(work)
	mirror, err := mirror(ctx)
	if err != nil {
		return debian{}, err
	}
	fmt.Println("fetching the parts from Debian; they are kept in", root)
	made := filepath.Join(work, "root")
	args := []string{
		"--mode=root", "--variant=minbase", "--format=directory", "--include=" + strings.Join(packages(), ","),
		`--aptopt=Acquire::Check-Valid-Until "false"`,
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
	}
	if _, err := do(ctx, "mmdebstrap", append(args, suite, made, mirror)...); err != nil {
		return debian{}, err
	}
	if err := os.Rename(made, root); err != nil {
		return debian{}, fmt.Errorf("cannot keep the parts: %w", err)
	}
	return debian{root}, nil
}

// mirror is where this machine has Debian from.
func mirror(ctx context.Context) (string, error) {
	out, err := do(ctx, "apt-get", "indextargets", "--format", "$(LABEL) $(COMPONENT) $(CODENAME) $(REPO_URI)", "Created-By: Packages")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) == 4 && f[0] == "Debian" && f[1] == "main" && !strings.Contains(f[2], "-") {
			return f[3], nil
		}
	}
	return "", fmt.Errorf("cannot find Debian's main archive among what apt has here")
}

func (d debian) path(name string) string { return filepath.Join(d.root, name) }

func (d debian) chroot(ctx context.Context, args ...string) (string, error) {
	return do(ctx, "chroot", append([]string{d.root}, args...)...)
}

// modules are the files that modprobe would load for the payload, in its order.
func (d debian) modules(ctx context.Context) ([]string, error) {
	version, err := d.only("usr/lib/modules/*")
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range guestModules() {
		out, err := d.chroot(ctx, "modprobe", "--set-version", filepath.Base(version), "--show-depends", name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == "insmod" {
				all = append(all, d.path(f[1]))
			}
		}
	}
	return all, nil
}

// only finds the one file that a pattern means.
func (d debian) only(pattern string) (string, error) {
	found, err := filepath.Glob(d.path(pattern))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("expected one %s, found %q", pattern, found)
	}
	return found[0], nil
}

// do runs a program to its end and returns what it says. It ends with this one.
func do(ctx context.Context, name string, args ...string) (string, error) {
	return doInput(ctx, "", name, args...)
}

func doInput(ctx context.Context, input, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("cannot run %s: %w\n%s", name, err, said.Bytes())
	}
	return out.String(), nil
}
