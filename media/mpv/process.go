package mpv

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// quitWithin is how long mpv gets to give the display back before it is killed. Leaving DRM takes mpv about 0.1 s.
	quitWithin = time.Second
	// reapWithin is how long a killed mpv may take to end. One that waits for a driver or a disk (state D) ends when
	// that has answered, which may be never.
	reapWithin = 5 * time.Second
)

var errUndead = errors.New("mpv was killed but does not end: it hangs in the kernel")

// A process is one run of mpv with its connection. A child of ours speaks over an inherited socket pair instead of a
// named socket: there is no path that another process could open or that could be left behind, and mpv quits by itself
// when our end closes.
type process struct {
	client *Client
	group  int           // process group of a child of ours, 0 where somebody else started it and kills it
	done   chan struct{} // closed when nothing of it is left: a child was reaped
	err    error         // how a child ended; read after done
}

// startWithin is how long a new mpv may take to answer. systemd builds a view of the file system for another user's one
// before it, which took 11 s of the first start on an emulated machine whose two processors were shared by five.
func (o Options) startWithin() time.Duration {
	if o.Player != "" {
		return 2 * startLimit
	}
	return startLimit
}

// start runs mpv where the options say.
func (o Options) start() (*process, error) {
	if o.Player != "" {
		return callPlayer(o)
	}
	return startProcess(o)
}

// startProcess starts mpv. It ends by itself, by stop, or with the thread of ours that started it.
func startProcess(opt Options) (*process, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(opt.Binary, append(opt.arguments(), "--input-ipc-client=fd://3")...) // ExtraFiles start at 3
	cmd.Env = opt.environment()
	cmd.Dir = opt.Runtime
	cmd.ExtraFiles = []*os.File{theirs}
	talk := newMutter(opt.Log, opt.Now)
	cmd.Stdout, cmd.Stderr = talk, talk
	cmd.WaitDelay = quitWithin // a grandchild may hold the pipe open
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the *thread* that forked ends, so it is kept until mpv has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = ended(cmd.Wait())
		close(p.done)
	}()
	err = <-started
	theirs.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start mpv: %w", err), ours.Close())
	}
	p.group = cmd.Process.Pid
	p.client = NewClient(ours, opt.Log, opt.Now)
	return p, nil
}

func ended(err error) error {
	if err == nil {
		return errors.New("mpv ended by itself")
	}
	return fmt.Errorf("mpv ended: %w", err)
}

// stop ends mpv and everything in its process group, and waits until nothing is left of it, but not for ever: then it says so.
// A mpv that hangs does not get to choose: closing the connection asks it to quit, and after quitWithin it is killed.
func (p *process) stop(log *slog.Logger) error {
	if err := p.client.Close(); err != nil {
		log.Warn("mpv's connection did not close", "error", err)
	}
	select {
	case <-p.done:
	case <-time.After(quitWithin):
	}
	p.kill(log)
	select {
	case <-p.done:
		return nil
	case <-time.After(reapWithin):
		return errUndead
	}
}

// kill does not wait. The group outlives its leader where mpv left a child, so it is signalled in any case. What
// bangtin-player runs it kills by itself, a second after we have hung up.
func (p *process) kill(log *slog.Logger) {
	if p.group == 0 {
		return
	}
	if err := unix.Kill(-p.group, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		log.Warn("mpv cannot be killed", "error", err)
	}
}

// socketPair returns our end as a connection and mpv's as a file.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a socket pair for mpv: %w", err)
	}
	file, theirs := os.NewFile(uintptr(fds[0]), "mpv-ours"), os.NewFile(uintptr(fds[1]), "mpv-theirs")
	ours, err := net.FileConn(file)
	file.Close() // FileConn has its own copy
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("cannot use a socket pair for mpv: %w", err)
	}
	return ours, theirs, nil
}

// backoff is the wait before the n-th start in a row that did not hold, n from 0: at once, then 0.25 s doubling to
// 30 s, each lengthened by up to a quarter so that a bus of controllers does not start in step. random is in [0, 1).
func backoff(n int, random float64) time.Duration {
	if n == 0 {
		return 0
	}
	wait := min(250*time.Millisecond<<min(n-1, 7), 30*time.Second)
	return wait + time.Duration(random*float64(wait)/4)
}
