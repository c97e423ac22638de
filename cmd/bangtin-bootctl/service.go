package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"bangtin/updater/bootctl"
)

// serve becomes RAUC's service. RAUC 1.13 looks for the running slot on the kernel's command line first, for rauc.slot= and
// for root=, and takes the root hash of bangtin.root= for a device: it never gets to ask get-current. Both slots have one
// signed command line, so that cannot say the slot either.
func (l loader) serve(become func(path string, args []string) error) error {
	slot, err := l.running()
	if err != nil {
		return err
	}
	return become("/usr/bin/rauc", []string{"rauc", "--mount=/run/rauc/mnt", "--override-boot-slot=" + string(slot), "service"})
}

// become runs another program in this one's place. It returns only when it fails.
func become(path string, args []string) error {
	return fmt.Errorf("cannot become %s: %w", path, unix.Exec(path, args, os.Environ()))
}

// endTrial restarts the machine where the slot that runs is still on trial: nobody confirmed it in time, and a start that
// finds the trial begun gives it up. Where the environment cannot be read nothing is done: the next start gives the slot up
// anyway, and until then it shows what it can.
func (l loader) endTrial(restart func() error) error {
	running, err := l.running()
	if err != nil {
		return err
	}
	var trial bool
	err = l.look(func(p bootctl.Pair) error {
		env, err := p.Read(running)
		trial = err == nil && env.State == bootctl.Testing
		return err
	})
	if err != nil || !trial {
		return err
	}
	l.note(fmt.Errorf("slot %s was not confirmed: back to %s", running, running.Other()))
	return restart()
}

// reboot has systemd end everything in order, or, where systemd does not hear, not in order.
func reboot() error {
	err := exec.Command("/usr/bin/systemctl", "--no-block", "reboot").Run()
	if err == nil {
		return nil
	}
	if forced := exec.Command("/usr/bin/systemctl", "--force", "--force", "reboot").Run(); forced != nil {
		return fmt.Errorf("cannot restart: %w", errors.Join(err, forced))
	}
	return nil
}
