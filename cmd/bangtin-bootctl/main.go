// Command bangtin-bootctl says which slot starts next. RAUC has no words of its own for EFI Boot Guard and asks this program
// (bootloader-custom-backend in its system.conf), which mounts what it needs for as long as it needs it, where nobody else
// sees it. It is for root:
//
//	bangtin-bootctl get-primary                 prints the slot that a start would take now, A or B
//	bangtin-bootctl set-primary SLOT            the next start is SLOT's trial; of the slot that runs: no trial of the other
//	bangtin-bootctl get-state SLOT              prints good of a slot that is confirmed, else bad
//	bangtin-bootctl set-state SLOT good|bad     confirms the slot that runs, or gives one up
//	bangtin-bootctl get-current                 prints the slot that runs
//	bangtin-bootctl serve                       becomes RAUC's service, which is told the slot that runs
//	bangtin-bootctl trial-end                   ends a trial that nobody confirmed: restarts the machine
//	bangtin-bootctl status                      prints both slots, for a technician
//
// Its exit code is 0, 1 for what cannot be done, and 2 for words that it does not know.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"bangtin/image/layout"
)

// limit is how long the program may take. A change takes milliseconds; a disk that hangs must not hang RAUC for ever.
const limit = time.Minute

// errWords is of a command that the program does not know.
var errWords = errors.New("cannot run: one of get-primary, set-primary SLOT, get-state SLOT, set-state SLOT good|bad, get-current, serve, trial-end, status is wanted")

func main() {
	time.AfterFunc(limit, func() {
		fmt.Fprintf(os.Stderr, "bangtin-bootctl: cannot %v: it takes longer than %v\n", os.Args[1:], limit)
		os.Exit(1)
	})
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "bangtin-bootctl:", err)
	if errors.Is(err, errWords) {
		os.Exit(2)
	}
	os.Exit(1)
}

func run(args []string, out, say io.Writer) error {
	set := flag.NewFlagSet("bangtin-bootctl", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	folders := set.String("folders", "", "a folder with ENV-A, ENV-B, BOOT-A and BOOT-B in it, in place of the disk's partitions, for trials")
	slot := set.String("slot", layout.SlotRun, "the file that holds the slot that runs")
	if err := set.Parse(args); err != nil {
		return fmt.Errorf("%w: %w", errWords, err)
	}
	l := loader{places: partitions{sys: "/sys", dev: "/dev", disk: layout.DiskRun, kind: "vfat"}, slot: *slot, say: say}
	if *folders != "" {
		l.places = below(*folders)
	}
	return l.obey(set.Args(), out)
}

// obey does what is asked.
func (l loader) obey(args []string, out io.Writer) error {
	word := ""
	if len(args) > 0 {
		word = args[0]
	}
	slot, known := layout.Slot(""), true
	if len(args) > 1 {
		slot = layout.Slot(args[1])
		known = slot == layout.A || slot == layout.B
	}
	switch {
	case !known:
		return fmt.Errorf("%w, and a slot is A or B, not %q", errWords, slot)
	case word == "get-primary" && len(args) == 1:
		return l.printPrimary(out)
	case word == "set-primary" && len(args) == 2:
		return l.setPrimary(slot)
	case word == "get-state" && len(args) == 2:
		return l.printState(out, slot)
	case word == "set-state" && len(args) == 3 && args[2] == "good":
		return l.setGood(slot)
	case word == "set-state" && len(args) == 3 && args[2] == "bad":
		return l.setBad(slot)
	case word == "get-current" && len(args) == 1:
		return l.printCurrent(out)
	case word == "serve" && len(args) == 1:
		return l.serve(become)
	case word == "trial-end" && len(args) == 1:
		return l.endTrial(reboot)
	case word == "status" && len(args) == 1:
		return l.printStatus(out)
	}
	return errWords
}
