// Command bootspike decides between boot loaders: it records each write that a change of the boot environments makes,
// replays every prefix of them, and asks which slot boots then.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"bangtin/image/bootspike/guest"
)

func main() {
	if os.Args[0] == guest.Init {
		guest.Run()
	}
	// What is started dies with the thread that started it: this one lasts as long as the program.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	d, err := openDebian(ctx)
	if err != nil {
		return err
	}
	for _, l := range []loader{ebg{}, grub{}} {
		work, err := os.MkdirTemp("", "bootspike-"+l.name()+"-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(work)
		path := filepath.Join(work, "disk")
		if err := (disk{d, l, work}).make(ctx, path); err != nil {
			return err
		}
		began := time.Now()
		r, err := machine{debian: d, disk: path, watchdog: true}.start(ctx)
		if err != nil {
			return err
		}
		slot, err := r.slot()
		for _, line := range r.record {
			fmt.Println(line)
		}
		r.cut()
		if err != nil {
			return err
		}
		fmt.Println(l.name(), "boots slot", slot, "after", time.Since(began))
	}
	return nil
}
