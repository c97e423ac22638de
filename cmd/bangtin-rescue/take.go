package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/internal/notice"
)

// Limits of time. A check that takes longer is given up: the partition is then only read.
const (
	checkWithin = 10 * time.Minute
	growWithin  = time.Minute
)

// A taker is the child that has to do with the disk. All that it mounts is below its own folder: what it does when nobody
// waits for it any more is in nobody's way.
type taker struct {
	device, under string
	say           io.Writer // the log
}

// A finding is what it got, and what is wrong with that: Code is empty, codeReadOnly, codeFull or codeRepaired.
type finding struct {
	At   string `json:"at"` // a folder
	Code string `json:"code,omitempty"`
	Why  string `json:"why,omitempty"`  // of codeReadOnly
	Free uint64 `json:"free,omitempty"` // bytes, of codeFull
}

func (f finding) notice() *notice.Notice {
	switch f.Code {
	case codeReadOnly:
		return ptr(readOnly(errors.New(f.Why)))
	case codeFull:
		return ptr(full(f.Free))
	case codeRepaired:
		return ptr(repaired())
	}
	return nil
}

// take mounts the partition, as good as can be.
func (t taker) take(ctx context.Context) (finding, error) {
	at, why := t.writable(ctx)
	if why == nil {
		t.grow(ctx, at)
		t.makeVar(at)
		code, free, err := judge(at)
		return finding{At: at, Code: code, Free: free}, err
	}
	fmt.Fprintln(t.say, why)
	under, err := t.readable(ctx)
	if err != nil {
		return finding{}, errors.Join(why, err)
	}
	if at, err = t.cover(under); err != nil {
		return finding{}, errors.Join(why, err, unix.Unmount(under, unix.MNT_DETACH))
	}
	t.makeVar(at)
	return finding{At: at, Code: codeReadOnly, Why: why.Error()}, nil
}

// makeVar makes the folder that is seen as /var, so that whoever mounts it there finds it in memory.
func (t taker) makeVar(at string) {
	if err := os.Mkdir(filepath.Join(at, "var"), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		fmt.Fprintln(t.say, err)
	}
}

// writable checks, repairs and mounts the partition, tries to write, and returns where it is. After an error nothing is
// mounted.
func (t taker) writable(ctx context.Context) (string, error) {
	damage, err := t.check(ctx)
	if err != nil {
		return "", err
	}
	at := filepath.Join(t.under, "disk")
	if err := os.MkdirAll(at, 0o700); err != nil {
		return "", err
	}
	// What must outlast a power cut is synced by who writes it; the rest may be half a minute late, which saves writes.
	if err := unix.Mount(t.device, at, "ext4", inert, "commit=30,errors=remount-ro"); err != nil {
		return "", fmt.Errorf("cannot mount the data partition: %w", err)
	}
	if err := probe(at); err != nil {
		return "", errors.Join(err, unix.Unmount(at, unix.MNT_DETACH))
	}
	if damage != nil {
		if err := os.WriteFile(filepath.Join(at, repairedMark), damage, 0o600); err != nil {
			fmt.Fprintln(t.say, "cannot note that data was repaired:", err)
		}
	}
	return at, nil
}

// check repairs what it can: nobody could be asked. First e2fsck mends what costs nothing, as after a power cut, and only
// where it does not dare it mends all: then damage is what it said, as what the file system had may be gone.
func (t taker) check(ctx context.Context) (damage []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	if _, err := t.e2fsck(ctx, "-p"); err == nil {
		return nil, nil
	}
	damage, err = t.e2fsck(ctx, "-y")
	if err != nil {
		return nil, fmt.Errorf("cannot repair the data partition: %w", err)
	}
	return damage, nil
}

// e2fsck returns the end of what it said. Its exit codes are bits (e2fsck(8)): 1 and 2 are errors that are gone, 4 those
// that are left, 8 and more that it could not work.
func (t taker) e2fsck(ctx context.Context, how string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "/usr/sbin/e2fsck", how, t.device)
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	out = out[max(0, len(out)-maxSaid):]
	if err == nil {
		return out, nil
	}
	fmt.Fprintf(t.say, "%s\n", out)
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.ExitCode() > 0 && failed.ExitCode() < 4 {
		return out, nil
	}
	return out, err
}

// maxSaid is how much, in bytes, of what e2fsck said comes into the log.
const maxSaid = 4000

// probe writes, syncs and removes a file. No room is no error here.
func probe(dir string) error {
	f, err := os.CreateTemp(dir, ".rescue-*")
	if err == nil {
		_, err = f.Write(make([]byte, 4096))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	if err != nil && !errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("cannot write to data: %w", err)
	}
	return nil
}

// grow gives the file system what its partition has got. A smaller one is as good.
func (t taker) grow(ctx context.Context, at string) {
	ctx, cancel := context.WithTimeout(ctx, growWithin)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "/usr/lib/systemd/systemd-growfs", at).CombinedOutput(); err != nil {
		fmt.Fprintf(t.say, "cannot grow data: %v: %s\n", err, out)
	}
}

// readable mounts the partition where it can be read at least, and returns where. A log that cannot be replayed, as the
// medium takes no writes, is replayed in memory, and left out where that cannot be.
func (t taker) readable(ctx context.Context) (string, error) {
	under := filepath.Join(t.under, "data")
	if err := os.MkdirAll(under, 0o700); err != nil {
		return "", err
	}
	err := unix.Mount(t.device, under, "ext4", inert|unix.MS_RDONLY, "")
	if err != nil {
		var device string
		if device, err = t.replayed(ctx); err == nil {
			err = unix.Mount(device, under, "ext4", inert|unix.MS_RDONLY, "")
		}
	}
	if err != nil {
		fmt.Fprintln(t.say, err)
		err = unix.Mount(t.device, under, "ext4", inert|unix.MS_RDONLY, "noload")
	}
	if err != nil {
		return "", fmt.Errorf("cannot mount the data partition, to be read only: %w", err)
	}
	if _, err := os.ReadDir(under); err != nil {
		return "", errors.Join(fmt.Errorf("cannot read data: %w", err), unix.Unmount(under, unix.MNT_DETACH))
	}
	return under, nil
}

// cover puts memory over what can only be read, and returns where: programs write, and it is gone with the boot.
func (t taker) cover(under string) (string, error) {
	ram, at := filepath.Join(t.under, "memory"), filepath.Join(t.under, "over")
	if err := errors.Join(os.MkdirAll(ram, 0o700), os.MkdirAll(at, 0o700)); err != nil {
		return "", err
	}
	if err := unix.Mount("tmpfs", ram, "tmpfs", inert, memory); err != nil {
		return "", fmt.Errorf("cannot mount memory: %w", err)
	}
	upper, work := filepath.Join(ram, "upper"), filepath.Join(ram, "work")
	err := errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(work, 0o755))
	if err == nil {
		// volatile: nothing of it is kept, so nothing needs syncing.
		err = unix.Mount("overlay", at, "overlay", inert, "lowerdir="+under+",upperdir="+upper+",workdir="+work+",volatile")
	}
	if err == nil {
		if err = probe(at); err == nil {
			return at, nil
		}
		err = errors.Join(err, unix.Unmount(at, unix.MNT_DETACH))
	}
	return "", errors.Join(fmt.Errorf("cannot put memory over data: %w", err), unix.Unmount(ram, unix.MNT_DETACH))
}
