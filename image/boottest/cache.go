package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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

const (
	// keptFor is how old a base may be, however often it is used: the tests are to meet the kernel that Debian has now.
	keptFor = 14 * 24 * time.Hour
	// runsOut is how much longer an old base stays, for a run that began with it.
	runsOut = 24 * time.Hour
	// makingLimit is the longest that making a base may take: some 400 MB of packages, and a slow machine.
	makingLimit = 30 * time.Minute
)

// A cache keeps the bases that were made.
type cache struct{ dir string }

// openCache makes the folder: $XDG_CACHE_HOME/bangtin, else below ~/.cache.
func openCache() (cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return cache{}, fmt.Errorf("cannot find the cache: %w", err)
	}
	c := cache{filepath.Join(dir, "bangtin")}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return cache{}, fmt.Errorf("cannot make the cache: %w", err)
	}
	return c, nil
}

// recipe names what this program makes.
func recipe() string {
	sum := sha256.Sum256([]byte(baseRecipe + debianRecipe + gpioSimRecipe))
	return "boottest-" + hex.EncodeToString(sum[:8])
}

// find returns a base of this program's recipe that is not too old.
func (c cache) find(now time.Time) (b base, found bool, err error) {
	all, err := filepath.Glob(filepath.Join(c.dir, recipe()+"-*"))
	if err != nil {
		return base{}, false, err
	}
	for _, dir := range all {
		info, err := os.Stat(dir)
		if err != nil {
			return base{}, false, err
		}
		if now.Sub(info.ModTime()) <= keptFor {
			return base{dir}, true, nil
		}
	}
	return base{}, false, nil
}

// permit refuses, before any work, what would only fail after it: making a base without being root.
func (c cache) permit(user int) error {
	_, found, err := c.find(time.Now())
	if err == nil && !found && user != 0 {
		err = errors.New("cannot make the guest: only root may install a system in a folder")
	}
	return err
}

// base returns the base that this program's recipe makes, from the cache when it is there. Two that run at once make
// it once.
func (c cache) base(ctx context.Context, out io.Writer) (base, error) {
	unlock, err := lock(filepath.Join(c.dir, "boottest.lock"))
	if err != nil {
		return base{}, err
	}
	defer unlock()
	if b, found, err := c.find(time.Now()); found || err != nil {
		return b, err
	}
	to := filepath.Join(c.dir, recipe()+time.Now().UTC().Format("-20060102T150405"))
	fmt.Fprintln(out, "making the guest from Debian's packages; it is kept in", to)
	if err := c.forget(time.Now()); err != nil {
		return base{}, err
	}
	work, err := os.MkdirTemp(c.dir, "boottest-making-")
	if err != nil {
		return base{}, fmt.Errorf("cannot make the guest: %w", err)
	}
	defer os.RemoveAll(work)
	ctx, cancel := context.WithTimeout(ctx, makingLimit)
	defer cancel()
	if err := makeBase(ctx, work); err != nil {
		return base{}, fmt.Errorf("cannot make the guest: %w", err)
	}
	if err := publish(filepath.Join(work, "base"), to); err != nil {
		return base{}, fmt.Errorf("cannot keep the guest: %w", err)
	}
	return base{to}, nil
}

// publish gives a finished folder its name. After a power cut either all of it is there or nothing.
func publish(from, to string) error {
	err := filepath.WalkDir(from, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return flush(path)
	})
	if err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return flush(filepath.Dir(to))
}

// flush waits until a file or folder is on the disk.
func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// lock waits until no other process holds the file, however long that makes a guest.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the cache: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			return func() { f.Close() }, nil // the lock goes with the file
		}
		if !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("cannot lock the cache: %w", err)
		}
	}
}

// forget removes bases that are too old for every run, and what a killed run left half made.
func (c cache) forget(now time.Time) error {
	old, err := filepath.Glob(filepath.Join(c.dir, "boottest-*"))
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
		if half || now.Sub(info.ModTime()) > keptFor+runsOut {
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("cannot remove an old guest: %w", err)
			}
		}
	}
	return nil
}
