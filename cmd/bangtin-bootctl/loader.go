package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// places are where a slot's environment and kernel lie.
type places interface {
	// open makes one ready to be read, or written, below the folder that it returns, until it is closed.
	open(role layout.Role, slot layout.Slot, a access) (volume, error)
	// lock keeps another of these programs out until it is called off. It blocks.
	lock(a access) (unlock func() error, err error)
}

type access int

const (
	toRead access = iota
	toWrite
)

// A volume is a file system that can be reached at a folder.
type volume struct {
	folder string
	close  func() error
}

// A loader is what decides which slot starts, as RAUC sees it.
type loader struct {
	places places
	slot   string    // the file that holds the slot that runs
	say    io.Writer // what went wrong and hindered nothing
}

// running is the slot that runs, as the initrd found it by the root that it verified.
func (l loader) running() (layout.Slot, error) {
	text, err := os.ReadFile(l.slot)
	if err != nil {
		return "", fmt.Errorf("cannot tell which slot runs: %w", err)
	}
	slot := layout.Slot(strings.TrimSuffix(string(text), "\n"))
	if slot != layout.A && slot != layout.B {
		return "", fmt.Errorf("cannot tell which slot runs: %s holds %.16q", l.slot, text)
	}
	return slot, nil
}

func (l loader) printCurrent(out io.Writer) error {
	slot, err := l.running()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, slot)
	return err
}

// printPrimary prints what the loader would start now. In a trial that is the other slot: the trial has one start.
func (l loader) printPrimary(out io.Writer) error {
	return l.look(func(p bootctl.Pair) error {
		next, err := p.Next()
		if err != nil {
			return err
		}
		if next.Boots == "" {
			return errors.New("cannot tell which slot starts next: no boot environment is whole")
		}
		_, err = fmt.Fprintln(out, next.Boots)
		return err
	})
}

// printState prints good of a slot that starts whenever it is the newest, and bad of one that was given up, that has yet to
// be tried, or that is being tried: what was marked good can be read back. An environment that cannot be read is as the
// loader takes it: bad.
func (l loader) printState(out io.Writer, slot layout.Slot) error {
	return l.look(func(p bootctl.Pair) error {
		env, err := p.Read(slot)
		if err != nil {
			l.note(err)
		}
		state := "bad"
		if err == nil && confirmed(env) {
			state = "good"
		}
		_, err = fmt.Fprintln(out, state)
		return err
	})
}

// note says what hinders nothing. There is nobody to tell where that cannot be said.
func (l loader) note(err error) { _, _ = fmt.Fprintln(l.say, "bangtin-bootctl:", err) }

func confirmed(env bootctl.Env) bool {
	return env.State == bootctl.OK && env.Revision != 0 && !env.InProgress
}

// setBad gives a slot up: RAUC asks for it before it writes the slot's first byte.
func (l loader) setBad(slot layout.Slot) error {
	err := l.change(slot, func(p bootctl.Pair) error { return p.Bad(slot) })
	if err != nil {
		return err
	}
	return l.confirm(slot, func(env bootctl.Env) bool { return env.State == bootctl.Failed && env.Revision == 0 })
}

// setGood ends the trial of the slot that runs. No other can be confirmed: nothing is known of it.
func (l loader) setGood(slot layout.Slot) error {
	running, err := l.running()
	if err != nil {
		return err
	}
	if slot != running {
		return l.confirm(slot, confirmed)
	}
	if err := l.change(slot, func(p bootctl.Pair) error { return p.Confirmed(slot) }); err != nil {
		return err
	}
	return l.confirm(slot, confirmed)
}

// setPrimary has the next start be a trial of a slot of which all is written. First its boot partition gets the slot's own
// label, and only when that was read back does the environment ask for it. Cut before the environment's one write the slot
// is still given up, whatever its label is; cut in the middle of that write the environment's sum is wrong, which is the
// same; and after it all is there.
func (l loader) setPrimary(slot layout.Slot) error {
	running, err := l.running()
	if err != nil {
		return err
	}
	if slot == running {
		return l.stay(slot)
	}
	if err := l.own(slot); err != nil {
		return err
	}
	err = l.change(slot, func(p bootctl.Pair) error {
		now, err := p.Read(running)
		if err != nil {
			return err
		}
		// The board is the same one: what it knows of watchdogs, the slot that runs has.
		return p.Installed(slot, bootctl.Env{Kernel: bootctl.KernelPath(slot), Watchdog: now.Watchdog})
	})
	if err != nil {
		return err
	}
	return l.confirm(slot, func(env bootctl.Env) bool {
		return env.State == bootctl.Installed && env.Kernel == bootctl.KernelPath(slot)
	})
}

// stay calls a trial of the other slot off: it is given up. Where the slot that runs is the next anyway nothing is written.
func (l loader) stay(running layout.Slot) error {
	return l.change(running.Other(), func(p bootctl.Pair) error {
		next, err := p.Next()
		if err != nil || next.Boots == running {
			return err
		}
		return p.Bad(running.Other())
	})
}

// own makes a slot's boot partition its own, and reads it back from the disk: what was mounted anew has nothing in memory.
func (l loader) own(slot layout.Slot) error {
	unlock, err := l.places.lock(toWrite)
	if err != nil {
		return err
	}
	err = l.with(layout.Boot, slot, toWrite, func(folder string) error { return bootctl.Relabel(folder, slot) })
	if err == nil {
		err = l.with(layout.Boot, slot, toRead, func(folder string) error { return bootctl.Complete(folder, slot) })
	}
	return errors.Join(err, unlock())
}

func (l loader) with(role layout.Role, slot layout.Slot, a access, do func(folder string) error) error {
	v, err := l.places.open(role, slot, a)
	if err != nil {
		return err
	}
	return errors.Join(do(v.folder), v.close())
}

// change has one slot's environment to be written and the other's to be read.
func (l loader) change(slot layout.Slot, do func(bootctl.Pair) error) error {
	unlock, err := l.places.lock(toWrite)
	if err != nil {
		return err
	}
	err = l.with(layout.Env, slot.Other(), toRead, func(other string) error {
		return l.with(layout.Env, slot, toWrite, func(own string) error { return do(pair(slot, own, other)) })
	})
	return errors.Join(err, unlock())
}

// confirm reads a change back from the disk.
func (l loader) confirm(slot layout.Slot, is func(bootctl.Env) bool) error {
	return l.look(func(p bootctl.Pair) error {
		env, err := p.Read(slot)
		if err == nil && !is(env) {
			err = fmt.Errorf("slot %s is %v, revision %d", slot, env.State, env.Revision)
		}
		if err != nil {
			return fmt.Errorf("cannot read the change back: %w", err)
		}
		return nil
	})
}

// look has both environments to be read. One that cannot be opened is one that cannot be read, as it is to the loader.
func (l loader) look(do func(bootctl.Pair) error) error {
	unlock, err := l.places.lock(toRead)
	if err != nil {
		return err
	}
	var folders [2]string
	var closers []func() error
	for i, slot := range []layout.Slot{layout.A, layout.B} {
		v, err := l.places.open(layout.Env, slot, toRead)
		if err != nil {
			l.note(err)
			continue
		}
		folders[i], closers = v.folder, append(closers, v.close)
	}
	err = do(pair(layout.A, folders[0], folders[1]))
	for _, c := range closers {
		err = errors.Join(err, c())
	}
	return errors.Join(err, unlock())
}

// pair is the files in the folders of a slot and of the other. A folder that is none has no file.
func pair(slot layout.Slot, own, other string) bootctl.Pair {
	file := func(folder string) string {
		if folder == "" {
			return ""
		}
		return filepath.Join(folder, bootctl.FileName)
	}
	if slot == layout.A {
		return bootctl.Pair{A: file(own), B: file(other)}
	}
	return bootctl.Pair{A: file(other), B: file(own)}
}
