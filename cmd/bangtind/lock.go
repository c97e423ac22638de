package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lock makes sure that one daemon at a time writes to the data folder. The kernel lifts it when the process ends,
// however it ends.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, unix.EROFS) {
		f, err = os.Open(path) // a disk that went read-only was locked before
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot lock %s: is another bangtind running? %w", path, err)
	}
	return f, nil
}
