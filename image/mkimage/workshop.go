package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A workshop is a folder with a trixie that holds the tools. They are the same on every machine, and of the release
// that the image is of.
type workshop struct{ dir string }

func (w workshop) root() string { return filepath.Join(w.dir, "root") }

// workshopPackages are the tools.
func workshopPackages() []string {
	return []string{
		"erofs-utils", "cryptsetup-bin", // the root and its dm-verity tree
		"systemd-ukify", "systemd-boot-efi", "sbsigntool", // the kernel image
		"efibootguard", "mtools", "dosfstools", "fdisk", "e2fsprogs", // the disk
		"bmap-tools", "zstd", "systemd",
	}
}

// workshopAge is how old a workshop may be: the tools are to be those that Debian has now.
const workshopAge = 14 * 24 * time.Hour

// makeWorkshop finds the workshop, or makes it. Two that run at once make it once.
func (b *build) makeWorkshop(ctx context.Context) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	cache = filepath.Join(cache, "bangtin")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(cache, "workshop.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return fmt.Errorf("cannot lock %s: %w", lock.Name(), err)
	}
	sum := sha256.Sum256([]byte(suite + b.arch + strings.Join(workshopPackages(), " ")))
	b.workshop = workshop{filepath.Join(cache, "workshop-"+hex.EncodeToString(sum[:8]))}
	info, err := os.Stat(b.workshop.dir)
	if err == nil && time.Since(info.ModTime()) < workshopAge {
		return nil
	}
	making := b.workshop.dir + ".making"
	for _, old := range []string{making, b.workshop.dir} {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	if err := os.Mkdir(making, 0o755); err != nil {
		return err
	}
	if err := b.bootstrap(ctx, filepath.Join(making, "root"), workshopPackages()); err != nil {
		return err
	}
	return os.Rename(making, b.workshop.dir)
}
