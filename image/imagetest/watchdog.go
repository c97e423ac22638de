package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// hang stops the kernel for good on all processors: tasks of the highest priority of a real-time scheduler with nothing
// left for others, started on each processor. systemd, who feeds the watchdog, never runs again. It is not a panic,
// which would end by itself, and QEMU has no part in it.
const hang = `echo -1 >/proc/sys/kernel/sched_rt_runtime_us && for c in 0 1; do
chrt -f 99 taskset -c $c sh -c 'while :; do :; done' & done; sleep 1`

// hangAt leaves nothing that is slower than a reset: systemd's 30 s, and a boot.
const hangLimit = 3 * time.Minute

// watchdog hangs the system, and waits for the board's watchdog to reset it and for the display to return.
func (b *bench) watchdog(ctx context.Context) error {
	disk, err := b.newDisk(ctx, "watchdog", b.benchImage)
	if err != nil {
		return err
	}
	if err := b.commission(ctx, disk, b.world.siteFile("/data/bangtin", "/run/bangtin", outside, panelMDC)); err != nil {
		return err
	}
	m := machine{name: "watchdog", disk: disk}.withAgent(b.work)
	r, err := b.start(ctx, m)
	if err != nil {
		return err
	}
	defer r.cut()
	a, err := b.agent(m)
	if err != nil {
		return err
	}
	if err := b.somethingShown(ctx, r); err != nil {
		return r.explain("watchdog", err)
	}
	said, err := a.run(ctx, stepLimit, "cat /sys/class/watchdog/watchdog0/identity /sys/class/watchdog/watchdog0/timeout /sys/class/watchdog/watchdog0/state")
	b.note("watchdog", "systemd feeds the board's watchdog", errors.Join(err, oneOf(said, "active")))
	// Its answer does not come where it works.
	go func() { _, _ = a.run(ctx, 10*time.Second, hang) }()
	began := time.Now()
	err = await(ctx, "the watchdog resets the machine", hangLimit, func() (bool, string) {
		events := r.monitor.happened()
		for _, e := range events {
			if strings.HasPrefix(e, "WATCHDOG") && strings.Contains(e, "reset") {
				return true, e
			}
		}
		return false, fmt.Sprint(events)
	})
	b.note("watchdog", "a hung system is reset by the board's watchdog", r.explain("hung", err))
	if err != nil {
		return nil
	}
	b.figure("reset %.0f s after it hung", time.Since(began).Seconds())
	b.note("watchdog", "and the display returns", r.explain("return", b.somethingShown(ctx, r)))
	return nil
}

// oneOf looks for a line that is the word.
func oneOf(said, word string) error {
	if slices.Contains(strings.Split(said, "\n"), word) {
		return nil
	}
	return fmt.Errorf("no line %q in: %s", word, said)
}
