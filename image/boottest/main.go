// Command boottest boots Debian's kernel in QEMU and runs there, as root, the tests that need hardware: those whose
// names begin with TestBench, of the rooms that are named, or of all that have some. The hardware is the kernel's own
// imitations: vivid for CEC, gpio-sim, i2c-stub, dummy_hcd. It needs root, to make the guest's root file system, and the
// packages of `.ci/need e2e`; no KVM. Each room has a guest of its own.
//
// A room is the folder of a package, of any checkout, or a test program compiled without cgo. With -command a line for
// the guest's shell is run: before the tests of each room that is given, or alone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"bangtin/image/boottest/guest"
)

func main() {
	if os.Args[0] == guest.Init {
		guest.Run()
	}
	// What is started dies with the thread that started it: this one lasts as long as the program.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	b := &bench{out: os.Stdout}
	flag.StringVar(&b.command, "command", "", "a line for the guest's shell")
	flag.DurationVar(&b.limit, "limit", 6*time.Minute, "the longest that a guest may run")
	flag.DurationVar(&b.total, "total", 15*time.Minute, "the longest that all guests together may run")
	flag.Parse()
	b.rooms = flag.Args()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// A bench is one run: what is asked of it.
type bench struct {
	rooms   []string
	command string
	limit   time.Duration
	total   time.Duration
	out     *os.File
}

func (b *bench) run(ctx context.Context) error {
	cache, err := openCache()
	if err != nil {
		return err
	}
	if err := cache.Permit(os.Geteuid()); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "boottest-")
	if err != nil {
		return fmt.Errorf("cannot make a folder for the guest: %w", err)
	}
	defer os.RemoveAll(temp)

	loads, err := b.payloads(ctx, temp)
	if err != nil {
		return err
	}
	began := time.Now()
	base, err := makeBase(ctx, cache, b.out)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "guest ready after %v: %s\n", time.Since(began).Round(time.Second), base.dir)
	return b.boot(ctx, temp, base, loads)
}

// boot runs a guest for each payload, one after the other, and says what failed in any.
func (b *bench) boot(ctx context.Context, temp string, base base, loads []*payload) error {
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, b.total, fmt.Errorf("all guests together took longer than %v", b.total))
	defer cancel()
	var failed error
	again := 0
	for _, load := range loads {
		initrd, err := writeInitrd(temp, base, load)
		if err != nil {
			return err
		}
		m := machine{base: base, initrd: initrd, console: filepath.Join(temp, "console"), limit: b.limit}
		err = m.run(ctx, load, b.out)
		if endedEarly(err) && ctx.Err() == nil {
			again++
			fmt.Fprintf(b.out, "%v\nbooting once more\n", err)
			err = m.run(ctx, load, b.out)
		}
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	if failed == nil {
		fmt.Fprintf(b.out, "%d guests, %d of them booted twice, nothing failed, %v\n", len(loads), again, time.Since(began).Round(time.Second))
	}
	return failed
}
