package debian

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// How a system is installed is part of what every folder is named for.
//
//go:embed system.go
var systemRecipe string

const (
	// keptFor is how old a folder may be, however often it is used: its packages are to be those that Debian has now.
	keptFor = 14 * 24 * time.Hour
	// runsOut is how much longer an old one stays, for a run that began with it.
	runsOut = 24 * time.Hour
	// makingLimit is the longest that making one may take: some 400 MB of packages, and a slow machine.
	makingLimit = 30 * time.Minute
)

// A Cache keeps folders of one kind that take minutes to make, below the user's cache: $XDG_CACHE_HOME/bangtin, else
// ~/.cache/bangtin. Any number of processes may share one.
type Cache struct{ dir, name, recipe string }

// OpenCache opens the cache of a kind of folder, named in one word. The recipe is all that decides what is in one: with a
// change of it, one is made anew.
func OpenCache(name string, recipe ...string) (Cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return Cache{}, fmt.Errorf("cannot find the cache: %w", err)
	}
	dir = filepath.Join(dir, "bangtin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Cache{}, fmt.Errorf("cannot make the cache: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", append(recipe, systemRecipe)))
	return Cache{dir, name, name + "-" + hex.EncodeToString(sum[:8])}, nil
}

// find returns a folder of the recipe that is not too old.
func (c Cache) find() (dir string, found bool, err error) {
	all, err := filepath.Glob(filepath.Join(c.dir, c.recipe+"-*"))
	if err != nil {
		return "", false, err
	}
	for _, dir := range all {
		info, err := os.Stat(dir)
		if err != nil {
			return "", false, err
		}
		if time.Since(info.ModTime()) <= keptFor {
			return dir, true, nil
		}
	}
	return "", false, nil
}

// Permit refuses, before any work, what would only fail after it: making a folder without being root.
func (c Cache) Permit(user int) error {
	_, found, err := c.find()
	if err == nil && !found && user != 0 {
		err = fmt.Errorf("cannot make the %s: only root may install a system in a folder", c.name)
	}
	return err
}

// Folder returns a folder that fill has filled, from the cache when it is there. Two that run at once fill one.
func (c Cache) Folder(ctx context.Context, say io.Writer, fill func(ctx context.Context, dir string) error) (string, error) {
	unlock, err := lock(filepath.Join(c.dir, c.name+".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if dir, found, err := c.find(); found || err != nil {
		return dir, err
	}
	to := filepath.Join(c.dir, c.recipe+time.Now().UTC().Format("-20060102T150405"))
	fmt.Fprintf(say, "making the %s from Debian's packages; it is kept in %s\n", c.name, to)
	if err := c.forget(); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(c.dir, c.name+"-making-")
	if err != nil {
		return "", fmt.Errorf("cannot make the %s: %w", c.name, err)
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return "", fmt.Errorf("cannot make the %s: %w", c.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, makingLimit)
	defer cancel()
	if err := fill(ctx, work); err != nil {
		return "", fmt.Errorf("cannot make the %s: %w", c.name, err)
	}
	if err := publish(work, to); err != nil {
		return "", fmt.Errorf("cannot keep the %s: %w", c.name, err)
	}
	return to, nil
}

// publish gives a finished folder its name and, for its age, the time. After a power cut either all of it is there or
// nothing.
func publish(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	now := time.Now()
	if err := errors.Join(os.Chtimes(from, now, now), unix.Syncfs(int(f.Fd()))); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return unix.Syncfs(int(f.Fd()))
}

// lock waits until no other process holds the file, however long that makes a folder.
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

// forget removes folders that are too old for every run, and what a killed run left half made.
func (c Cache) forget() error {
	old, err := filepath.Glob(filepath.Join(c.dir, c.name+"-*"))
	if err != nil {
		return err
	}
	for _, dir := range old {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		half, err := filepath.Match(c.name+"-making-*", filepath.Base(dir))
		if err != nil {
			return err
		}
		if half || time.Since(info.ModTime()) > keptFor+runsOut {
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("cannot remove an old %s: %w", c.name, err)
			}
		}
	}
	return nil
}
