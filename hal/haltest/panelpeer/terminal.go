package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A terminal is a pseudo-terminal, raw. Its far end is kept open here too, or the panel would see a hang-up whenever its
// driver closes the port.
type terminal struct {
	line *os.File // the panel's end
	far  int
}

// openTerminal makes a terminal and returns the path of its far end.
func openTerminal() (t *terminal, path string, err error) {
	line, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, "", fmt.Errorf("cannot make a terminal: %w", err)
	}
	path, err = unlock(line)
	far := 0
	if err == nil {
		far, err = holdRaw(path)
	}
	if err != nil {
		line.Close()
		return nil, "", fmt.Errorf("cannot set up the terminal: %w", err)
	}
	return &terminal{line: line, far: far}, path, nil
}

// close hangs up, and the path disappears as soon as nobody has it open.
func (t *terminal) close() {
	t.line.Close()
	unix.Close(t.far)
}

func unlock(line *os.File) (path string, err error) {
	raw, err := line.SyscallConn()
	if err != nil {
		return "", err
	}
	var number int
	var failure error
	err = raw.Control(func(fd uintptr) {
		if failure = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failure == nil {
			number, failure = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("/dev/pts/%d", number), failure
}

// holdRaw opens the terminal's other end, and turns off echo and all translation of bytes.
func holdRaw(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err == nil {
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B9600
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		err = unix.IoctlSetTermios(fd, unix.TCSETS, t)
	}
	if err != nil {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}
