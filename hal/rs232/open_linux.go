package rs232

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// openPrivate opens a port so that child processes do not inherit it. go.bug.st opens without close-on-exec:
// a player started meanwhile would hold the port open after we closed it, and a replugged adapter would get
// a new number. No child is started between opening and marking, as far as noFork goes.
//
// The port is locked, because the kernel's own exclusive mode does not stop root: two programs on one line take each
// other's replies.
func openPrivate(path string, mode *serial.Mode) (port serial.Port, err error) {
	noFork(func() { port, err = openMarked(path, mode) })
	return port, err
}

// forkWait is how long the start of a child waits for a port that is being opened, which takes milliseconds. A USB adapter
// that hangs takes 5 s for each request of its driver (USB_CTRL_GET_TIMEOUT of Linux), and may never end.
const forkWait = time.Second

// noFork lets no child be started while it runs open, for forkWait at the most: a player that cannot be started again
// does more harm than one that holds an adapter that hangs.
func noFork(open func()) {
	syscall.ForkLock.RLock()
	release := sync.OnceFunc(syscall.ForkLock.RUnlock)
	defer release()
	defer time.AfterFunc(forkWait, release).Stop()
	open()
}

// openMarked opens a port and marks what was opened meanwhile to be closed in children.
func openMarked(path string, mode *serial.Mode) (serial.Port, error) {
	list, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, fmt.Errorf("cannot list open files: %w", err)
	}
	defer list.Close()
	before, err := descriptors(list)
	if err != nil {
		return nil, err
	}
	s, err := serial.Open(path, mode)
	if err != nil {
		return nil, err
	}
	after, err := descriptors(list)
	if err != nil {
		s.Close() // the reason is err
		return nil, err
	}
	for fd := range after {
		if !before[fd] {
			// What others opened meanwhile is marked already, or closed again by now: no harm.
			unix.CloseOnExec(fd)
			if err := claim(fd, path); err != nil {
				s.Close() // the reason is err
				return nil, err
			}
		}
	}
	return s, nil
}

// claim locks fd where it is an opening of path, and makes its reads return when there is nothing: go.bug.st reads once
// the port has input, and would wait for ever where another reader took it in between.
func claim(fd int, path string) error {
	var named, got unix.Stat_t
	if err := unix.Stat(path, &named); err != nil {
		return fmt.Errorf("cannot look at %s: %w", path, err)
	}
	if err := unix.Fstat(fd, &got); err != nil {
		return nil //nolint:nilerr // closed meanwhile by somebody else, whose it was
	}
	if got.Mode&unix.S_IFMT != unix.S_IFCHR || got.Rdev != named.Rdev || got.Ino != named.Ino {
		return nil // what somebody else opened meanwhile
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("cannot lock %s, which another program holds: %w", path, err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("cannot prepare %s: %w", path, err)
	}
	return nil
}

// descriptors returns the numbers of this process's open files. list is /proc/self/fd, kept open from one call
// to the next: opened anew it would take the very number that the port gets.
func descriptors(list *os.File) (map[int]bool, error) {
	if _, err := list.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("cannot list open files: %w", err)
	}
	names, err := list.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("cannot list open files: %w", err)
	}
	open := make(map[int]bool, len(names))
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil {
			return nil, fmt.Errorf("cannot list open files: %w", err)
		}
		open[fd] = true
	}
	return open, nil
}
