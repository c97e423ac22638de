package mpv_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/media"
	"bangtin/media/mpv"
)

const tracerVariable = "BANGTIN_TEST_TRACER"

// hold makes a process one that cannot be reaped, as one that hangs in the kernel (state D) cannot: a stranger traces
// it, and the kernel tells the parent of its death only when that stranger has gone. The returned function lets go.
func hold(t *testing.T, pid int) func() {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestAsTracer$")
	cmd.Env = append(os.Environ(), tracerVariable+"="+strconv.Itoa(pid))
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	letGo := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() } // twice is no harm
	t.Cleanup(letGo)
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || line != "held\n" {
		t.Skipf("this machine does not let one process trace another: %q, %v", line, err)
	}
	return letGo
}

// TestAsTracer is the process that holds another one until it is killed.
func TestAsTracer(t *testing.T) {
	pid, err := strconv.Atoi(os.Getenv(tracerVariable))
	if err != nil {
		t.Skip("only as a child of other tests")
	}
	runtime.LockOSThread()
	if err := unix.PtraceSeize(pid); err != nil {
		log.Fatal(err)
	}
	fmt.Println("held")
	select {}
}

func TestMpvThatCannotBeKilledIsReportedAndWaitedFor(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "player")
	p := start(t, mpv.Options{Runtime: folder, AnswerWithin: 500 * time.Millisecond})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	await(t, p, "the picture", 30*time.Second, plays("red"))
	letGo := hold(t, mpvOf(t, folder))
	signal(t, mpvOf(t, folder), syscall.SIGKILL)
	await(t, p, "the reason", 30*time.Second, func(o media.Playing) bool {
		return o.State == media.PlayerDown && strings.Contains(o.Detail, "hangs in the kernel")
	})
	letGo()
	await(t, p, "the picture again", 30*time.Second, plays("red"))
}

func TestTheEndDoesNotWaitForAMpvThatCannotBeKilled(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "player")
	p := mpv.New(mpv.Options{Binary: binary(), Runtime: folder, Video: mpv.VideoNull})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	await(t, p, "the slate", 30*time.Second, func(o media.Playing) bool { return o.State == media.PlayerSlate })
	letGo := hold(t, mpvOf(t, folder))
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(60 * time.Second):
		t.Error("Run waits")
	}
	if o := p.Playing(); o.State != media.PlayerDown || !strings.Contains(o.Detail, "hangs in the kernel") {
		t.Errorf("reported as %+v", o)
	}
	letGo()
}

// TestATextIsGivenUpWhenItsMpvCannotBeKilled: the rest of the programme goes on.
func TestATextIsGivenUpWhenItsMpvCannotBeKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pidFile, script := filepath.Join(dir, "pid"), filepath.Join(dir, "mpv")
	// The one that draws has no --idle; it writes down its number and hangs.
	if err := os.WriteFile(script, []byte("#!/bin/sh\ncase \"$*\" in *--idle=yes*) exec "+binary()+" \"$@\";; esac\n"+
		"echo $$ >"+pidFile+".new; mv "+pidFile+".new "+pidFile+"\nexec sleep 600\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := start(t, mpv.Options{Binary: script})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 1), text("sign", media.English, sign("", "Hello"), 1), picture("green", sample("green.png"), "image/png", 1)))
	var number []byte
	for deadline := time.Now().Add(30 * time.Second); len(number) == 0; number, _ = os.ReadFile(pidFile) {
		if time.Now().After(deadline) {
			t.Fatal("no text is drawn")
		}
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(number)))
	if err != nil {
		t.Fatal(err)
	}
	letGo := hold(t, pid)
	await(t, p, "the next item", 60*time.Second, func(o media.Playing) bool {
		return plays("green")(o) && strings.Contains(o.Detail, "hangs in the kernel")
	})
	letGo()
}
