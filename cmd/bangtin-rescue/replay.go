package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"bangtin/image/initrd/mapper"
)

const (
	// replayName is the device's, for the device mapper.
	replayName = "bangtin-data"
	// replayBytes bounds what a repair may write: a file system's own log has up to 64 MiB on the smallest media, and says
	// most blocks more than once. What needs more is read as it is.
	replayBytes = 128 << 20
	// mapperControl is there from the initrd on, which has the root verified by it.
	mapperControl = "/dev/mapper/control"
)

// replayed is the partition as it would be had the medium taken the writes of a repair: they are in memory, and the medium
// behind them (dm-snapshot). A display whose power was cut left a log to replay, and without it folders cannot be read
// that were written last. After an error nothing of it is there.
func (t taker) replayed(ctx context.Context) (device string, err error) {
	ram := filepath.Join(t.under, "replay")
	if err := os.MkdirAll(ram, 0o700); err != nil {
		return "", fmt.Errorf("cannot replay data's log in memory: %w", err)
	}
	// The files below it are held open by what uses them; the folder need not be seen.
	if err := unix.Mount("tmpfs", ram, "tmpfs", inert, "mode=0700"); err != nil {
		return "", fmt.Errorf("cannot replay data's log in memory: %w", err)
	}
	defer func() {
		if gone := unix.Unmount(ram, unix.MNT_DETACH); gone != nil {
			fmt.Fprintln(t.say, "memory stays mounted:", gone)
		}
	}()
	changes, err := loop(filepath.Join(ram, "changes"), replayBytes)
	if err != nil {
		return "", fmt.Errorf("cannot replay data's log in memory: %w", err)
	}
	defer changes.Close() // the device mapper holds it
	return t.snapshot(ctx, changes.Name())
}

// snapshot has the changes of a repair written to a device, and repairs.
func (t taker) snapshot(ctx context.Context, changes string) (device string, err error) {
	size, err := bytesOf(t.device)
	if err != nil {
		return "", err
	}
	dm, err := mapper.Open(mapperControl)
	if err != nil {
		return "", err
	}
	defer dm.Close()
	// N: nothing of it outlasts the boot. Chunks of 8 sectors are blocks of the file system.
	number, err := dm.Create(replayName, mapper.Target{Kind: "snapshot", Sectors: uint64(size) / 512, Table: t.device + " " + changes + " N 8", Writable: true})
	if err != nil {
		return "", err
	}
	over := t
	over.device = fmt.Sprintf("/dev/dm-%d", unix.Minor(number))
	if _, err := over.check(ctx); err != nil {
		return "", errors.Join(err, dm.Remove(replayName))
	}
	return over.device, nil
}

func bytesOf(device string) (int64, error) {
	f, err := os.Open(device)
	if err != nil {
		return 0, fmt.Errorf("cannot measure data: %w", err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, fmt.Errorf("cannot measure data: %w", err)
	}
	return size, nil
}

// loop makes a file of holes a device, which is gone when nobody has it open any more.
func loop(path string, size int64) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the loop has it
	if err := file.Truncate(size); err != nil {
		return nil, err
	}
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a file a device: %w", err)
	}
	defer control.Close()
	const tries = 8 // somebody else may take the free one
	for range tries {
		free, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("cannot make a file a device: %w", err)
		}
		device, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", free), os.O_RDWR, 0)
		if err != nil {
			return nil, fmt.Errorf("cannot make a file a device: %w", err)
		}
		config := unix.LoopConfig{Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &config)
		if err == nil {
			return device, nil
		}
		if err := errors.Join(err, device.Close()); !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("cannot make a file a device: %w", err)
		}
	}
	return nil, errors.New("cannot make a file a device: others take them all")
}
