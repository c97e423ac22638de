package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"bangtin/image/bootspike/guest"
	"bangtin/image/layout"
)

// hangLimit is how long a machine that hangs is watched: more than twice what the watchdog has.
const hangLimit = 150 * time.Second

// A failure is a way for a trial of slot B not to come up, or to hang.
type failure struct {
	name     string
	command  string // to the payload; none where it does not start
	machine  string // QEMU's board; q35 has Intel's TCO watchdog in its chipset, pc none that EFI Boot Guard knows
	noESB    bool   // no i6300ESB is plugged in
	noKernel bool   // the file system with slot B's kernel is gone
	noTrial  bool   // it is no trial at all: slot A is confirmed and B the version before it
}

func failures() []failure {
	return []failure{
		{name: "hangs before it opens the watchdog", command: "hang"},
		{name: "panics, with panic=0", command: "panic"},
		{name: "has no kernel", noKernel: true},
		{name: "hangs where the chipset's TCO is the only watchdog", command: "hang", noESB: true},
		{name: "starts on a machine without a watchdog", machine: "pc", noESB: true},
		{name: "is none, but a confirmed slot on a machine without a watchdog", machine: "pc", noESB: true, noTrial: true},
	}
}

// hang tries what becomes of each failed trial without a hand on the machine, of those with a word in
// their name.
func hang(ctx context.Context, d parts, l loader, work string, all []change, word string) error {
	for _, f := range failures() {
		if !strings.Contains(f.name, word) {
			continue
		}
		m := machine{parts: d, board: f.machine, disk: work + "/hanging", watchdog: !f.noESB}
		from := installed(all)
		if f.noTrial {
			from = all[0].disk
		}
		if err := copyDisk(ctx, m.disk, from); err != nil {
			return err
		}
		if f.noKernel {
			if err := apply(m.disk, []write{{at: offset(layout.Boot, layout.B), data: make([]byte, 1<<20)}}); err != nil {
				return err
			}
		}
		ends, err := f.watch(ctx, m)
		if err != nil {
			return fmt.Errorf("a trial that %s: %w", f.name, err)
		}
		fmt.Printf("%s: a trial that %s: %s\n", l.name(), f.name, ends)
	}
	return nil
}

// watch says what happens.
func (f failure) watch(ctx context.Context, m machine) (string, error) {
	r, err := m.start(ctx)
	if err != nil {
		return "", err
	}
	defer r.cut()
	said := ""
	if f.command != "" {
		slot, err := r.slot()
		if err != nil {
			return "", err
		}
		said = fmt.Sprintf("%s came up after %v; ", slot, time.Since(r.began).Round(time.Second))
		if _, err := fmt.Fprintln(r.in, f.command); err != nil {
			return "", err
		}
	}
	began := time.Now()
	_, slot, err := r.await(hangLimit, guest.Hello)
	switch {
	case errors.Is(err, errSilent):
		fmt.Fprintln(os.Stderr, err)
		return fmt.Sprintf("%snothing for %v", said, hangLimit), nil
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("%s%s is there %v later", said, slot, time.Since(began).Round(time.Second)), nil
}
