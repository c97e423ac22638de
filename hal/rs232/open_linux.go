package rs232

import (
	"fmt"
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
	before, err := descriptors()
	if err != nil {
		return nil, err
	}
	s, err := serial.Open(path, mode)
	if err != nil {
		return nil, err
	}
	after, err := descriptors()
	if err != nil {
		s.Close() // the reason is err
		return nil, err
	}
	for fd := range after {
		if !before[fd] {
			// Others that were opened meanwhile are marked already, or closed again by now: no harm.
			unix.CloseOnExec(fd)
		}
	}
	return s, nil
}

// descriptors returns the numbers of this process's open files.
func descriptors() (map[int]bool, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, fmt.Errorf("cannot list open files: %w", err)
	}
	open := make(map[int]bool, len(entries))
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			return nil, fmt.Errorf("cannot list open files: %w", err)
		}
		open[fd] = true
	}
	return open, nil
}
