package chaos_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A service is a process that is started again whenever it ended.
type service struct {
	name    string
	command func() *exec.Cmd
	log     string    // file that it writes to
	kills   chan kill // each is a SIGKILL
	expects int       // exit code with which it may end by itself; 0 is none

	killed atomic.Int64
	mu     sync.Mutex
	cmd    *exec.Cmd // nil while it is down
	faults []string  // ends that nobody asked for
}

// A kill is a SIGKILL to come.
type kill struct {
	before func()        // is called just before
	pause  time.Duration // until the next start
}

func newService(name, log string, command func() *exec.Cmd) *service {
	return &service{name: name, log: log, command: command, kills: make(chan kill)}
}

// run keeps it running until ctx ends, and then ends it.
func (s *service) run(ctx context.Context) error {
	for ctx.Err() == nil {
		cmd, exited, err := s.start()
		if err != nil {
			return err
		}
		select {
		case <-exited:
			if code := cmd.ProcessState.ExitCode(); s.expects == 0 || code != s.expects {
				s.fault(fmt.Sprintf("%s ended by itself with %d", s.name, code))
				pause(ctx, 200*time.Millisecond)
			}
		case k := <-s.kills:
			if k.before != nil {
				k.before()
			}
			s.end(cmd, exited)
			s.killed.Add(1)
			pause(ctx, k.pause)
		case <-ctx.Done():
			s.end(cmd, exited)
		}
	}
	return nil
}

// start ties the process's life to this one's. The kernel does so by thread, so a thread has to wait for its end.
func (s *service) start() (*exec.Cmd, chan struct{}, error) {
	log, err := os.OpenFile(s.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	cmd := s.command()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	exited, started := make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended stands in ProcessState
		}
	}()
	if err := <-started; err != nil {
		return nil, nil, fmt.Errorf("cannot start %s: %w", s.name, err)
	}
	s.mu.Lock()
	s.cmd = cmd
	s.mu.Unlock()
	return cmd, exited, nil
}

func (s *service) end(cmd *exec.Cmd, exited chan struct{}) {
	_ = cmd.Process.Kill() // it may have ended
	<-exited
	s.mu.Lock()
	s.cmd = nil
	s.mu.Unlock()
}

// signal reaches the process if it runs.
func (s *service) signal(what syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(what)
	}
}

func (s *service) fault(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, what)
}

// pause returns true after d, or false as soon as ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
