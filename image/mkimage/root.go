package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"bangtin/image/debian"
	"bangtin/image/layout"
)

// installPackages makes the root tree and notes what is in it.
func (b *build) installPackages(ctx context.Context) (err error) {
	root := debian.System{Packages: b.recipe.packages, Arch: b.arch, Env: b.environment(), Options: []string{"--skip=cleanup/apt/lists"}}
	if err := root.Install(ctx, b.tree()); err != nil {
		return err
	}
	status, err := os.Open(filepath.Join(b.tree(), "var/lib/dpkg/status"))
	if err != nil {
		return err
	}
	defer status.Close()
	if b.packages, err = installed(status); err != nil {
		return err
	}
	lists, err := filepath.Glob(filepath.Join(b.tree(), "var/lib/apt/lists/*_Packages"))
	if err != nil {
		return err
	}
	var indexes []io.Reader
	for _, list := range lists {
		f, err := os.Open(list)
		if err != nil {
			return err
		}
		defer f.Close()
		indexes = append(indexes, f)
	}
	fromWorkshop, err := b.fromWorkshop()
	if err != nil {
		return err
	}
	all := append(b.packages, fromWorkshop...)
	if err := addHashes(all, indexes...); err != nil {
		return fmt.Errorf("%w; where it is of the workshop, that is out of date: remove %s", err, b.workshop)
	}
	if b.packages, err = leaveOut(b.tree(), all[:len(b.packages)], b.recipe.without); err != nil {
		return err
	}
	b.packages = append(b.packages, all[len(all)-len(fromWorkshop):]...)
	slices.SortFunc(b.packages, byName)
	return b.gatherLicences()
}

// layOver puts our programs, units and files over Debian's, makes our users, and switches on what our preset names and
// nothing else.
func (b *build) layOver(ctx context.Context) error {
	target, err := targetOf(b.arch)
	if err != nil {
		return err
	}
	built := "2026-11-01T00:00:00Z"
	if out, err := exec.CommandContext(ctx, "date", "-u", "-d", fmt.Sprintf("@%d", b.epoch), "+%Y-%m-%dT%H:%M:%SZ").Output(); err == nil {
		built = strings.TrimSpace(string(out))
	}
	for program, cgo := range map[string]string{
		"bangtind": "1", "bangtin": "0", "bangtin-console": "0", "bangtin-player": "0", "bangtin-rescue": "0", "bangtin-setup": "0",
		"bangtin-bootctl": "0",
	} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
			"-ldflags", "-s -w -X main.version="+b.version+" -X main.built="+built, "-o", b.made(program), "./cmd/"+program)
		cmd.Env = append(target.environ(), "CGO_ENABLED="+cgo)
		if err := debian.Run(cmd); err != nil {
			return err
		}
		if err := copyFile(filepath.Join(b.tree(), "usr/bin", program), b.made(program), 0o755); err != nil {
			return err
		}
	}
	// Debian's links of what is switched on: the preset says it anew.
	if err := os.RemoveAll(filepath.Join(b.tree(), "etc/systemd/system")); err != nil {
		return err
	}
	for from, to := range places(b.unitsDir, b.recipeDir) {
		if err := overlay(from, filepath.Join(b.tree(), to)); err != nil {
			return err
		}
	}
	for from, to := range documents() {
		if err := copyFile(filepath.Join(b.tree(), to), from, 0o644); err != nil {
			return err
		}
	}
	if err := b.inside(ctx, b.tree(), "systemd-sysusers"); err != nil {
		return err
	}
	return b.inside(ctx, b.tree(), "systemctl", "preset-all")
}

// documents are the pages that our units name, and where they go in the tree: who has the journal before them has these too.
func documents() map[string]string {
	return map[string]string{
		"docs/OPERATIONS.md": "usr/share/bangtin/OPERATIONS.md",
		"docs/HARDWARE.md":   "usr/share/bangtin/HARDWARE.md",
	}
}

// places says where the folders of this repository go in the tree.
func places(units, recipe string) map[string]string {
	return map[string]string{
		filepath.Join(units, "system"):          "usr/lib/systemd/system",
		filepath.Join(units, "system-preset"):   "usr/lib/systemd/system-preset",
		filepath.Join(units, "system.conf.d"):   "usr/lib/systemd/system.conf.d",
		filepath.Join(units, "journald.conf.d"): "usr/lib/systemd/journald.conf.d",
		filepath.Join(units, "repart.d"):        "usr/lib/repart.d",
		filepath.Join(units, "tmpfiles.d"):      "usr/lib/tmpfiles.d",
		filepath.Join(units, "sysusers.d"):      "usr/lib/sysusers.d",
		filepath.Join(units, "modules-load.d"):  "usr/lib/modules-load.d",
		filepath.Join(units, "udev"):            "usr/lib/udev/rules.d",
		filepath.Join(units, "polkit"):          "usr/share/polkit-1/rules.d",
		filepath.Join(recipe, "files"):          "",
	}
}

// overlay copies a folder's files and links over a tree, readable by all; what is executable stays so.
func overlay(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rest, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rest)
		if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return errors.Join(os.MkdirAll(filepath.Dir(target), 0o755), os.Symlink(link, target))
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
		return copyFile(target, path, mode)
	})
}

// trim removes what the recipe does not ship, takes away the right to become somebody else, and makes the folders that
// others are mounted on.
func (b *build) trim(context.Context) error {
	var idle []string
	for _, pattern := range b.recipe.remove {
		found, err := filepath.Glob(filepath.Join(b.tree(), pattern))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			idle = append(idle, pattern)
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	if len(idle) > 0 {
		return fmt.Errorf("nothing is there to remove at %s", strings.Join(idle, ", "))
	}
	if err := emptyFolders(b.tree()); err != nil {
		return err
	}
	if err := harmless(b.tree()); err != nil {
		return err
	}
	if err := missingLibraries(b.tree()); err != nil {
		return err
	}
	size, files, err := measureTree(b.tree())
	if err != nil {
		return err
	}
	fmt.Fprintf(b.say, "%-10s %d bytes, %.1f MiB, in %d files\n", "tree", size, float64(size)/(1<<20), files)
	return nil
}

// mountPoints are the folders that are empty in the image: each is another file system when the system runs.
func mountPoints() []string {
	return []string{"boot", "data", "dev", "home", "media", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "var"}
}

func emptyFolders(tree string) error {
	for _, name := range mountPoints() {
		path := filepath.Join(tree, name)
		entries, err := os.ReadDir(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if name == "boot" { // the kernel goes another way, and is still needed here
			entries = nil
		}
		for _, e := range entries {
			if err := os.RemoveAll(filepath.Join(path, e.Name())); err != nil {
				return err
			}
		}
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, 0o755)); err != nil {
			return err
		}
	}
	return nil
}

// harmless takes setuid and setgid from all files: nobody works on a controller who would need them, and what must be
// root is started by systemd.
func harmless(tree string) error {
	return filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) == 0 {
			return nil
		}
		return os.Chmod(path, info.Mode().Perm())
	})
}

func measureTree(tree string) (bytes int64, files int, err error) {
	err = filepath.WalkDir(tree, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		bytes, files = bytes+info.Size(), files+1
		return nil
	})
	return bytes, files, err
}

// takeKernel moves the kernel out of the tree: it is started from the boot partition. What it loads there is the initrd's.
func (b *build) takeKernel(context.Context) error {
	kernel, release, err := debian.Kernel(b.tree())
	if err != nil {
		return err
	}
	b.kernel = release
	if err := copyFile(b.made("vmlinuz"), kernel, 0o644); err != nil {
		return err
	}
	for folder, names := range map[string][]string{layout.Modules: b.recipe.modules, layout.DisplayModules: b.recipe.displays} {
		if err := debian.TakeModules(b.tree(), b.kernel, filepath.Join(b.made("initrd.d"), folder), names); err != nil {
			return err
		}
	}
	if err := b.takeFirmware(); err != nil {
		return err
	}
	// Debian's links to it, at the top, lead nowhere then.
	for _, pattern := range []string{"boot/*", "vmlinuz*", "initrd.img*"} {
		found, err := filepath.Glob(filepath.Join(b.tree(), pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}
