package main

import (
	"context"
	"fmt"
	"path/filepath"

	"bangtin/image/layout"
)

// A bench is one loader's.
type bench struct {
	parts  parts
	loader loader
	work   string
	n      int // disks kept
}

// keep copies a disk as it is now.
func (b *bench) keep(ctx context.Context, from string) (string, error) {
	b.n++
	path := filepath.Join(b.work, fmt.Sprintf("kept-%d", b.n))
	return path, copyDisk(ctx, path, from)
}

// session boots a disk, wants a slot to come up, has it obey, and takes the power away. It returns the change that the
// loader made and those of the commands. The disk is as they left it.
func (b *bench) session(ctx context.Context, disk string, want layout.Slot, name string, commands ...string) ([]change, error) {
	before, err := b.keep(ctx, disk)
	if err != nil {
		return nil, err
	}
	log := disk + ".log"
	r, err := machine{parts: b.parts, disk: disk, log: log, watchdog: true}.start(ctx)
	if err != nil {
		return nil, err
	}
	defer r.cut()
	slot, err := r.slot()
	if err == nil && slot != want {
		err = fmt.Errorf("slot %s boots where %s should", slot, want)
	}
	if err != nil {
		return nil, err
	}
	var all []change
	done := 0
	for _, step := range append([]string{""}, commands...) {
		if step != "" {
			if err := r.tell(step); err != nil {
				return nil, err
			}
		}
		writes, err := readLog(log)
		if err != nil {
			return nil, err
		}
		title := step
		if step == "" {
			title = name
		}
		all = append(all, change{name: title, disk: before, writes: writes[done:]})
		if before, err = b.keep(ctx, before); err != nil {
			return nil, err
		}
		if err := apply(before, writes[done:]); err != nil {
			return nil, err
		}
		done = len(writes)
	}
	return all, nil
}

// update records a whole update of slot to while its other runs, and of a second one that fails. It ends with to
// confirmed.
func (b *bench) update(ctx context.Context, disk string, to layout.Slot) ([]change, error) {
	from := to.Other()
	recorded, err := b.session(ctx, disk, from, "boot of what is confirmed", "bad "+string(to), "install "+string(to))
	if err != nil {
		return nil, err
	}
	trial, err := b.session(ctx, disk, to, "loader: trial of "+string(to), "confirm "+string(to))
	if err != nil {
		return nil, err
	}
	// The trial was cut before it was confirmed.
	cut, err := b.keep(ctx, trial[1].disk)
	if err != nil {
		return nil, err
	}
	failed, err := b.session(ctx, cut, from, "loader: "+string(to)+" failed", "bad "+string(to))
	if err != nil {
		return nil, err
	}
	failed[1].name = "bad " + string(to) + " after its trial"
	return append(append(recorded, trial...), failed...), nil
}
