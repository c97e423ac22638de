package debian

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// saidAtMost is how much, in bytes, is shown of what a program said before it failed.
const saidAtMost = 8000

// Run runs a program to its end. What it says is shown only when it fails; standard output may go elsewhere. It gets
// mounts of its own, so that what it mounts is gone with it. It ends with the thread that calls.
func Run(cmd *exec.Cmd) error {
	var said bytes.Buffer
	cmd.Stderr = &said
	if cmd.Stdout == nil {
		cmd.Stdout = &said
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot run %s: %w\n%s", strings.Join(cmd.Args, " "), err, said.Bytes()[max(0, said.Len()-saidAtMost):])
	}
	return nil
}
