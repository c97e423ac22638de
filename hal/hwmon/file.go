package hwmon

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxNumber is more than any number or name in sysfs takes.
	maxNumber = 64
	// maxScratchpad is more than the two lines of w1_slave take: 75 bytes with 85.000 °C.
	maxScratchpad = 128
	// maxEntries bounds a folder of chips, zones or buses.
	maxEntries = 256
)

// A folder is one opened folder of sysfs. Files read through it belong together, even when the kernel gives its
// name to another chip meanwhile.
type folder struct {
	fd   int
	path string
}

func openFolder(path string) (folder, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return folder{}, fmt.Errorf("cannot open %s: %w", path, err)
		}
		return folder{fd, path}, nil
	}
}

func (f folder) close() {
	_ = unix.Close(f.fd) // it was only read
}

// read returns a file of at most limit bytes. A longer one is an error.
//
// It reads past package os: that waits by epoll when a sysfs file answers EAGAIN, as some chips' drivers do, and no
// event ever comes.
func (f folder) read(name string, limit int) ([]byte, error) {
	fd, err := f.open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s/%s: %w", f.path, name, err)
	}
	defer unix.Close(fd) //nolint:errcheck // it was only read
	buf := make([]byte, limit+1)
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read %s/%s: %w", f.path, name, err)
		}
		if m == 0 {
			return buf[:n], nil
		}
		n += m
	}
	return nil, fmt.Errorf("cannot read %s/%s: longer than %d bytes", f.path, name, limit)
}

func (f folder) open(name string) (int, error) {
	for {
		fd, err := unix.Openat(f.fd, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// number reads a file that holds one decimal number.
func (f folder) number(name string) (int64, error) {
	b, err := f.read(name, maxNumber)
	if err != nil {
		return 0, err
	}
	v, err := parseNumber(b)
	if err != nil {
		return 0, fmt.Errorf("cannot read %s/%s: %w", f.path, name, err)
	}
	return v, nil
}

// word reads a file that holds one line, such as the name of a chip.
func (f folder) word(name string) (string, error) {
	b, err := f.read(name, maxNumber)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(b), "\n"), nil
}

// parseNumber reads a number as the kernel prints one: decimal, a minus sign or none, one line feed or none, 32 bits.
func parseNumber(b []byte) (int64, error) {
	text := strings.TrimSuffix(string(b), "\n")
	if text == "" {
		return 0, errors.New("it is empty")
	}
	if c := text[0]; c != '-' && (c < '0' || c > '9') {
		return 0, fmt.Errorf("%.20q is no number", text)
	}
	v, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%.20q is no number of 32 bits", text)
	}
	return v, nil
}
