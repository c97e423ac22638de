// Package panelproc runs hal/haltest/panelpeer, a panel on a pseudo-terminal, for tests.
package panelproc

import (
	"bufio"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// BuildPanel compiles panelpeer and returns the program's path. It needs the go command and fails the test without it.
func BuildPanel(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "panelpeer")
	out, err := exec.Command("go", "build", "-o", program, "bangtin/hal/haltest/panelpeer").CombinedOutput()
	if err != nil {
		t.Fatalf("cannot build panelpeer: %v\n%s", err, out)
	}
	return program
}

// A Panel is a running panelpeer. Its methods fail the test when the program is gone.
type Panel struct {
	// Path is the terminal that the panel listens on.
	Path string

	t     testing.TB
	stdin io.WriteCloser
	done  chan struct{} // closed when the program has ended

	mu      sync.Mutex // held for one command and its answer
	answers chan string

	eventMu sync.Mutex
	events  []string
}

// StartPanel starts the program with flags such as "-protocol=lg" and "-warmup=100ms" and ends it with the test.
func StartPanel(t testing.TB, program string, flags ...string) *Panel {
	t.Helper()
	c := exec.Command(program, flags...)
	c.Stderr = t.Output()
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatalf("cannot start panelpeer: %v", err)
	}
	p := &Panel{t: t, stdin: stdin, done: make(chan struct{}), answers: make(chan string, 16)}
	go p.read(bufio.NewScanner(stdout), c)
	t.Cleanup(p.Stop)
	p.Path = p.answer()
	return p
}

func (p *Panel) read(s *bufio.Scanner, c *exec.Cmd) {
	defer close(p.done)
	for s.Scan() {
		if strings.HasPrefix(s.Text(), "heard ") {
			continue
		}
		if strings.HasPrefix(s.Text(), "power ") {
			p.eventMu.Lock()
			p.events = append(p.events, s.Text())
			p.eventMu.Unlock()
			continue
		}
		p.answers <- s.Text()
	}
	if err := c.Wait(); err != nil {
		p.t.Logf("panelpeer: %v", err)
	}
}

// Stop ends the program as if its cable were pulled: the terminal hangs up and its path disappears. It is
// harmless the second time.
func (p *Panel) Stop() {
	p.stdin.Close() // fails only when closed before
	<-p.done
}

// Do gives the panel a command, such as "silent", and returns when it holds.
func (p *Panel) Do(command string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.say(command)
	if got := p.answer(); got != "ok "+command {
		p.t.Fatalf("panelpeer answers %q to %q", got, command)
	}
}

// State returns "off", "warming" or "on".
func (p *Panel) State() string {
	p.t.Helper()
	return p.ask("state")
}

// Seen returns the states since the command "mark", such as "off warming".
func (p *Panel) Seen() string {
	p.t.Helper()
	return p.ask("seen")
}

// ask gives a command that is answered in a line of its own, which begins with the command.
func (p *Panel) ask(command string) string {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.say(command)
	answer, ok := strings.CutPrefix(p.answer(), command+" ")
	if got := p.answer(); !ok || got != "ok "+command {
		p.t.Fatalf("panelpeer answers %q to %s", got, command)
	}
	return answer
}

// Events returns the lines "power on TIME" and "power off TIME" so far.
func (p *Panel) Events() []string {
	p.eventMu.Lock()
	defer p.eventMu.Unlock()
	return append([]string(nil), p.events...)
}

func (p *Panel) say(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		p.t.Fatalf("cannot tell panelpeer %q: %v", line, err)
	}
}

// answer returns the next line that is no event. The limit is no measure of speed: only a test that fails
// anyway waits for it.
func (p *Panel) answer() string {
	p.t.Helper()
	select {
	case line := <-p.answers:
		return line
	case <-p.done:
		p.t.Fatal("panelpeer has ended")
	case <-time.After(30 * time.Second):
		p.t.Fatal("panelpeer does not answer its own commands")
	}
	return ""
}
