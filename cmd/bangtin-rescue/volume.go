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

// A volume is where the display's data is, and where it is to be seen.
type volume struct {
	Device  string // its partition
	Data    string // where it is mounted, always: the partition, memory over it, or memory alone
	Var     string // where its folder var is seen; empty where a test wants none
	Under   string // a folder for what is mounted below memory
	Mark    string // a file that is there while what is written is not kept: it holds the notice's code
	Notices string
	Say     io.Writer // the log
}

// Limits of time. A check that takes longer is given up: the partition is then only read.
const (
	checkWithin = 10 * time.Minute
	growWithin  = time.Minute
)

// Flags of every file system that holds data: nothing on it is a device or a program.
const inert = unix.MS_NOATIME | unix.MS_NODEV | unix.MS_NOSUID | unix.MS_NOEXEC

// memory bounds what stands in for data: a quarter of the machine's memory, so that mpv and the daemon have room.
const memory = "mode=0755,size=25%,nr_inodes=65536"

// bring mounts data, or what can be had of it. It fails only when the kernel has no memory to mount. Why data is not as
// it should be comes as a notice.
func (v volume) bring(ctx context.Context) error {
	n, err := v.mount(ctx)
	if err != nil {
		return err
	}
	if err := v.mountVar(); err != nil {
		return err
	}
	if n == nil {
		return nil
	}
	fmt.Fprintln(v.Say, n.Code, n.En, n.Details)
	if kept(n.Code) {
		return v.tell(*n)
	}
	return errors.Join(v.mark(n.Code), v.tell(*n))
}

// kept says whether what is written outlasts the boot all the same.
func kept(code string) bool { return code == codeFull }

func (v volume) mark(code string) error {
	if err := os.MkdirAll(filepath.Dir(v.Mark), 0o755); err != nil {
		return fmt.Errorf("cannot mark that nothing is kept: %w", err)
	}
	if err := os.WriteFile(v.Mark, []byte(code+"\n"), 0o644); err != nil {
		return fmt.Errorf("cannot mark that nothing is kept: %w", err)
	}
	return nil
}

func (v volume) tell(n notice.Notice) error { return notice.Put(v.Notices, n) }

// mount puts something at Data, and says what is wrong with it; nil when nothing is.
func (v volume) mount(ctx context.Context) (*notice.Notice, error) {
	if err := os.MkdirAll(v.Data, 0o755); err != nil {
		fmt.Fprintln(v.Say, err) // of a read-only root, which has the folder
	}
	why := v.writable(ctx)
	if why == nil {
		v.grow(ctx)
		return room(v.Data)
	}
	fmt.Fprintln(v.Say, why)
	under, err := v.readable()
	if err == nil {
		if err = v.cover(under); err == nil {
			return ptr(readOnly(why)), nil
		}
		err = errors.Join(err, unix.Unmount(under, unix.MNT_DETACH))
	}
	why = errors.Join(why, err)
	if err := unix.Mount("tmpfs", v.Data, "tmpfs", inert, memory); err != nil {
		return nil, fmt.Errorf("cannot put memory in the place of data: %w", err)
	}
	return ptr(gone(why)), nil
}

func ptr(n notice.Notice) *notice.Notice { return &n }

// writable checks, repairs and mounts the partition, and tries to write. After an error nothing is mounted.
func (v volume) writable(ctx context.Context) error {
	if _, err := os.Stat(v.Device); err != nil {
		return fmt.Errorf("cannot find the data partition: %w", err)
	}
	if err := v.check(ctx); err != nil {
		return err
	}
	// What must outlast a power cut is synced by who writes it; the rest may be half a minute late, which saves writes.
	if err := unix.Mount(v.Device, v.Data, "ext4", inert, "commit=30,errors=remount-ro"); err != nil {
		return fmt.Errorf("cannot mount the data partition: %w", err)
	}
	if err := probe(v.Data); err != nil {
		return errors.Join(err, unix.Unmount(v.Data, unix.MNT_DETACH))
	}
	return nil
}

// check runs e2fsck, which repairs what it can: nobody could be asked. Its exit codes are bits (e2fsck(8)): 1 and 2
// are errors that are gone, 4 those that are left, 8 and more that it could not work.
func (v volume) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/usr/sbin/e2fsck", "-y", v.Device)
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	fmt.Fprintf(v.Say, "%s\n", out[max(0, len(out)-maxSaid):])
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.ExitCode() > 0 && failed.ExitCode() < 4 {
		return nil
	}
	return fmt.Errorf("cannot repair the data partition: %w", err)
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
func (v volume) grow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, growWithin)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "/usr/lib/systemd/systemd-growfs", v.Data).CombinedOutput(); err != nil {
		fmt.Fprintf(v.Say, "cannot grow data: %v: %s\n", err, out)
	}
}

// readable mounts the partition where it can be read at least, and returns where. A log that cannot be replayed, as the
// medium takes no writes, is left out.
func (v volume) readable() (string, error) {
	if _, err := os.Stat(v.Device); err != nil {
		return "", err
	}
	under := filepath.Join(v.Under, "data")
	if err := os.MkdirAll(under, 0o700); err != nil {
		return "", err
	}
	err := unix.Mount(v.Device, under, "ext4", inert|unix.MS_RDONLY, "")
	if err != nil {
		err = unix.Mount(v.Device, under, "ext4", inert|unix.MS_RDONLY, "noload")
	}
	if err != nil {
		return "", fmt.Errorf("cannot mount the data partition, to be read only: %w", err)
	}
	if _, err := os.ReadDir(under); err != nil {
		return "", errors.Join(fmt.Errorf("cannot read data: %w", err), unix.Unmount(under, unix.MNT_DETACH))
	}
	return under, nil
}

// cover puts memory over what can only be read: programs write, and it is gone with the boot.
func (v volume) cover(under string) error {
	ram := filepath.Join(v.Under, "memory")
	if err := os.MkdirAll(ram, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", ram, "tmpfs", inert, memory); err != nil {
		return fmt.Errorf("cannot mount memory: %w", err)
	}
	upper, work := filepath.Join(ram, "upper"), filepath.Join(ram, "work")
	err := errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(work, 0o755))
	if err == nil {
		// volatile: nothing of it is kept, so nothing needs syncing.
		err = unix.Mount("overlay", v.Data, "overlay", inert, "lowerdir="+under+",upperdir="+upper+",workdir="+work+",volatile")
	}
	if err == nil {
		if err = probe(v.Data); err == nil {
			return nil
		}
		err = errors.Join(err, unix.Unmount(v.Data, unix.MNT_DETACH))
	}
	return errors.Join(fmt.Errorf("cannot put memory over data: %w", err), unix.Unmount(ram, unix.MNT_DETACH))
}

// mountVar shows data's folder var at Var; where that cannot be, memory.
func (v volume) mountVar() error {
	if v.Var == "" {
		return nil
	}
	from := filepath.Join(v.Data, "var")
	err := os.Mkdir(from, 0o755)
	if errors.Is(err, os.ErrExist) {
		err = nil
	}
	var info os.FileInfo
	if err == nil {
		info, err = os.Lstat(from)
	}
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", from)
	}
	if err == nil {
		err = unix.Mount(from, v.Var, "", unix.MS_BIND, "")
	}
	if err == nil {
		return nil
	}
	fmt.Fprintln(v.Say, "memory is in the place of what programs keep:", err)
	if err := unix.Mount("tmpfs", v.Var, "tmpfs", inert, memory); err != nil {
		return fmt.Errorf("cannot mount %s: %w", v.Var, err)
	}
	return nil
}
