package mpv

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// callWithin is how long the way to the player's socket may take: systemd listens there, and starts a bangtin-player for
// each connection.
const callWithin = 5 * time.Second

// callPlayer has a bangtin-player start mpv: connected, it is sent mpv's arguments in one line of JSON, and what comes
// behind that is between mpv and us. It is done when nobody has the other end any more, neither mpv nor its
// bangtin-player: a mpv that the kernel holds keeps it.
func callPlayer(opt Options) (*process, error) {
	conn, err := net.DialTimeout("unix", opt.Player, callWithin)
	if err != nil {
		return nil, fmt.Errorf("cannot reach the player: %w", err)
	}
	p, err := order(conn.(*net.UnixConn), opt)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot have mpv started: %w", err), conn.Close())
	}
	return p, nil
}

func order(conn *net.UnixConn, opt Options) (*process, error) {
	line, err := json.Marshal(opt.arguments())
	if err != nil {
		return nil, err
	}
	if err := conn.SetWriteDeadline(time.Now().Add(callWithin)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(append(line, '\n')); err != nil {
		return nil, err
	}
	if err := conn.SetWriteDeadline(time.Time{}); err != nil {
		return nil, err
	}
	watched, err := duplicate(conn)
	if err != nil {
		return nil, err
	}
	p := &process{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		awaitHangUp(watched)
	}()
	p.client = NewClient(shutter{conn}, opt.Log, opt.Now)
	return p, nil
}

// A shutter is a connection of which another descriptor stays open: closing it has the other side read the end.
type shutter struct{ *net.UnixConn }

func (s shutter) Close() error {
	err := s.CloseWrite()
	if errors.Is(err, unix.ENOTCONN) || errors.Is(err, net.ErrClosed) {
		err = nil // the other side was faster, or this is the second time
	}
	return errors.Join(err, s.UnixConn.Close())
}

// duplicate is another descriptor of the same connection. Unlike File it leaves the connection as it is.
func duplicate(conn *net.UnixConn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	var failed error
	err = raw.Control(func(of uintptr) { fd, failed = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, failed)
}

// awaitHangUp returns when every descriptor of the other end is closed, and closes fd. That the other side only
// stopped writing does not count while we may write, and that we stopped counts neither.
func awaitHangUp(fd int) {
	defer func() { _ = unix.Close(fd) }() // the connection has had its end
	for {
		fds := []unix.PollFd{{Fd: int32(fd)}} // a hang-up is told unasked
		if _, err := unix.Poll(fds, -1); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
