package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// A bench is what all trials start from.
type bench struct {
	image, cert, firmware, work string

	disk     string // the image, not to be written to
	trusting []byte // a firmware's variables with the certificate enrolled
	empty    []byte // and with none: no Secure Boot
}

// diskBytes is the size of the disk that an image is put on, in bytes: its data partition has room to grow.
const diskBytes = 6 << 30

func (b *bench) prepare(ctx context.Context) error {
	b.disk = filepath.Join(b.work, "image")
	if _, err := tool(ctx, "zstd", "-q", "-d", "--sparse", "-o", b.disk, b.image); err != nil {
		return err
	}
	if err := os.Truncate(b.disk, diskBytes); err != nil {
		return err
	}
	certificate, err := readCertificate(b.cert)
	if err != nil {
		return err
	}
	if b.empty, err = os.ReadFile(filepath.Join(b.firmware, "OVMF_VARS_4M.fd")); err != nil {
		return err
	}
	if b.trusting, err = enrol(b.empty, certificate); err != nil {
		return err
	}
	return makeKeys(b.path("stranger"), "somebody else")
}

func (b *bench) path(name string) string { return filepath.Join(b.work, name) }

// tool runs a program and returns what it writes.
func tool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return "", fmt.Errorf("cannot run %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// A disk is a copy of the image that one trial changes.
type disk struct {
	ctx  context.Context // of the tools that change it
	b    *bench
	path string
}

// start is where a partition of the layout begins, in bytes.
func start(role layout.Role, slot layout.Slot) int64 {
	at, ok := layout.Start(layout.Partitions(), role, slot)
	if !ok {
		panic("no such partition in the layout: " + string(role) + string(slot))
	}
	return at
}

// fat names a partition's file system for mtools.
func (d disk) fat(role layout.Role, slot layout.Slot) string {
	return fmt.Sprintf("%s@@%d", d.path, start(role, slot))
}

// take copies a file out of a partition and returns where it is now.
func (d disk) take(role layout.Role, slot layout.Slot, name string) (string, error) {
	to := d.b.path("taken")
	_, err := tool(d.ctx, "mcopy", "-n", "-o", "-i", d.fat(role, slot), "::"+name, to)
	return to, err
}

// put copies a file into a partition, over the one that is there.
func (d disk) put(role layout.Role, slot layout.Slot, name, from string) error {
	_, err := tool(d.ctx, "mcopy", "-o", "-i", d.fat(role, slot), from, "::"+name)
	return err
}

// environment writes a slot's boot environment.
func (d disk) environment(slot layout.Slot, env bootctl.Env) error {
	file, err := env.Encode()
	if err != nil {
		return err
	}
	path := d.b.path("env")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		return err
	}
	return d.put(layout.Env, slot, "/"+bootctl.FileName, path)
}

// copyRoot copies slot A's root to B. What is zero there stays a hole.
func (d disk) copyRoot() error {
	f, err := os.OpenFile(d.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	root, ok := layout.Find(layout.Root, layout.A)
	if !ok {
		return errors.New("the layout has no root")
	}
	block, zeroes := make([]byte, layout.MiB), make([]byte, layout.MiB)
	for at := int64(0); at < root.Bytes; at += layout.MiB {
		if _, err := f.ReadAt(block, start(layout.Root, layout.A)+at); err != nil {
			return err
		}
		if bytes.Equal(block, zeroes) {
			continue
		}
		if _, err := f.WriteAt(block, start(layout.Root, layout.B)+at); err != nil {
			return err
		}
	}
	return nil
}

// flip changes one bit of a byte of the disk.
func (d disk) flip(at int64) error {
	f, err := os.OpenFile(d.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	b[0] ^= 1
	if err == nil {
		_, err = f.WriteAt(b, at)
	}
	return errors.Join(err, f.Close())
}

// grown tells whether the root that ran has enlarged the data partition, by the table in the disk's second block
// (UEFI 2.10 §5.3: entries of 128 bytes from there, the last block at byte 40).
func (d disk) grown() (bool, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	data, ok := layout.Find(layout.Data, "")
	if !ok {
		return false, errors.New("the layout has no data partition")
	}
	entry := make([]byte, 128)
	if _, err := f.ReadAt(entry, 1024+128*int64(data.Number-1)); err != nil {
		return false, err
	}
	const sector = 512
	last := int64(binary.LittleEndian.Uint64(entry[40:]))
	switch begin := start(layout.Data, ""); {
	case last == (begin+data.Bytes)/sector-1:
		return false, nil
	case last > (begin+data.Bytes)/sector:
		return true, nil
	}
	return false, fmt.Errorf("the data partition ends in block %d", last)
}

// rootInode is where on the disk the root folder's inode is in slot A's erofs (fs/erofs/erofs_fs.h): nothing can be
// mounted without that block, and the initrd does not look at it.
func (d disk) rootInode() (int64, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	root := start(layout.Root, layout.A)
	super := make([]byte, 128)
	if _, err := f.ReadAt(super, root+1024); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if !slices.Equal(super[:4], []byte{0xe2, 0xe1, 0xf5, 0xe0}) {
		return 0, errors.New("slot A has no erofs")
	}
	bits, nid, meta := super[12], binary.LittleEndian.Uint16(super[14:]), binary.LittleEndian.Uint32(super[40:])
	return root + int64(meta)<<bits + 32*int64(nid), nil
}
