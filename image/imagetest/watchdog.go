package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// hang stops all programs for good: systemd, who feeds the watchdog, and all that it started are frozen and get no
// processor any more. It is not a panic, which would end by itself, and QEMU has no part in it. Tasks of a real-time
// scheduler that take all processors do not do it: the kernel (6.12) leaves others 5 % by a server of its own, which a
// locked-down one does not let anybody switch off.
const hang = `cd /sys/fs/cgroup && echo 1 >init.scope/cgroup.freeze && echo 1 >system.slice/cgroup.freeze`

// hangLimit leaves nothing that is slower than a reset: systemd's 30 s, and a boot.
const hangLimit = 3 * time.Minute

// watchdog hangs the system, and waits for the board's watchdog to reset it and for the display to return.
func (b *bench) watchdog(ctx context.Context) error {
	r, a, err := b.startInside(ctx, "watchdog", b.world.siteFile("/data/bangtin", "/run/bangtin", outside, panelMDC))
	if err != nil {
		return err
	}
	defer r.cut()
	if err := b.somethingShown(ctx, r); err != nil {
		return r.explain("watchdog", err)
	}
	said, err := a.run(ctx, stepLimit, "cat /sys/class/watchdog/watchdog0/identity /sys/class/watchdog/watchdog0/timeout /sys/class/watchdog/watchdog0/state")
	b.note("watchdog", "systemd feeds the board's watchdog", errors.Join(err, oneOf(said, "active")))
	// Its answer does not come where it works.
	before, began := b.world.connections(), time.Now()
	refused := make(chan string, 1)
	go func() {
		said, err := a.run(ctx, hangLimit, hang)
		refused <- fmt.Sprint(said, err)
	}()
	err = await(ctx, "the watchdog resets the machine", hangLimit, func() (bool, string) {
		events := r.monitor.happened()
		for _, e := range events {
			if strings.HasPrefix(e, "WATCHDOG") && strings.Contains(e, "reset") {
				return true, e
			}
		}
		select {
		case said := <-refused:
			return false, fmt.Sprint(events, said)
		default:
			return false, fmt.Sprint(events)
		}
	})
	b.note("watchdog", "a hung system is reset by the board's watchdog", r.explain("hung", err))
	if err != nil {
		return nil
	}
	b.figure("reset %.0f s after it hung", time.Since(began).Seconds())
	// The screen may have what it had, until the slate comes.
	err = await(ctx, "the built-in slate is on the screen", bootLimit, func() (bool, string) {
		seen, err := r.screen()
		return err == nil && slateSeen(seen), fmt.Sprint("another picture ", err)
	})
	if err == nil {
		err = b.somethingShown(ctx, r)
	}
	if err == nil {
		err = b.onAirSince(ctx, r, before)
	}
	b.note("watchdog", "and the display is on air again: screen, panel and centre", r.explain("return", err))
	if err == nil {
		b.figure("on air again %.0f s after it hung", time.Since(began).Seconds())
	}
	return nil
}

// oneOf looks for a line that is the word.
func oneOf(said, word string) error {
	if slices.Contains(strings.Split(said, "\n"), word) {
		return nil
	}
	return fmt.Errorf("no line %q in: %s", word, said)
}
