package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A base is what a guest is made of, whatever it runs: kernel, disk, and the modules that reach the disk.
type base struct{ dir string }

func (b base) kernel() string  { return filepath.Join(b.dir, "vmlinuz") }
func (b base) disk() string    { return filepath.Join(b.dir, "root.ext4") }
func (b base) modules() string { return filepath.Join(b.dir, "modules") }

// makeBase fills work/base.
func makeBase(ctx context.Context, work string) error {
	root, out := filepath.Join(work, "root"), base{filepath.Join(work, "base")}
	if err := os.Mkdir(out.dir, 0o755); err != nil {
		return err
	}
	if err := debian(ctx, root); err != nil {
		return err
	}
	kernel, err := only(root + "/boot/vmlinuz-*")
	if err != nil {
		return err
	}
	version := strings.TrimPrefix(filepath.Base(kernel), "vmlinuz-")
	if err := addGpioSim(ctx, root, version); err != nil {
		return err
	}
	if err := takeModules(root, version, out.modules()); err != nil {
		return err
	}
	if err := copyFile(out.kernel(), kernel); err != nil {
		return err
	}
	for _, dir := range []string{"/boot", "/usr/src"} {
		if err := os.RemoveAll(root + dir); err != nil {
			return err
		}
	}
	return do(exec.CommandContext(ctx, "mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root, out.disk(), "1536M"))
}

// only finds the one file that a pattern means.
func only(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("expected one %s, found %q", pattern, found)
	}
	return found[0], nil
}

// takeModules copies what reaches the disk, with names in the order of loading.
func takeModules(root, version, to string) error {
	from := filepath.Join(root, "usr/lib/modules", version)
	dep, err := os.ReadFile(filepath.Join(from, "modules.dep"))
	if err != nil {
		return err
	}
	order, err := loadOrder(string(dep), diskModules())
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	for i, file := range order {
		if err := copyFile(filepath.Join(to, fmt.Sprintf("%02d-%s", i, filepath.Base(file))), filepath.Join(from, file)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
