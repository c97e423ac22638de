package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// printStatus prints a line for each slot. What cannot be read is a word in its place.
func (l loader) printStatus(out io.Writer) error {
	running, err := l.running()
	if err != nil {
		l.note(err)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(table, "slot\truns\tstarts next\tstate\trevision\twatchdog\tboot partition"); err != nil {
		return err
	}
	err = l.look(func(p bootctl.Pair) error {
		next, err := p.Next()
		if err != nil {
			l.note(err)
		}
		for _, slot := range []layout.Slot{layout.A, layout.B} {
			state, revision, watchdog := "unreadable", "-", "-"
			if env, err := p.Read(slot); err != nil {
				l.note(err)
			} else {
				state, revision, watchdog = env.State.String(), fmt.Sprint(env.Revision), fmt.Sprint(env.Watchdog, " s")
			}
			starts := yes(next.Boots == slot)
			if next.Boots == slot && next.Writes == slot {
				starts = "on trial"
			}
			_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", slot, yes(running == slot), starts, state, revision, watchdog, l.boot(slot))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return table.Flush()
}

// boot is a word on a slot's boot partition.
func (l loader) boot(slot layout.Slot) string {
	err := l.with(layout.Boot, slot, toRead, func(folder string) error { return bootctl.Complete(folder, slot) })
	if err != nil {
		l.note(err)
		return "not to be started"
	}
	return "complete"
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
