package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"bangtin/image/bootspike/guest"
	"bangtin/image/layout"
)

// A machine is a run of QEMU under OVMF. It emulates: no KVM.
type machine struct {
	parts    parts
	board    string // QEMU's; q35 where it is not said
	disk     string
	log      string // where every write is recorded; without it none is kept
	watchdog bool   // an i6300ESB is there
}

// A running machine. What it says on its serial line comes by the line.
type running struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan string
	stop   context.CancelFunc
	began  time.Time
	record []string // the last lines, for a report
}

func (m machine) arguments(vars string) []string {
	board := cmp.Or(m.board, "q35")
	args := []string{
		"-machine", board, "-cpu", "max", "-smp", "1", "-m", "512M", "-accel", "tcg",
		"-display", "none", "-nodefaults", "-nic", "none", "-serial", "stdio", "-action", "watchdog=reset",
		"-drive", "if=pflash,format=raw,readonly=on,file=" + m.parts.path("usr/share/OVMF/OVMF_CODE_4M.fd"),
		"-drive", "if=pflash,format=raw,file=" + vars,
	}
	if board == "q35" {
		args = append(args, "-global", "ICH9-LPC.noreboot=false") // the strap that keeps the chipset's watchdog from resetting
	}
	if m.watchdog {
		args = append(args, "-device", "i6300esb")
	}
	if m.log == "" {
		return append(args, "-drive", "if=none,id=d,format=raw,snapshot=on,file="+m.disk, "-device", "virtio-blk-pci,drive=d")
	}
	return append(args,
		"-blockdev", "driver=file,node-name=log,filename="+m.log,
		"-blockdev", "driver=file,node-name=file,filename="+m.disk,
		"-blockdev", "driver=raw,node-name=raw,file=file",
		"-blockdev", "driver=blklogwrites,node-name=d,file=raw,log=log,log-sector-size=512",
		"-device", "virtio-blk-pci,drive=d")
}

// start boots. The firmware's variables are new each time: nothing is remembered but on the disk.
func (m machine) start(ctx context.Context) (*running, error) {
	vars := m.disk + ".vars"
	if err := copyFile(vars, m.parts.path("usr/share/OVMF/OVMF_VARS_4M.fd"), 0o644); err != nil {
		return nil, err
	}
	if m.log != "" {
		if err := os.WriteFile(m.log, nil, 0o644); err != nil {
			return nil, err
		}
	}
	ctx, stop := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", m.arguments(vars)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		stop()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		stop()
		return nil, fmt.Errorf("cannot start the machine: %w", err)
	}
	r := &running{cmd: cmd, in: in, lines: make(chan string, 4096), stop: stop, began: time.Now()}
	go func() {
		defer close(r.lines)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			r.lines <- lines.Text()
		}
	}()
	return r, nil
}

// recorded is how many lines are kept for a report.
const recorded = 60

var errSilent = errors.New("it did not say so in time")

// await returns the rest of the first line that has one of the marks in it.
func (r *running) await(limit time.Duration, marks ...string) (mark, rest string, err error) {
	end := time.After(limit)
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				return "", "", fmt.Errorf("the machine is off; it said:\n%s", strings.Join(r.record, "\n"))
			}
			r.record = append(r.record, line)
			r.record = r.record[max(0, len(r.record)-recorded):]
			for _, mark := range marks {
				if _, rest, ok := strings.Cut(line, mark); ok {
					return mark, strings.TrimSpace(rest), nil
				}
			}
		case <-end:
			return "", "", fmt.Errorf("waited %v for %q: %w; it said:\n%s", limit, marks, errSilent, strings.Join(r.record, "\n"))
		}
	}
}

// bootLimit is the longest that a boot may take: some 15 s here, and a machine that others work on too.
const bootLimit = 3 * time.Minute

// slot waits for the payload and returns which it is.
func (r *running) slot() (layout.Slot, error) {
	_, rest, err := r.await(bootLimit, guest.Hello)
	return layout.Slot(rest), err
}

// tell has the payload do something.
func (r *running) tell(command string) error {
	if _, err := fmt.Fprintln(r.in, command); err != nil {
		return err
	}
	mark, rest, err := r.await(bootLimit, guest.Done+command, guest.Refused+command)
	if err == nil && mark != guest.Done+command {
		err = fmt.Errorf("%s was refused %s", command, rest)
	}
	return err
}

// cut takes the power away.
func (r *running) cut() {
	r.stop()
	for range r.lines {
	}
	_ = r.cmd.Wait() // it was killed
}

// boot boots, returns which slot came, and takes the power away.
func (m machine) boot(ctx context.Context) (layout.Slot, error) {
	r, err := m.start(ctx)
	if err != nil {
		return "", err
	}
	defer r.cut()
	return r.slot()
}

// copyDisk keeps the holes.
func copyDisk(ctx context.Context, to, from string) error {
	_, err := do(ctx, "cp", "--sparse=always", from, to)
	return err
}
