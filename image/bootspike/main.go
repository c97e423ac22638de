// Command bootspike decides between boot loaders: it records each write that a change of the boot environments makes,
// replays every prefix of them, and asks which slot boots then.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"bangtin/image/bootspike/guest"
	"bangtin/image/layout"
)

func main() {
	if os.Args[0] == guest.Init {
		guest.Run()
	}
	// What is started dies with the thread that started it: this one lasts as long as the program.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var o options
	flag.IntVar(&o.boots, "boots", 12, "at how many cuts of each change the firmware boots, at most")
	flag.BoolVar(&o.hangs, "hangs", true, "whether trials are left to hang, which takes minutes")
	flag.StringVar(&o.only, "only", "", "ebg or grub: one of the two alone")
	flag.StringVar(&o.word, "trials", "", "only the failed trials with this word in their name")
	flag.Parse()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// An options is what is asked for.
type options struct {
	boots int
	hangs bool
	only  string
	word  string
}

func run(ctx context.Context, o options) error {
	d, err := openParts(ctx)
	if err != nil {
		return err
	}
	if err := tools(ctx, d); err != nil {
		return err
	}
	var wrong int
	for _, l := range []loader{ebg{}, grub{}} {
		if o.only != "" && o.only != l.name() {
			continue
		}
		n, err := compare(ctx, d, l, o)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name(), err)
		}
		wrong += n
	}
	if wrong > 0 {
		return fmt.Errorf("%d cuts end as they must not", wrong)
	}
	return nil
}

// compare is all that is tried with one loader. It returns how much went wrong.
func compare(ctx context.Context, d parts, l loader, o options) (wrong int, err error) {
	work, err := os.MkdirTemp("", "bootspike-"+l.name()+"-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	began := time.Now()
	path := filepath.Join(work, "disk")
	if err := (disk{d, l, work}).make(ctx, path); err != nil {
		return 0, err
	}
	b := &bench{parts: d, loader: l, work: work}
	var all []change
	for _, to := range []layout.Slot{layout.B, layout.A} {
		changes, err := b.update(ctx, path, to)
		if err != nil {
			return 0, err
		}
		all = append(all, changes...)
	}
	fmt.Printf("%s: %d changes recorded after %v\n", l.name(), len(all), time.Since(began).Round(time.Second))
	fmt.Println("change | writes | bytes | elsewhere | cuts: sector, torn, lost | before after | as after | booted | wrong")
	scratch := machine{parts: d, disk: filepath.Join(work, "scratch"), watchdog: true}
	for _, c := range all {
		t, err := c.replay(l)
		if err != nil {
			return wrong, err
		}
		if o.boots > 0 && t.writes > 0 {
			if err := c.boots(ctx, scratch, l, t, o.boots); err != nil {
				return wrong, err
			}
		}
		fmt.Printf("%s | %d | %d | %d | %d %d %d | %v %v | %d | %d | %d\n", t.change, t.writes, t.bytes, t.elsewhere,
			t.sectors, t.torn, t.lost, t.before, t.after, t.new, t.booted, len(t.wrong))
		for _, w := range t.wrong[:min(len(t.wrong), 5)] {
			fmt.Println("  wrong:", w)
		}
		wrong += len(t.wrong)
	}
	cuts, torn, err := wear(l)
	if err != nil {
		return wrong, err
	}
	fmt.Printf("%s: %d updates in memory, torn at every byte that changes: %d of %d cuts are wrong\n", l.name(), revisions, torn, cuts)
	if o.hangs {
		if err := hang(ctx, d, l, work, all, o.word); err != nil {
			return wrong, err
		}
	}
	fmt.Printf("%s: done after %v\n", l.name(), time.Since(began).Round(time.Second))
	return wrong, nil
}

// installed is the disk of which slot B's trial comes next.
func installed(all []change) string {
	i := slices.IndexFunc(all, func(c change) bool { return c.name == "loader: trial of B" })
	return all[i].disk
}
