package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"bangtin/image/bootspike/guest"
	"bangtin/image/cpio"
	"bangtin/image/debian"
	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// sector is the unit of the disk's table and of a write that is not torn, in bytes.
const sector = 512

// A disk is made for one loader: the product's table, the loader at the removable path, the payload in both slots, and
// slot A confirmed with B the version before it.
type disk struct {
	parts  parts
	loader loader
	work   string // a folder of its own
}

// offset is where a partition begins, in bytes: they follow one another from the first MiB.
func offset(role layout.Role, slot layout.Slot) int64 {
	at := int64(layout.MiB)
	for _, p := range layout.Partitions() {
		if p.Role == role && p.Slot == slot {
			return at
		}
		at += p.Bytes
	}
	panic("no such partition in the table: " + string(role))
}

func size() int64 { return offset(layout.Data, "") + 258*layout.MiB }

// make writes the disk to path, without loop devices.
func (d disk) make(ctx context.Context, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(size()), f.Close()); err != nil {
		return err
	}
	var table strings.Builder
	fmt.Fprintln(&table, "label: gpt")
	for _, p := range layout.Partitions() {
		fmt.Fprintf(&table, "start=%d, size=%d, type=%s, uuid=%s, name=%s\n",
			offset(p.Role, p.Slot)/sector, p.Bytes/sector, p.Type, p.GUID, p.Label())
	}
	if _, err := doInput(ctx, table.String(), "sfdisk", "-q", path); err != nil {
		return err
	}
	initrd, err := d.initrd()
	if err != nil {
		return err
	}
	kernel, _, err := debian.Kernel(d.parts.root)
	if err != nil {
		return err
	}
	esp, err := d.loader.esp(ctx, d.parts, d.work)
	if err != nil {
		return err
	}
	if err := d.fat(ctx, path, layout.ESP, "", 32, esp); err != nil {
		return err
	}
	for revision, slot := range map[int]layout.Slot{1: layout.B, 2: layout.A} {
		name, data, err := d.loader.environment(slot, revision, "ok")
		if err != nil {
			return err
		}
		env := filepath.Join(d.work, "env-"+string(slot))
		label := filepath.Join(d.work, "label-"+string(slot))
		boot, _ := layout.Find(layout.Boot, slot)
		if err := errors.Join(os.WriteFile(env, data, 0o644), os.WriteFile(label, utf16le(boot.Label()), 0o644)); err != nil {
			return err
		}
		if err := d.fat(ctx, path, layout.Env, slot, 16, map[string]string{"/" + name: env}); err != nil {
			return err
		}
		payload := map[string]string{layout.Kernel: kernel, "/initrd.img": initrd, "/EFILABEL": label}
		if err := d.fat(ctx, path, layout.Boot, slot, 32, payload); err != nil {
			return err
		}
	}
	return nil
}

func utf16le(s string) []byte {
	var out []byte
	for _, c := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, c)
	}
	return out
}

// clusters is the sectors of a cluster: 1 KiB on the environments' partitions, and on the others so few that there are
// the 65,525 clusters below which mtools and firmware take a FAT for one of 16 bits.
func clusters(role layout.Role) int {
	if role == layout.ESP {
		return 1
	}
	return 2
}

// fat makes a file system in a partition and copies files to it, each to a path from the root folder.
func (d disk) fat(ctx context.Context, path string, role layout.Role, slot layout.Slot, bits int, files map[string]string) error {
	part, _ := layout.Find(role, slot)
	at := offset(role, slot)
	args := []string{"-F", fmt.Sprint(bits), "-n", part.Label(), "--offset", fmt.Sprint(at / sector)}
	args = append(args, "-s", fmt.Sprint(clusters(role)))
	if _, err := do(ctx, "mkfs.vfat", append(args, path, fmt.Sprint(part.Bytes/1024))...); err != nil {
		return err
	}
	image := fmt.Sprintf("%s@@%d", path, at)
	made := map[string]bool{"": true}
	for to, from := range files {
		for i, c := range to {
			if dir := to[:i]; c == '/' && !made[dir] {
				made[dir] = true
				if _, err := do(ctx, "mmd", "-i", image, "::"+dir); err != nil {
					return err
				}
			}
		}
		if _, err := do(ctx, "mcopy", "-i", image, from, "::"+to); err != nil {
			return err
		}
	}
	return nil
}

// initrd is this program as the first process, and the modules.
func (d disk) initrd() (path string, err error) {
	_, release, err := debian.Kernel(d.parts.root)
	if err != nil {
		return "", err
	}
	modules := filepath.Join(d.work, "modules")
	if err := debian.TakeModules(d.parts.root, release, modules, guestModules()); err != nil {
		return "", err
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	path = filepath.Join(d.work, "initrd.img")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	c := cpio.NewWriter(f)
	c.Copy(guest.Init, self)
	c.Tree(guest.Modules, modules)
	return path, c.Close()
}

func copyFile(to, from string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// An outcome is what a loader does. A slot that boots as a trial and one that boots for good are not the same: what
// hangs in the second is started again for ever.
type outcome struct {
	slot  layout.Slot
	trial bool
}

func (o outcome) String() string {
	if o.trial {
		return string(o.slot) + "(trial)"
	}
	return string(o.slot)
}

// A loader is what the two that are compared differ in.
type loader interface {
	name() string
	// esp is the ESP's files.
	esp(ctx context.Context, d parts, work string) (map[string]string, error)
	// environment is a slot's file; state is ok, installed, testing or failed.
	environment(slot layout.Slot, revision int, state string) (name string, data []byte, err error)
	// chooses says what it would do with two files; nil is one that is not there.
	chooses(a, b []byte) outcome
}

type ebg struct{}

func (ebg) name() string { return "ebg" }

func (ebg) esp(_ context.Context, d parts, _ string) (map[string]string, error) {
	return map[string]string{layout.Loader("amd64"): d.path("usr/lib/x86_64-linux-gnu/efibootguard/efibootguardx64.efi")}, nil
}

func (ebg) environment(slot layout.Slot, revision int, state string) (string, []byte, error) {
	env := bootctl.Env{
		Kernel: bootctl.KernelPath(slot), Args: guest.Args("ebg", slot), Watchdog: guest.Watchdog, Revision: uint32(revision),
	}
	for env.State.String() != state {
		env.State++
		if env.State > bootctl.Failed {
			return "", nil, fmt.Errorf("no state %q", state)
		}
	}
	data, err := env.Encode()
	return bootctl.FileName, data, err
}

func (ebg) chooses(a, b []byte) outcome {
	c := bootctl.Choose(a, b)
	return outcome{c.Boots, c.Boots != "" && c.Writes == c.Boots}
}
