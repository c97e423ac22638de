package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// Whom a machine's firmware trusts.
type trusted int

const (
	owner  trusted = iota // the image's key alone, Secure Boot enforced
	nobody                // no key is enrolled: no Secure Boot
)

// A trial is one image, one firmware, and what has to come of them.
type trial struct {
	name     string
	change   func(d disk) error // of the image as it was made; nil leaves it
	trusting trusted
	strings  []string // of the firmware's SMBIOS table, type 11
	reason   string   // why it does not start, on the serial line; empty: it starts
	never    string   // what must not be on the serial line
	also     string   // what must be there besides
}

// What the loader, the firmware, the kernel and the initrd say, and what strangers would have them do.
const (
	loaderRefuses = "Cannot load specified kernel image (Access Denied)"
	denied        = "Access Denied"
	corrupted     = "dm-verity device corrupted"
	noRoot        = "Unable to mount root fs"
	appended      = "the command line does not end with " + layout.EndArg
	strangeLine   = "console=ttyS0,115200 quiet init=/bin/sh " + layout.EndArg
	intruder      = "a stranger wrote this"
)

func trials() []trial {
	return []trial{
		{name: "the image as it is"},
		{name: "kernel image unsigned", change: unsigned, reason: loaderRefuses},
		{name: "kernel image with one bit changed", change: altered, reason: loaderRefuses},
		{name: "kernel image signed by a stranger", change: strange(layout.Boot, layout.A, layout.Kernel), reason: loaderRefuses},
		{name: "boot loader signed by a stranger", change: strange(layout.ESP, "", layout.Loader("amd64")), reason: denied},
		{name: "root with one bit changed", change: brokenRoot, reason: corrupted},
		// Which of two slots with one version runs, the firmware knows: A's root would panic.
		{name: "the same version in both, A's root broken", change: inBoth},
		// What the environment says is for the kernel alone, and there is a file that anybody with a screwdriver can write.
		{name: "environment with a command line", change: commandLine(strangeLine)},
		{name: "the same without Secure Boot", change: commandLine(strangeLine), trusting: nobody, reason: "has no " + layout.RootArg},
		{name: "firmware that adds to the command line", strings: []string{"io.systemd.stub.kernel-cmdline-extra=init=/bin/sh"}, reason: appended},
		// Then nobody asks for the last word. But there is no disk either: its drivers are modules of the initrd.
		{name: "firmware that passes by the initrd", strings: []string{"io.systemd.stub.kernel-cmdline-extra=rdinit=/x root=/dev/vda8 rw init=/x"}, reason: noRoot},
		{name: "firmware that brings a credential", strings: intruding(), never: intruder},
		{name: "the same where the kernel is not told to refuse", change: credulous, trusting: nobody, strings: intruding(), also: intruder},
	}
}

// intruding is a credential that systemd-tmpfiles obeys: it says so on the serial line, and could as well write a unit.
// Those that make units (systemd.extra-unit.*) are the work of a generator that the image does not have.
func intruding() []string {
	return []string{"io.systemd.credential:tmpfiles.extra=w /dev/ttyS0 - - - - " + intruder + "\\n\n"}
}

// try makes a trial and says in words what was seen.
func (b *bench) try(ctx context.Context, t trial) (said string, err error) {
	d := disk{ctx: ctx, b: b, path: b.path("disk")}
	if _, err := tool(ctx, "cp", "--sparse=always", b.disk, d.path); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.Remove(d.path)) }()
	if t.change != nil {
		if err := t.change(d); err != nil {
			return "", fmt.Errorf("cannot change the image: %w", err)
		}
	}
	m, err := b.power(ctx, t, d)
	if err != nil {
		return "", err
	}
	defer m.off()
	reason := t.reason
	if reason == "" {
		reason = t.also
	}
	up, refused, err := m.watch(ctx, d, reason, quiet)
	if err == nil && up && (t.never != "" || t.also != "") { // units are started after the partition has grown
		refused, err = m.hear(ctx, t.also+t.never, quiet)
	}
	line := m.lineWith(reason)
	switch all := m.said(); {
	case err != nil:
		return "", err
	case t.reason != "" && up:
		return "", errors.New("it started")
	case t.reason != "" && !refused:
		return "", fmt.Errorf("it did not say why it does not start; it said:\n%s", all)
	case t.reason != "":
		return "refused: " + line, nil
	case !up:
		return "", fmt.Errorf("it did not start; it said:\n%s", all)
	case t.also != "" && !refused, t.never != "" && refused:
		return "", fmt.Errorf("it started, and said:\n%s", all)
	}
	return strings.TrimSuffix("started; "+line, "; "), nil
}

func unsigned(d disk) error {
	file, err := d.take(layout.Boot, layout.A, layout.Kernel)
	if err != nil {
		return err
	}
	if _, err := tool(d.ctx, "sbattach", "--remove", file); err != nil {
		return err
	}
	return d.put(layout.Boot, layout.A, layout.Kernel, file)
}

// altered changes a bit in the middle, which is the kernel or the initrd.
func altered(d disk) error {
	file, err := d.take(layout.Boot, layout.A, layout.Kernel)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return err
	}
	return d.put(layout.Boot, layout.A, layout.Kernel, file)
}

// strange has a program signed with a key that the firmware does not know, instead of the image's.
func strange(role layout.Role, slot layout.Slot, name string) func(disk) error {
	return func(d disk) error {
		file, err := d.take(role, slot, name)
		if err != nil {
			return err
		}
		if _, err := tool(d.ctx, "sbattach", "--remove", file); err != nil {
			return err
		}
		keys := d.b.path("stranger")
		_, err = tool(d.ctx, "sbsign", "--key", filepath.Join(keys, "key.pem"), "--cert", filepath.Join(keys, "cert.pem"), "--output", file, file)
		if err != nil {
			return err
		}
		return d.put(role, slot, name, file)
	}
}

func brokenRoot(d disk) error {
	at, err := d.rootInode()
	if err != nil {
		return err
	}
	return d.flip(at)
}

// inBoth puts A's version into B too, where it boots from, and breaks A's root.
func inBoth(d disk) error {
	file, err := d.take(layout.Boot, layout.A, layout.Kernel)
	if err != nil {
		return err
	}
	if err := d.put(layout.Boot, layout.B, layout.Kernel, file); err != nil {
		return err
	}
	if err := d.copyRoot(); err != nil {
		return err
	}
	if err := d.environment(layout.B, bootctl.Env{Kernel: bootctl.KernelPath(layout.B), Revision: 2}); err != nil {
		return err
	}
	return brokenRoot(d)
}

// commandLine has the boot environment give the kernel one.
func commandLine(line string) func(disk) error {
	return func(d disk) error {
		return d.environment(layout.A, bootctl.Env{Kernel: bootctl.KernelPath(layout.A), Args: line, Revision: 1})
	}
}

// credulous gives the kernel its own command line without the words that keep credentials out: it shows that the trial
// before can fail.
func credulous(d disk) error {
	file, err := d.take(layout.Boot, layout.A, layout.Kernel)
	if err != nil {
		return err
	}
	program, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, line, ok := bytes.Cut(program, []byte(layout.RootArg))
	line, _, end := bytes.Cut(line, []byte(" "+layout.EndArg))
	if !ok || !end {
		return errors.New("the kernel image has no command line")
	}
	const word = "systemd.import_credentials=no "
	text := layout.RootArg + string(line) + " " + layout.EndArg
	if !strings.Contains(text, word) {
		return fmt.Errorf("the command line has no %s", word)
	}
	// What an environment can hold, 254 characters: the words that matter here.
	kept := []string{}
	for _, w := range strings.Fields(text) {
		if strings.HasPrefix(w, layout.RootArg) || strings.HasPrefix(w, "console=") || w == "quiet" || w == layout.EndArg {
			kept = append(kept, w)
		}
	}
	return commandLine(strings.Join(kept, " "))(d)
}
