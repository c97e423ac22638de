package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// quitWithin is how long mpv gets to give the display back when the daemon has hung up. Leaving DRM takes mpv about
// 0.1 s.
const quitWithin = time.Second

// A player is a running mpv.
type player struct {
	cmd  *exec.Cmd
	ends int // becomes readable when mpv has ended
}

// startMpv starts mpv in a process group of its own, with the daemon's connection as its IPC. It ends with the calling
// thread.
func startMpv(program, folder string, arguments []string, daemon *os.File) (*player, error) {
	p := &player{ends: -1}
	p.cmd = exec.Command(program, append(arguments, "--input-ipc-client=fd://3")...) // ExtraFiles start at 3
	p.cmd.Env = environment(folder)
	p.cmd.Dir = folder
	p.cmd.ExtraFiles = []*os.File{daemon}
	p.cmd.Stdout, p.cmd.Stderr = os.Stderr, os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &p.ends}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start mpv: %w", err)
	}
	if p.ends < 0 {
		return nil, errors.Join(errors.New("cannot watch mpv: the kernel has no descriptors of processes"), p.kill(), p.cmd.Wait())
	}
	return p, nil
}

// environment is all that mpv gets to see of one. Nothing is ever written to its home.
func environment(folder string) []string {
	return []string{
		"PATH=/usr/bin:/bin",
		"LANG=C.UTF-8",
		"HOME=" + folder,
		"FONTCONFIG_FILE=" + filepath.Join(folder, "fonts.conf"),
		"MESA_SHADER_CACHE_DISABLE=true",
	}
}

// attend waits until mpv ends or the daemon hangs up, and in that case ends mpv. It blocks for as long as a mpv that
// was killed takes to end.
func (p *player) attend(daemon int) (code int, reason error) {
	defer func() { _ = unix.Close(p.ends) }() // it holds nothing that could be lost
	fds := []unix.PollFd{{Fd: int32(p.ends), Events: unix.POLLIN}, {Fd: int32(daemon), Events: unix.POLLRDHUP}}
	if _, err := poll(fds, -1); err != nil {
		return exitEnded, errors.Join(fmt.Errorf("cannot wait for mpv: %w", err), p.kill(), p.cmd.Wait())
	}
	if fds[0].Revents != 0 {
		return exitEnded, errors.Join(p.ended(), p.kill())
	}
	n, err := poll(fds[:1], quitWithin)
	how := "the daemon hung up, and mpv ended"
	if n == 0 {
		how = fmt.Sprintf("the daemon hung up, and mpv was killed after %s", quitWithin)
	}
	// The group outlives its leader where mpv left a child, so it is signalled in any case.
	if err := errors.Join(err, p.kill()); err != nil {
		return exitEnded, err
	}
	_ = p.cmd.Wait() // how it ended was asked of it
	return exitHungUp, errors.New(how)
}

func (p *player) ended() error {
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("mpv ended: %w", err)
	}
	return errors.New("mpv ended by itself")
}

// kill does not wait.
func (p *player) kill() error {
	if err := unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("cannot kill mpv: %w", err)
	}
	return nil
}
