package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The files that make a base are part of what it is named for: a change of the recipe makes it anew.
var (
	//go:embed base.go
	baseRecipe string
	//go:embed debian.go
	debianRecipe string
	//go:embed gpiosim.go
	gpioSimRecipe string
)

// unusedFor is how long a base that no run has asked for is kept.
const unusedFor = 14 * 24 * time.Hour

// A base is what a guest is made of, whatever it runs: kernel, disk, and the modules that reach the disk.
type base struct{ dir string }

func (b base) kernel() string  { return filepath.Join(b.dir, "vmlinuz") }
func (b base) disk() string    { return filepath.Join(b.dir, "root.ext4") }
func (b base) modules() string { return filepath.Join(b.dir, "modules") }

// base returns the base that this program's recipe makes, from the cache when it is there. Two that run at once make
// it once.
func (b *bench) base(ctx context.Context) (base, error) {
	cache, err := os.UserCacheDir() // $XDG_CACHE_HOME, else ~/.cache
	if err != nil {
		return base{}, fmt.Errorf("cannot find the cache: %w", err)
	}
	cache = filepath.Join(cache, "bangtin")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return base{}, fmt.Errorf("cannot make the cache: %w", err)
	}
	unlock, err := lock(filepath.Join(cache, "boottest.lock"))
	if err != nil {
		return base{}, err
	}
	defer unlock()
	sum := sha256.Sum256([]byte(baseRecipe + debianRecipe + gpioSimRecipe))
	made := base{filepath.Join(cache, "boottest-"+hex.EncodeToString(sum[:8]))}
	if _, err := os.Stat(made.dir); err == nil {
		now := time.Now()
		return made, os.Chtimes(made.dir, now, now)
	}
	fmt.Fprintln(b.out, "making the guest from Debian's packages; it is kept in", made.dir)
	if err := forget(cache); err != nil {
		return base{}, err
	}
	work, err := os.MkdirTemp(cache, "boottest-making-")
	if err != nil {
		return base{}, fmt.Errorf("cannot make the guest: %w", err)
	}
	defer os.RemoveAll(work)
	if err := makeBase(ctx, work); err != nil {
		return base{}, fmt.Errorf("cannot make the guest: %w", err)
	}
	return made, os.Rename(filepath.Join(work, "base"), made.dir)
}

// lock waits until no other process holds the file, however long that makes a guest.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the cache: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			return f.Close, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("cannot lock the cache: %w", err)
		}
	}
}

// forget removes what no run has used for long, and what a killed run left half made.
func forget(cache string) error {
	old, err := filepath.Glob(filepath.Join(cache, "boottest-*"))
	if err != nil {
		return err
	}
	for _, dir := range old {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		half, err := filepath.Match("boottest-making-*", filepath.Base(dir))
		if err != nil {
			return err
		}
		if half || time.Since(info.ModTime()) > unusedFor {
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("cannot remove an old guest: %w", err)
			}
		}
	}
	return nil
}

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
