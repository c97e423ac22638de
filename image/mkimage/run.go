package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// do runs a program to its end. What it says is shown only when it fails. It gets mounts of its own, so that what it
// mounts is gone with it, and ends with this program.
func do(cmd *exec.Cmd) error {
	var said bytes.Buffer
	cmd.Stderr = &said
	if cmd.Stdout == nil {
		cmd.Stdout = &said
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot run %s: %w\n%s", strings.Join(cmd.Args, " "), err, tail(said.Bytes()))
	}
	return nil
}

// saidAtMost is how much, in bytes, is shown of what a program said before it failed.
const saidAtMost = 8000

func tail(b []byte) []byte { return b[max(0, len(b)-saidAtMost):] }

// inside runs a program in a folder that holds a system, with an environment that says nothing of this machine.
func (b *build) inside(ctx context.Context, root string, args ...string) error {
	cmd := exec.CommandContext(ctx, "chroot", append([]string{root}, args...)...)
	cmd.Env = b.environment()
	return do(cmd)
}

// environment is what every tool gets that makes a part of the image.
func (b *build) environment() []string {
	return []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/root",
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", b.epoch),
	}
}

// tool runs a program of the workshop, which sees the working folder at /mnt.
func (b *build) tool(ctx context.Context, args ...string) error {
	return b.toolTo(ctx, nil, args...)
}

// toolTo is tool, with what the program writes to its standard output kept.
func (b *build) toolTo(ctx context.Context, stdout io.Writer, args ...string) error {
	const enter = `mount --bind "$1" "$2/mnt" && root=$2 && shift 2 && exec chroot "$root" "$@"`
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", enter, "tool", b.work, b.workshop.root()}, args...)...)
	cmd.Env = b.environment()
	cmd.Stdout = stdout
	if err := do(cmd); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}

// only finds the one file that a pattern means.
func only(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("expected one %s, found %q", pattern, found)
	}
	return found[0], nil
}

// copyFile copies a file's bytes under a new name with a mode of its own, whatever the umask.
func copyFile(to, from string, mode os.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, data, mode)
}

// writeFile writes a file and its folders with modes that do not depend on the umask.
func writeFile(to string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to, data, mode); err != nil {
		return err
	}
	return os.Chmod(to, mode)
}
