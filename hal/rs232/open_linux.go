package rs232

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// openPrivate opens a port so that child processes do not inherit it. go.bug.st opens without close-on-exec:
// a player started meanwhile would hold the port open after we closed it, and a replugged adapter would get
// a new number. The fork lock is held because a child must not be started between opening and marking.
func openPrivate(path string, mode *serial.Mode) (serial.Port, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
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
		}
	}
	return s, nil
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
