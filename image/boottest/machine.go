package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"bangtin/image/boottest/guest"
)

// A machine is one boot of a guest. Nothing that the guest writes to its disk is kept.
type machine struct {
	base            base
	initrd, console string
	limit           time.Duration
}

// consoleTail is how much of the console, in bytes, is shown of a guest in which something failed.
const consoleTail = 4000

// run boots the guest, passes on what its jobs say, and returns when it is off. It fails when a job failed, or when not
// all have ended.
func (m machine) run(ctx context.Context, load *payload, out io.Writer) error {
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, m.limit, fmt.Errorf("%w than %v", errTooLong, m.limit))
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", m.arguments()...)
	cmd.ExtraFiles = []*os.File{w} // descriptor 3
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("cannot start the guest: %w", err)
	}
	v := verdict{began: began, out: out}
	v.err = v.read(r)
	if err := cmd.Wait(); err != nil && ctx.Err() == nil {
		v.err = errors.Join(v.err, fmt.Errorf("cannot run the guest: %w\n%s", err, said.Bytes()))
	}
	fmt.Fprintf(out, "guest off after %v; %s\n", time.Since(began).Round(100*time.Millisecond), busy(cmd.ProcessState, time.Since(began)))
	if err := errors.Join(context.Cause(ctx), v.err, v.judge(len(load.jobs))); err != nil {
		return fmt.Errorf("%w\nThe guest's console:\n%s", err, m.tail())
	}
	return nil
}

// busy tells how much of the machine a guest got, and what there was beside it: what is slow may be slow for that alone.
func busy(p *os.ProcessState, took time.Duration) string {
	got := float64(p.UserTime()+p.SystemTime()) / float64(took)
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte(err.Error())
	}
	return fmt.Sprintf("it got %.2f processors, the load is %s", got, bytes.TrimSpace(load))
}

func (m machine) arguments() []string {
	return []string{
		"-machine", "q35", "-cpu", "max", "-smp", "2", "-m", "1G", "-accel", "tcg,thread=multi",
		"-kernel", m.base.kernel(), "-initrd", m.initrd,
		// A panic ends the guest at once. Without the mitigations, which protect nothing here, it is faster.
		"-append", "console=ttyS0 loglevel=5 panic=-1 mitigations=off nokaslr net.ifnames=0",
		"-no-reboot", "-display", "none", "-nodefaults", "-nic", "none",
		"-drive", "file=" + m.base.disk() + ",format=raw,if=virtio,snapshot=on",
		"-serial", "file:" + m.console,
		"-device", "virtio-serial-pci", "-chardev", "file,id=report,path=/dev/fd/3",
		"-device", "virtserialport,chardev=report,name=" + guest.Port,
		"-device", "virtio-gpu-pci", // a card and a connector for what asks DRM
		"-device", "i6300esb", "-action", "watchdog=reset",
	}
}

// tail is the end of the console, or why there is none.
func (m machine) tail() []byte {
	console, err := os.ReadFile(m.console)
	if err != nil {
		return []byte(err.Error())
	}
	return console[max(0, len(console)-consoleTail):]
}

// A verdict is what a guest has said so far.
type verdict struct {
	began time.Time
	out   io.Writer
	ended []guest.Report
	skips []string // what was skipped, with its job
	spoke bool     // a first job did
	done  bool
	err   error
}

// errNoBoot is wrapped where the guest ended before its first job spoke. Debian's 6.12 panics now and then while it
// patches itself on two emulated processors (int3 in sched_clock_cpu): that says nothing of what is tested.
var errNoBoot = errors.New("the guest did not boot")

// errTooLong is why a guest was ended.
var errTooLong = errors.New("the guest took longer")

// endedEarly tells a guest that is worth booting once more. One that hung without a word is not: it would again take all the
// time there is.
func endedEarly(err error) bool { return errors.Is(err, errNoBoot) && !errors.Is(err, errTooLong) }

// read passes on the report to its end, which comes with the guest's.
func (v *verdict) read(r io.Reader) error {
	reports := json.NewDecoder(r)
	for first := true; ; first = false {
		var report guest.Report
		if err := reports.Decode(&report); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("cannot read the guest's report: %w", err)
		}
		if first {
			v.spoke = true
			fmt.Fprintf(v.out, "guest booted, and its first job spoke, after %v\n", time.Since(v.began).Round(100*time.Millisecond))
		}
		switch {
		case report.Done:
			v.done = true
		case report.Exit != nil:
			v.ended = append(v.ended, report)
			fmt.Fprintf(v.out, "--- %s ended with %d after %v\n", report.Job, *report.Exit, time.Since(v.began).Round(100*time.Millisecond))
		default:
			fmt.Fprintln(v.out, report.Line)
			if test, ok := strings.CutPrefix(strings.TrimSpace(report.Line), "--- SKIP: "); ok {
				v.skips = append(v.skips, report.Job+" "+test)
			}
		}
	}
}

// judge says what is missing of so many jobs, or which of them failed. A test that is skipped has shown nothing, and the
// guest has all that any of them needs: it counts as failed.
func (v *verdict) judge(jobs int) error {
	if !v.spoke {
		return errNoBoot
	}
	if !v.done || len(v.ended) != jobs {
		return fmt.Errorf("the guest ended after %d of %d jobs", len(v.ended), jobs)
	}
	var failed []string
	for _, report := range v.ended {
		if *report.Exit != 0 {
			failed = append(failed, fmt.Sprintf("%s (%d)", report.Job, *report.Exit))
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("failed in the guest: %s", strings.Join(failed, ", "))
	}
	if len(v.skips) > 0 {
		return fmt.Errorf("skipped, where they have all they need: %s", strings.Join(v.skips, ", "))
	}
	return nil
}
