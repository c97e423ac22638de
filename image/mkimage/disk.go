package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// diskGUID is the table's own: all controllers' disks are alike.
const diskGUID = "8b1d7e0a-1d5c-4b0e-9a51-62616e670000"

const sector = 512

// gptScript is what sfdisk makes the table from. The first partition begins at 1 MiB, the others follow without a gap.
func gptScript(table []layout.Partition) string {
	var s strings.Builder
	fmt.Fprintf(&s, "label: gpt\nlabel-id: %s\nunit: sectors\nsector-size: %d\nfirst-lba: %d\n\n", diskGUID, sector, layout.MiB/sector)
	for _, p := range table {
		start, _ := layout.Start(table, p.Role, p.Slot) // it is in the table
		fmt.Fprintf(&s, "%d : start=%d, size=%d, type=%s, uuid=%s, name=%q\n",
			p.Number, start/sector, p.Bytes/sector, p.Type, p.GUID, p.Label())
	}
	return s.String()
}

// diskSize is the whole, in bytes: with a MiB before for the table, and one behind for its copy.
func diskSize(table []layout.Partition) int64 {
	size := int64(2 * layout.MiB)
	for _, p := range table {
		size += p.Bytes
	}
	return size
}

// makeDisk makes each partition's file system in a file of its own, and writes all into one file.
func (b *build) makeDisk(ctx context.Context) (err error) {
	disk, err := os.Create(b.made("disk.img"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	table := layout.Partitions()
	if err := disk.Truncate(diskSize(table)); err != nil {
		return err
	}
	if err := os.WriteFile(b.made("table"), []byte(gptScript(table)), 0o644); err != nil {
		return err
	}
	if err := b.tool(ctx, "sh", "-c", "sfdisk --quiet --no-reread --no-tell-kernel /mnt/disk.img </mnt/table"); err != nil {
		return err
	}
	for _, p := range table {
		start, _ := layout.Start(table, p.Role, p.Slot)
		name := "part." + p.Label()
		if err := b.makePartition(ctx, p, name); err != nil {
			return fmt.Errorf("%s: %w", p.Label(), err)
		}
		if err := writePart(disk, start, b.made(name)); err != nil {
			return fmt.Errorf("%s: %w", p.Label(), err)
		}
		if err := os.Remove(b.made(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return b.measure("disk", b.made("disk.img"))
}

// makePartition makes the file name in the working folder. What is for slot B alone is empty: an update fills it.
func (b *build) makePartition(ctx context.Context, p layout.Partition, name string) error {
	switch p.Role {
	case layout.ESP:
		return b.makeESP(ctx, p, name)
	case layout.Env:
		return b.makeEnv(ctx, p, name)
	case layout.Boot:
		return b.makeBoot(ctx, p, name)
	case layout.Root:
		if p.Slot != layout.A {
			return nil
		}
		return os.Link(b.rootImage(), b.made(name))
	case layout.Data:
		return b.makeData(ctx, p, name)
	}
	return fmt.Errorf("no file system is known for %s", p.Role)
}

// fat makes a FAT and copies files into it: pairs of a path there, no two in
// one folder below the top, and a name in the working folder.
func (b *build) fat(ctx context.Context, p layout.Partition, name, bits, clusters string, files ...string) error {
	if err := sparse(b.made(name), p.Bytes); err != nil {
		return err
	}
	// The volume's number is the partition's end: it would be the time.
	id := p.GUID[len(p.GUID)-8:]
	err := b.tool(ctx, "mkfs.vfat", "--invariant", "-F", bits, "-S", strconv.Itoa(sector), "-s", clusters, "-i", id, "-n", p.Label(), "/mnt/"+name)
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(files); i += 2 {
		for at, char := range files[i] {
			if char != '/' || at == 0 {
				continue
			}
			if err := b.tool(ctx, "mmd", "-D", "s", "-i", "/mnt/"+name, "::"+files[i][:at]); err != nil {
				return err
			}
		}
		if err := b.tool(ctx, "mcopy", "-m", "-i", "/mnt/"+name, "/mnt/"+files[i+1], "::"+files[i]); err != nil {
			return err
		}
	}
	return nil
}

// makeESP puts the boot loader, silenced and signed, at the removable path.
func (b *build) makeESP(ctx context.Context, p layout.Partition, name string) error {
	target, err := targetOf(b.arch)
	if err != nil {
		return err
	}
	program, err := os.ReadFile(filepath.Join(b.workshop, target.loader))
	if err != nil {
		return err
	}
	if program, err = quiet(program); err != nil {
		return err
	}
	if err := writeFile(b.made("loader.efi"), program, 0o644); err != nil {
		return err
	}
	if err := b.sign(ctx, "loader.efi", "loader.signed.efi"); err != nil {
		return err
	}
	if err := b.stamp("loader.signed.efi"); err != nil {
		return err
	}
	return b.fat(ctx, p, name, "32", "1", layout.Loader(b.arch), "loader.signed.efi")
}

// makeEnv makes a slot's boot environment: A is confirmed, B has no version yet and is given up.
func (b *build) makeEnv(ctx context.Context, p layout.Partition, name string) error {
	env := bootctl.Env{State: bootctl.Failed}
	if p.Slot == layout.A {
		env = bootctl.Env{Kernel: bootctl.KernelPath(p.Slot), Revision: 1} // no watchdog: see BOOT.md
	}
	file, err := env.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.made(bootctl.FileName), file, 0o644); err != nil {
		return err
	}
	if err := b.stamp(bootctl.FileName); err != nil {
		return err
	}
	return b.fat(ctx, p, name, "16", "2", "/"+bootctl.FileName, bootctl.FileName)
}

// makeBoot puts the kernel image on slot A, and on both the name by which EFI Boot Guard finds the volume.
func (b *build) makeBoot(ctx context.Context, p layout.Partition, name string) error {
	if err := os.WriteFile(b.made("EFILABEL"), utf16le(p.Label()), 0o644); err != nil {
		return err
	}
	files := []string{"/EFILABEL", "EFILABEL"}
	if p.Slot == layout.A {
		files = append(files, layout.Kernel, "bangtin.efi")
	}
	for i := 1; i < len(files); i += 2 {
		if err := b.stamp(files[i]); err != nil {
			return err
		}
	}
	return b.fat(ctx, p, name, "32", "2", files...)
}

// makeData makes the file system that everything which is kept lies on. It has the folders that are mounted elsewhere. It is
// small here and large later: its blocks are those of a large one.
func (b *build) makeData(ctx context.Context, p layout.Partition, name string) error {
	for _, dir := range []string{"var", "bangtin"} {
		if err := os.MkdirAll(filepath.Join(b.made("data"), dir), 0o755); err != nil {
			return err
		}
	}
	if err := sparse(b.made(name), p.Bytes); err != nil {
		return err
	}
	return b.tool(ctx, "mke2fs", "-q", "-t", "ext4", "-T", "default", "-b", "4096", "-L", p.Label(), "-U", p.GUID, "-m", "1",
		"-E", "hash_seed="+p.GUID+",root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0", "-d", "/mnt/data", "/mnt/"+name)
}

// utf16le is how EFI writes words.
func utf16le(s string) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out
}

// stamp gives a file of the working folder the time of the build, which is copied with it.
func (b *build) stamp(name string) error {
	when := time.Unix(b.epoch, 0)
	return os.Chtimes(b.made(name), when, when)
}

// sparse makes an empty file of a size, in bytes.
func sparse(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

// writePart copies a file to a place on the disk, zeroes too: a file system relies on them, and the map of what is to be
// flashed names only what was written. What is in no file is not flashed: the empty slot, and what lies behind a root.
func writePart(disk io.WriterAt, start int64, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // a slot that is empty
	}
	if err != nil {
		return err
	}
	defer f.Close()
	// A plain buffer: between files the system would hand on holes as holes.
	_, err = io.CopyBuffer(io.NewOffsetWriter(disk, start), struct{ io.Reader }{f}, make([]byte, 1<<20))
	return err
}
