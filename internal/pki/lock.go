package pki

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrLocked tells that another process or another call holds a lock.
var ErrLocked = errors.New("another process holds it")

// Lock waits until no other process and no other call holds the lock on path, and takes it. The kernel lifts it when
// the process ends, however it ends.
func Lock(path string) (unlock func(), err error) {
	return lock(path, lockFile)
}

// How patient LockSoon is: longer than what is done in between takes, unless that waits for a network.
const (
	lockTries = 10
	lockEvery = 100 * time.Millisecond
)

// LockSoon is Lock for those who have more to do: after a second of trying it returns ErrLocked, wrapped, and the
// error of ctx as soon as that ends.
func LockSoon(ctx context.Context, path string) (unlock func(), err error) {
	for try := 1; ; try++ {
		unlock, err = lock(path, tryLockFile)
		if !errors.Is(err, ErrLocked) || try == lockTries {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockEvery):
		}
	}
}

func lock(path string, take func(*os.File) error) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock: %w", err)
	}
	if err := take(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}
