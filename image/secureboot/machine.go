package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Times of a machine that emulates, on a computer that others work on too.
const (
	upWithin = 4 * time.Minute  // a start takes 20 to 40 s
	quiet    = 30 * time.Second // how long after its refusal a machine is watched: it must not start in another way
	look     = 200 * time.Millisecond
)

// A machine is one run of QEMU.
type machine struct {
	cmd    *exec.Cmd
	serial string // the file of its serial line
	ended  chan error
}

// power switches a machine on.
func (b *bench) power(ctx context.Context, t trial, d disk) (*machine, error) {
	vars, code := b.trusting, "OVMF_CODE_4M.secboot.fd"
	if t.trusting == nobody {
		vars, code = b.empty, "OVMF_CODE_4M.fd"
	}
	flash := b.path("vars")
	if err := os.WriteFile(flash, vars, 0o600); err != nil {
		return nil, err
	}
	m := &machine{serial: b.path("serial"), ended: make(chan error, 1)}
	if err := os.WriteFile(m.serial, nil, 0o600); err != nil {
		return nil, err
	}
	args := []string{
		"-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1",
		"-cpu", "max", "-smp", "2", "-m", "1G", "-accel", "tcg,thread=multi",
		"-display", "none", "-nodefaults", "-nic", "none", "-vga", "virtio", "-no-reboot", "-serial", "file:" + m.serial, "-serial", "null",
		"-drive", "if=pflash,format=raw,readonly=on,file=" + filepath.Join(b.firmware, code),
		"-drive", "if=pflash,format=raw,file=" + flash,
		"-drive", "if=virtio,format=raw,file=" + d.path,
	}
	for _, text := range t.strings {
		args = append(args, "-smbios", "type=11,value="+strings.ReplaceAll(text, ",", ",,"))
	}
	m.cmd = exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	m.cmd.Stderr = os.Stderr
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the machine: %w", err)
	}
	go func() { m.ended <- m.cmd.Wait() }()
	return m, nil
}

// off takes the power away.
func (m *machine) off() {
	_ = m.cmd.Process.Kill() // it may have ended by itself
	<-m.ended
}

// said is the serial line without the terminal's commands.
func (m *machine) said() string {
	raw, err := os.ReadFile(m.serial)
	if err != nil {
		return err.Error()
	}
	raw = regexp.MustCompile(`\x1b\[[0-9;?!=]*[A-Za-z]`).ReplaceAll(raw, nil)
	return string(bytes.ReplaceAll(raw, []byte("\r"), nil))
}

// watch waits until a machine has started, has said why it does not, or has switched itself off, and then for as long as
// rest says, in which it must not come to start.
func (m *machine) watch(ctx context.Context, d disk, reason string, rest time.Duration) (up, refused bool, err error) {
	end := time.Now().Add(upWithin)
	for off := false; ; {
		if up, err = d.grown(); up || err != nil {
			return up, refused, err
		}
		if reason != "" && !refused && strings.Contains(m.said(), reason) {
			refused = true
			end = time.Now().Add(rest)
		}
		if off || time.Now().After(end) {
			return up, refused, nil
		}
		select {
		case err := <-m.ended:
			m.ended <- err // for off
			off = true     // look once more
		case <-time.After(look):
		case <-ctx.Done():
			return up, refused, errors.New("interrupted")
		}
	}
}

// hear waits for words on the serial line.
func (m *machine) hear(ctx context.Context, words string, limit time.Duration) (bool, error) {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if strings.Contains(m.said(), words) {
			return true, nil
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return false, errors.New("interrupted")
		}
	}
	return false, nil
}

// lineWith is the first line of the serial line that has these words, or nothing.
func (m *machine) lineWith(words string) string {
	for line := range strings.Lines(m.said()) {
		if words != "" && strings.Contains(line, words) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
