package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"bangtin/hal/haltest/peer"
)

// A machine is what stands in a cabinet, as QEMU has it. The zero value but for name and disk has all that a display needs.
type machine struct {
	name   string // of the files that tell what was seen
	disk   string
	more   []string // QEMU's arguments, beside the others
	dark   bool     // it has no graphics
	alone  bool     // no network
	deaf   bool     // no panel is at the serial port
	locked bool     // the medium takes no writes
}

// The board, as in docs/BOOT.md. The screen is small and has the shape of a television: drawing is emulated too.
const (
	firmware  = "/usr/share/OVMF/OVMF_CODE_4M.fd"
	variables = "/usr/share/OVMF/OVMF_VARS_4M.fd"
	screenW   = 1280
	screenH   = 720
)

func (m machine) arguments(dir string) []string {
	at := func(name string) string { return filepath.Join(dir, name) }
	readonly := "off"
	if m.locked {
		readonly = "on"
	}
	args := []string{
		"-machine", "q35", "-cpu", "max", "-smp", "2", "-m", "1G", "-accel", "tcg,thread=multi",
		"-display", "none", "-nodefaults", "-action", "watchdog=reset", "-device", "i6300esb",
		"-drive", "if=pflash,format=raw,readonly=on,file=" + firmware,
		"-drive", "if=pflash,format=raw,file=" + at("vars"),
		// The host's cache outlives QEMU: a cut loses what the guest had not yet handed over, and nothing more.
		"-drive", "if=none,id=disk,format=raw,cache=writeback,readonly=" + readonly + ",file=" + m.disk,
		"-device", "virtio-blk-pci,drive=disk",
		"-chardev", "socket,id=console,path=" + at("console") + ",server=on,wait=off", "-serial", "chardev:console",
		"-chardev", "socket,id=panel,path=" + at("panel") + ",server=on,wait=off", "-serial", "chardev:panel",
		"-qmp", "unix:" + at("qmp") + ",server=on,wait=off",
		"-device", "virtio-rng-pci",
	}
	if m.dark {
		args = append(args, "-vga", "none")
	} else {
		args = append(args, "-device", fmt.Sprintf("virtio-vga,xres=%d,yres=%d", screenW, screenH))
	}
	if m.alone {
		args = append(args, "-nic", "none")
	} else {
		args = append(args, "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net")
	}
	return append(args, m.more...)
}

// A running machine.
type running struct {
	machine
	bench   *bench
	dir     string
	cmd     *exec.Cmd
	exited  chan struct{}
	monitor *monitor
	panel   *peer.Panel
	power   func(context.Context) (peer.State, error) // asks the panel, past the display
	console net.Conn
	heard   transcript // of the console
	began   time.Time
	said    bytes.Buffer
	cutOnce sync.Once
}

// start switches the power on.
func (b *bench) start(ctx context.Context, m machine) (r *running, err error) {
	r = &running{machine: m, bench: b, exited: make(chan struct{})}
	if r.dir, err = os.MkdirTemp(b.work, m.name+"-"); err != nil {
		return nil, err
	}
	if _, err := b.do(ctx, "cp", variables, filepath.Join(r.dir, "vars")); err != nil {
		return nil, err
	}
	if r.panel, err = peer.New(peer.Config{Protocol: "mdc", ID: 1, WarmUp: time.Second}); err != nil {
		return nil, err
	}
	r.power = func(context.Context) (peer.State, error) { return r.panel.State(), nil }
	r.cmd = exec.Command("qemu-system-x86_64", m.arguments(r.dir)...)
	r.cmd.Stdout, r.cmd.Stderr = &r.said, &r.said
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r.began = time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = r.cmd.Wait() // it is killed in the end
		close(r.exited)
	}()
	if err := r.attach(); err != nil {
		r.cut()
		return nil, fmt.Errorf("cannot start %s: %w\n%s", m.name, err, r.said.Bytes())
	}
	return r, nil
}

func (r *running) attach() (err error) {
	if r.monitor, err = dialMonitor(filepath.Join(r.dir, "qmp")); err != nil {
		return err
	}
	if r.console, err = dialUnix(filepath.Join(r.dir, "console")); err != nil {
		return err
	}
	go func() { _, _ = io.Copy(&r.heard, r.console) }()
	if r.deaf {
		return nil
	}
	line, err := dialUnix(filepath.Join(r.dir, "panel"))
	if err != nil {
		return err
	}
	go listen(r.panel, line)
	return nil
}

// listen is the panel's end of the line, until it is cut.
func listen(panel *peer.Panel, line net.Conn) {
	defer line.Close()
	heard := make([]byte, 512)
	for {
		n, err := line.Read(heard)
		if err != nil {
			return
		}
		for _, burst := range panel.Hear(heard[:n]) {
			time.Sleep(time.Until(burst.At)) // the panel's own pause
			if _, err := line.Write(burst.Bytes); err != nil {
				return
			}
		}
	}
}

// cut takes the power away, and keeps what was seen.
func (r *running) cut() {
	r.cutOnce.Do(func() {
		if r.monitor != nil && !r.dark {
			_ = r.save("last") // for who looks for what went wrong
		}
		_ = r.cmd.Process.Kill()
		<-r.exited
		_ = writeText(filepath.Join(r.bench.out, r.name+".console"), r.wrote())
		if r.console != nil {
			r.console.Close()
		}
		_ = os.RemoveAll(r.dir)
	})
}

// screen is what a passer-by sees.
func (r *running) screen() (*image.RGBA, error) {
	file := filepath.Join(r.dir, "screen.ppm")
	if err := r.monitor.ask("screendump", map[string]any{"filename": file}, nil); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readPPM(f)
}

// save keeps the screen as a picture in the run's folder.
func (r *running) save(name string) error {
	picture, err := r.screen()
	if err != nil {
		return err
	}
	return writePNG(filepath.Join(r.bench.out, r.name+"-"+name+".png"), picture)
}

// wrote is what the serial console has said since the power was switched on.
func (r *running) wrote() string { return r.heard.String() }

// explain adds to an error what the console said last, and keeps the screen.
func (r *running) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	if !r.dark {
		_ = r.save("fail-" + what)
	}
	return fmt.Errorf("%w\nThe console shows:\n%s", err, strings.Join(shows(r.wrote()), "\n"))
}
