// Package docs_test types what the pages of this folder say, so that they stay true.
package docs_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long the whole walk may take.
const patience = 170 * time.Second

// TestTryIt types docs/TRYIT.md, block by block, into one bash in an empty folder, and compares what is seen.
func TestTryIt(t *testing.T) {
	for _, program := range []string{"mosquitto", "mpv", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	if _, err := os.Stat("/usr/share/fonts/truetype/noto"); err != nil {
		t.Skip("fonts-noto-core is not installed")
	}
	page, err := os.ReadFile("TRYIT.md")
	if err != nil {
		t.Fatal(err)
	}
	bin := build(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sh := newShell(t, ctx, bin)
	began := time.Now()
	for _, b := range blocks(otherPorts(t, string(page))) {
		sh.try(b)
	}
	sh.end()
	t.Logf("the walk took %.0f s", time.Since(began).Seconds())
}

// build makes the programs of the page.
func build(t *testing.T) string {
	t.Helper()
	bin, err := os.MkdirTemp("", "bangtin-bin-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(bin) })
	if err := os.Chmod(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "build", "-o", bin, "bangtin/cmd/bangtin", "bangtin/cmd/bangtind", "bangtin/cmd/bangtin-center").CombinedOutput()
	if err != nil {
		t.Fatalf("cannot build: %v\n%s", err, out)
	}
	return bin
}

// A block is what is typed, and what is seen then.
type block struct {
	line  int // of the page
	typed string
	shown string
	shows bool
}

// blocks reads the page: a fence marked sh is typed, an unmarked one that follows is what is seen.
func blocks(page string) []block {
	var all []block
	var text *string
	for i, line := range strings.Split(page, "\n") {
		mark, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && text != nil:
			text = nil
		case fence && mark == "sh":
			all = append(all, block{line: i + 1})
			text = &all[len(all)-1].typed
		case fence && len(all) > 0:
			all[len(all)-1].shows = true
			text = &all[len(all)-1].shown
		case text != nil:
			*text += line + "\n"
		}
	}
	return all
}

// otherPorts puts free ports in place of the page's, and changes nothing else.
func otherPorts(t *testing.T, page string) string {
	t.Helper()
	for _, port := range []string{"18883", "18884", "18443", "19464"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		free := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
		n := strings.Count(page, port)
		if n == 0 {
			t.Fatalf("port %s is not on the page", port)
		}
		page = strings.ReplaceAll(page, port, free)
		t.Logf("port %s of the page is %s here", port, free)
	}
	return page
}

// A shell is the one bash in which everything is typed, with an environment of its own.
type shell struct {
	t    *testing.T
	dir  string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	home string // stands in the environment of everything that is started
	n    int
}

func newShell(t *testing.T, ctx context.Context, bin string) *shell {
	t.Helper()
	dir, err := os.MkdirTemp("", "bangtin-walk-")
	if err != nil {
		t.Fatal(err)
	}
	sh := &shell{t: t, dir: dir, home: "HOME=" + dir, cmd: exec.CommandContext(ctx, "bash", "--noprofile", "--norc")}
	sh.cmd.Dir = dir
	sh.cmd.Env = []string{sh.home, "PATH=" + bin + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
	sh.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	sh.cmd.WaitDelay = 5 * time.Second
	if os.Getuid() == 0 { // the page says that root is not needed
		nobody := 65534
		sh.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(nobody), Gid: uint32(nobody)}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if sh.in, err = sh.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := sh.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	sh.cmd.Stderr = sh.cmd.Stdout
	sh.out = bufio.NewReader(out)
	if err := sh.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sh.clear)
	sh.say("set -e -o pipefail")
	return sh
}

func (sh *shell) say(line string) {
	if _, err := io.WriteString(sh.in, line+"\n"); err != nil {
		sh.t.Fatalf("the shell has ended: %v", err)
	}
}

const typed = "-- typed --" // follows what a block printed

// try types a block, and compares. A command that fails ends the shell, and with it the walk.
func (sh *shell) try(b block) {
	sh.t.Helper()
	sh.n++
	file := filepath.Join(sh.dir, fmt.Sprintf(".block-%d", sh.n))
	if err := os.WriteFile(file, []byte(b.typed), 0o644); err != nil {
		sh.t.Fatal(err)
	}
	began := time.Now()
	sh.say(". " + file + " </dev/null; echo; echo '" + typed + "'")
	var seen strings.Builder
	for {
		line, err := sh.out.ReadString('\n')
		if line == typed+"\n" {
			break
		}
		seen.WriteString(line)
		if err != nil {
			sh.t.Fatalf("TRYIT.md:%d: failed (%v):\n%s%s\n%s", b.line, err, b.typed, seen.String(), sh.logs())
		}
	}
	sh.t.Logf("TRYIT.md:%d: %.1f s", b.line, time.Since(began).Seconds())
	got := strings.TrimSuffix(seen.String(), "\n")
	if b.shows && !pattern(b.shown).MatchString(got) {
		sh.t.Fatalf("TRYIT.md:%d: the page says:\n%s\nand one sees:\n%s\n%s", b.line, b.shown, got, sh.logs())
	}
	if !b.shows && strings.TrimSpace(got) != "" {
		sh.t.Fatalf("TRYIT.md:%d: the page says nothing, and one sees:\n%s", b.line, got)
	}
}

// pattern makes an expression of what a page shows: … is anything on a line, and alone on a line any lines.
func pattern(shown string) *regexp.Regexp {
	var b strings.Builder
	for _, line := range strings.SplitAfter(shown, "\n") {
		if line == "…\n" {
			b.WriteString(`(?:[^\n]*\n)*?`)
			continue
		}
		parts := strings.Split(line, "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		b.WriteString(strings.Join(parts, `[^\n]+`))
	}
	return regexp.MustCompile(`\A` + b.String() + `\n*\z`)
}

// end closes the shell and demands that nothing is left running.
func (sh *shell) end() {
	sh.t.Helper()
	sh.in.Close()
	if err := sh.cmd.Wait(); err != nil {
		sh.t.Errorf("the shell did not end well: %v", err)
	}
	for pid, name := range sh.left() {
		sh.t.Errorf("left running: %d %s", pid, name)
	}
}

// left finds what the walk started and runs on, by the home folder that is its own.
func (sh *shell) left() map[int]string {
	all := map[int]string{}
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		sh.t.Fatal(err)
	}
	for _, path := range environs {
		environ, err := os.ReadFile(path)
		if err != nil || !strings.Contains("\x00"+string(environ), "\x00"+sh.home+"\x00") {
			continue // ended meanwhile, or another's
		}
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/environ", &pid); err != nil {
			sh.t.Fatal(err)
		}
		name, err := os.ReadFile(filepath.Join(filepath.Dir(path), "comm"))
		if err == nil {
			all[pid] = strings.TrimSpace(string(name))
		}
	}
	return all
}

// clear ends what a walk that failed left, and removes its folder.
func (sh *shell) clear() {
	for pid := range sh.left() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
	if err := os.RemoveAll(sh.dir); err != nil {
		sh.t.Error(err)
	}
}

// logs are the ends of what the programs logged.
func (sh *shell) logs() string {
	var b strings.Builder
	for _, glob := range []string{"*/*.log", "*/*/log"} {
		files, err := filepath.Glob(filepath.Join(sh.dir, glob))
		if err != nil {
			sh.t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			fmt.Fprintf(&b, "---- %s\n%s\n", file, text[max(0, len(text)-2000):])
		}
	}
	return b.String()
}
