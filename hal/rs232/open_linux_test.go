package rs232_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/rs232"

	"golang.org/x/sys/unix"
)

// TestChildrenDoNotInheritThePort: a player that held the port open would keep a replugged adapter from its name.
func TestChildrenDoNotInheritThePort(t *testing.T) {
	p := newPeer(t)
	l := newLink(t, p.path, quick())
	if err := l.Tell(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if n := openings(t, p.near.Name()); n != 2 { // the link's and the peer's own
		t.Fatalf("the terminal is open %d times, want 2; the rest of this test would prove nothing", n)
	}
	out, err := exec.Command("ls", "-l", "/proc/self/fd").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), p.near.Name()) {
		t.Errorf("a child has the port open:\n%s", out)
	}
}

// TestUnpluggedPortIsClosedAtOnce: without waiting for the next exchange.
func TestUnpluggedPortIsClosedAtOnce(t *testing.T) {
	p := newPeer(t)
	l := newLink(t, p.path, quick())
	if err := l.Tell(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	name := p.near.Name()
	p.unplug()
	for end := time.Now().Add(30 * time.Second); openings(t, name) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the port is still open")
		}
	}
}

func TestCloseReleasesThePort(t *testing.T) {
	p := newPeer(t)
	l := newLink(t, p.path, quick())
	if err := l.Tell(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n := openings(t, p.near.Name()); n != 1 { // the peer's own
		t.Errorf("the terminal is open %d times after Close, want 1", n)
	}
}

// openings counts this process's descriptors of a terminal.
func openings(t *testing.T, name string) int {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, fd := range fds {
		target, err := os.Readlink(fd) // fails for the one that Glob itself used
		if err == nil && strings.TrimSuffix(target, " (deleted)") == name {
			n++
		}
	}
	return n
}

// TestTooManyDescriptors: go.bug.st panics on descriptors from 1024 up.
func TestTooManyDescriptors(t *testing.T) {
	p := newPeer(t)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < 1200 {
		t.Skipf("this process may open %d files only", limit.Cur)
	}
	var files []*os.File
	closeAll := func() {
		for _, f := range files {
			f.Close()
		}
		files = nil
	}
	defer closeAll()
	for len(files) == 0 || files[len(files)-1].Fd() < 1030 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	l := newLink(t, p.path, quick())
	if _, err := l.Ask(t.Context(), []byte("ask\n"), line); !errors.Is(err, hal.ErrPortGone) {
		t.Fatalf("Ask: %v, want ErrPortGone", err)
	}
	closeAll()
	go func() {
		for b := make([]byte, 64); ; {
			if _, err := p.far.Read(b); err != nil {
				return
			}
			p.say([]byte("reply\n"))
		}
	}()
	if _, err := l.Ask(t.Context(), []byte("ask\n"), line); err != nil {
		t.Fatalf("Ask with few files open: %v", err)
	}
}

// TestOnePortOneProgram: the kernel's exclusive mode does not stop root, whom the installer's tool may run as.
func TestOnePortOneProgram(t *testing.T) {
	p := newPeer(t)
	first, err := rs232.OpenSerial(p.path)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := rs232.OpenSerial(p.path); err == nil {
		second.Close()
		t.Error("a second opening is allowed")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := rs232.OpenSerial(p.path)
	if err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	second.Close()
}

// TestReadDoesNotWaitForWhatOthersTook: a port that has nothing to read says so at once.
func TestReadDoesNotWaitForWhatOthersTook(t *testing.T) {
	p := newPeer(t)
	line, err := rs232.OpenSerial(p.path)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, entry := range fds {
		target, _ := os.Readlink("/proc/self/fd/" + entry.Name()) // one is the directory's own, closed by now
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || target != p.near.Name() || fd == int(p.near.Fd()) {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil {
			t.Fatal(err)
		}
		found = true
		if flags&unix.O_NONBLOCK == 0 {
			t.Error("a read of the port can wait for ever")
		}
	}
	if !found {
		t.Error("the port is not among the open files")
	}
}

// TestHangingAdapterKeepsNoChildBack: the player can be started again while an opening hangs in the kernel. Here it hangs
// until a child has run: for ever, if none can be started.
func TestHangingAdapterKeepsNoChildBack(t *testing.T) {
	ran, opens, opened := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(opened)
		rs232.NoFork(func() {
			close(opens)
			<-ran
		})
	}()
	<-opens
	if err := exec.Command("true").Run(); err != nil {
		t.Error(err)
	}
	close(ran)
	<-opened
	if !syscall.ForkLock.TryRLock() {
		t.Fatal("the lock is kept")
	}
	syscall.ForkLock.RUnlock()
}
