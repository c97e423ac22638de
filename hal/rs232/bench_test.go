package rs232_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/rs232"

	"golang.org/x/term"
)

// An adapter is a USB serial adapter that the kernel imitates: dummy_hcd is the controller and the cable, g_serial the
// device. Its stable name is kept as udev keeps those in /dev/serial/by-id.
type adapter struct {
	t     *testing.T
	path  string        // the stable name
	heard <-chan string // what came to the far end
}

// pullers are the ways to pull it out: the device goes, or the port of the hub does. Both end in the driver's disconnect.
// `disconnect` in the device controller's soft_connect would be a third, but dummy_hcd does not come back after it (seen
// on Linux 6.12).
func pullers() map[string]func(*adapter, bool) {
	return map[string]func(*adapter, bool){
		"device": func(a *adapter, in bool) {
			a.set("/sys/bus/gadget/drivers/g_serial/"+map[bool]string{false: "unbind", true: "bind"}[in], "gadget.0")
		},
		"port": func(a *adapter, in bool) {
			a.set("/sys/bus/usb/devices/1-1/authorized", map[bool]string{false: "0", true: "1"}[in])
		},
	}
}

const gadgetEnd = "/dev/ttyGS0"

func onBench(t *testing.T) {
	t.Helper()
	if os.Getenv("BANGTIN_BENCH") == "" {
		t.Skip("needs the booted bench: make e2e-hal")
	}
}

func newAdapter(t *testing.T) *adapter {
	t.Helper()
	a := &adapter{t: t, path: filepath.Join(t.TempDir(), "by-id")}
	for _, module := range []string{"cdc_acm", "dummy_hcd", "g_serial"} {
		a.do("modprobe", module)
		t.Cleanup(func() { a.do("modprobe", "-r", module) })
	}
	a.appeared()
	return a
}

func (a *adapter) do(name string, args ...string) {
	a.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		a.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

func (a *adapter) set(path, value string) {
	a.t.Helper()
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		a.t.Errorf("cannot set %s to %s: %v", path, value, err) // it is called from goroutines too
	}
}

// tty is the name that the kernel gave the adapter; "" while it is unplugged.
func (a *adapter) tty() string {
	a.t.Helper()
	found, err := filepath.Glob("/sys/bus/usb/devices/1-1:*/tty/ttyACM*")
	if err != nil || len(found) > 1 {
		a.t.Fatal(found, err)
	}
	for _, path := range found {
		return filepath.Base(path)
	}
	return ""
}

// appeared waits for the adapter and gives its name the stable one.
func (a *adapter) appeared() string {
	a.t.Helper()
	a.wait("the adapter", func() bool {
		name := a.tty()
		if name == "" {
			return false
		}
		_, err := os.Stat("/dev/" + name)
		return err == nil
	})
	name := a.tty()
	if err := os.Symlink("/dev/"+name, a.path); err != nil {
		a.t.Fatal(err)
	}
	return name
}

func (a *adapter) vanished() {
	a.t.Helper()
	a.wait("the adapter's end", func() bool { return a.tty() == "" })
	if err := os.Remove(a.path); err != nil {
		a.t.Fatal(err)
	}
}

// wait looks until something is so: the kernel tells of it by no file that could be waited for.
func (a *adapter) wait(what string, so func() bool) {
	a.t.Helper()
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			a.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// panel answers at the far end: each line with "ok" and the line, and nothing where the line begins with "mute". What
// it heard can be read from the channel it returns, which closes when the line is hung up.
func (a *adapter) panel() <-chan string {
	a.t.Helper()
	f := a.far()
	heard := make(chan string, 100)
	go func() {
		defer close(heard)
		defer f.Close()
		for lines := bufio.NewReader(f); ; {
			s, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			heard <- s
			if strings.HasPrefix(s, "mute") {
				continue
			}
			if _, err := io.WriteString(f, "ok "+s); err != nil {
				return
			}
		}
	}()
	return heard
}

// far opens the device's end of the line.
func (a *adapter) far() *os.File {
	a.t.Helper()
	f, err := os.OpenFile(gadgetEnd, os.O_RDWR, 0)
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := term.MakeRaw(int(f.Fd())); err != nil {
		a.t.Fatal(err)
	}
	return f
}

// held tells whether this process has a tty of the adapter's open.
func (a *adapter) held() bool {
	a.t.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		a.t.Fatal(err)
	}
	for _, file := range files {
		if to, err := os.Readlink(file); err == nil && strings.HasPrefix(to, "/dev/ttyACM") {
			return true
		}
	}
	return false
}

// asked makes one whole exchange with a panel at the far end.
func (a *adapter) asked(l *rs232.Link) {
	a.t.Helper()
	heard := a.panel()
	var reply []byte
	var err error
	a.wait("an answer", func() bool {
		reply, err = l.Ask(a.t.Context(), []byte("power?\n"), line)
		return !errors.Is(err, hal.ErrPortGone) // a port that has just come back can still say EIO when it is opened
	})
	if err != nil || string(reply) != "ok power?\n" {
		a.t.Fatalf("Ask: %q, %v", reply, err)
	}
	<-heard
	a.heard = heard
}

// TestBenchUnplug pulls the adapter out in the middle of an exchange and between two, and puts it back.
func TestBenchUnplug(t *testing.T) {
	onBench(t)
	for name, pull := range pullers() {
		t.Run(name, func(t *testing.T) {
			a := newAdapter(t)
			timing := quick()
			timing.Reply = time.Minute // silence must not be what ends the exchange
			l := newLink(t, a.path, timing)
			first := a.tty()
			for range 5 {
				a.asked(l)
				a.interrupt(l, pull)
				a.replug(l, pull, first)

				a.asked(l)
				pull(a, false)
				a.replug(l, pull, first)
			}
		})
	}
}

// interrupt pulls the adapter out when its far end has heard the request, and before that answers.
func (a *adapter) interrupt(l *rs232.Link, pull func(*adapter, bool)) {
	a.t.Helper()
	heard := a.heard
	began, done := make(chan time.Time, 1), make(chan struct{})
	go func() {
		defer close(done)
		<-heard
		began <- time.Now()
		pull(a, false)
	}()
	_, err := l.Ask(a.t.Context(), []byte("mute\n"), line)
	if !errors.Is(err, hal.ErrPortGone) || errors.Is(err, hal.ErrSilent) {
		a.t.Fatalf("unplugged in an exchange: %v", err)
	}
	a.t.Logf("said %v after the unplugging began: %v", time.Since(<-began).Round(time.Millisecond), err)
	<-done
}

// replug waits until an unplugged adapter is gone and let go, and puts it back.
func (a *adapter) replug(l *rs232.Link, pull func(*adapter, bool), first string) {
	a.t.Helper()
	a.wait("the port's close", func() bool { return !a.held() })
	a.vanished()
	if err := l.Tell(a.t.Context(), []byte("x\n")); !errors.Is(err, hal.ErrPortGone) || !errors.Is(err, os.ErrNotExist) {
		a.t.Fatalf("while unplugged: %v", err)
	}
	pull(a, true)
	if now := a.appeared(); now != first {
		a.t.Fatalf("replugged as %s, was %s", now, first)
	}
}

// TestBenchHeldPortLosesItsName shows why a link closes at once.
func TestBenchHeldPortLosesItsName(t *testing.T) {
	onBench(t)
	for name, pull := range pullers() {
		t.Run(name, func(t *testing.T) {
			a := newAdapter(t)
			first := a.tty()
			held, err := os.Open(a.path)
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			pull(a, false)
			a.vanished()
			pull(a, true)
			if now := a.appeared(); now == first {
				t.Errorf("a port that is held open came back as %s: nothing depends on closing it, and TestBenchUnplug proves nothing", now)
			}
		})
	}
}

// TestBenchStuckWrite writes to an adapter whose far end takes nothing: the write ends in time, nothing of it is left to
// arrive later, the port is free, and the line works as soon as the far end does.
func TestBenchStuckWrite(t *testing.T) {
	onBench(t)
	for _, c := range []struct {
		name    string
		request []byte // a few bytes stay in the driver; many do not fit into it
	}{
		{"waits to leave", []byte("mute\n")},
		{"waits for room", bytes.Repeat([]byte("mute\n"), 20000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAdapter(t)
			timing := quick()
			timing.Write = 300 * time.Millisecond
			l := newLink(t, a.path, timing)
			for range 3 {
				began := time.Now()
				if err := l.Tell(t.Context(), c.request); !errors.Is(err, hal.ErrPortGone) || errors.Is(err, os.ErrNotExist) {
					t.Fatalf("nobody reads: %v", err)
				}
				t.Logf("given up after %v", time.Since(began).Round(time.Millisecond))
				// Whoever asked is not kept for it: the port is closed behind him, as soon as its reader is back.
				for end := time.Now().Add(10 * time.Second); a.held(); time.Sleep(time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("the port is still open")
					}
				}
			}
			// The first that the panel hears is the next request, which asked expects it to answer.
			a.asked(l)
		})
	}
}

// TestBenchUnplugInAStuckWrite pulls the adapter out while a write to it does not end. The kernel drops what has not
// left and then often says that all has (usb_unbind_interface ends the transfers before the driver hears of it), so it is
// the reader that knows better.
func TestBenchUnplugInAStuckWrite(t *testing.T) {
	onBench(t)
	for name, pull := range pullers() {
		t.Run(name, func(t *testing.T) {
			a := newAdapter(t)
			timing := quick()
			timing.Write, timing.Reply = time.Minute, time.Minute // the unplugging ends it
			draining := make(chan struct{}, 1)
			l := rs232.NewLink(a.path, func(path string) (rs232.Line, error) {
				line, err := rs232.OpenSerial(path)
				return told{line, draining}, err
			}, timing, logger(t))
			defer l.Close()
			first := a.tty()
			for range 5 {
				done := make(chan struct{})
				go func() {
					defer close(done)
					<-draining
					pull(a, false)
				}()
				if _, err := l.Ask(t.Context(), []byte("mute\n"), line); !errors.Is(err, hal.ErrPortGone) {
					t.Fatalf("unplugged in a write: %v", err)
				}
				<-done
				a.replug(l, pull, first)
			}
			l.Drop()
			a.asked(l)
		})
	}
}

// told is a line that tells when its output is waited for.
type told struct {
	rs232.Line
	draining chan<- struct{}
}

func (l told) Drain() error {
	select {
	case l.draining <- struct{}{}:
	default:
	}
	return l.Line.Drain()
}
