package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxLine    = 16 << 10        // bytes, with the line end; the daemon's has about 1.3 KiB
	lineWithin = 5 * time.Second // until the whole line is there: the daemon sends it as soon as it is connected
)

// readLine takes one line from a connected socket, without its end, and not a byte of what comes behind it, which is
// mpv's. It blocks for up to within.
func readLine(socket int, within time.Duration) ([]byte, error) {
	deadline := time.Now().Add(within)
	var line []byte
	for buf := make([]byte, maxLine); ; {
		ready, err := poll([]unix.PollFd{{Fd: int32(socket), Events: unix.POLLIN}}, max(0, time.Until(deadline)))
		if err != nil {
			return nil, fmt.Errorf("cannot wait for mpv's arguments: %w", err)
		}
		if ready == 0 {
			return nil, fmt.Errorf("cannot read mpv's arguments: they did not come within %s", within)
		}
		room := maxLine - len(line)
		n, err := receive(socket, buf[:room], unix.MSG_PEEK)
		if errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil {
			return nil, err
		}
		at := bytes.IndexByte(buf[:n], '\n')
		if at >= 0 {
			n = at + 1
		}
		if n, err = receive(socket, buf[:n], 0); err != nil {
			return nil, err
		}
		line = append(line, buf[:n]...)
		switch {
		case at >= 0:
			return bytes.TrimSuffix(line, []byte{'\n'}), nil
		case len(line) == maxLine:
			return nil, fmt.Errorf("cannot take mpv's arguments: the line has more than %d bytes", maxLine)
		}
	}
}

// receive fails where the other side has hung up.
func receive(socket int, buf []byte, flags int) (int, error) {
	n, _, err := unix.Recvfrom(socket, buf, flags|unix.MSG_DONTWAIT)
	if err != nil {
		return 0, fmt.Errorf("cannot read mpv's arguments: %w", err)
	}
	if n == 0 {
		return 0, errors.New("cannot read mpv's arguments: the daemon hung up before their end")
	}
	return n, nil
}

// poll is poll(2) for a time, for ever where that is negative. It tells how many are ready.
func poll(fds []unix.PollFd, within time.Duration) (int, error) {
	for deadline := time.Now().Add(within); ; {
		wait := -1
		if within >= 0 {
			wait = max(0, int((time.Until(deadline)+time.Millisecond-1)/time.Millisecond))
		}
		n, err := unix.Poll(fds, wait)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
