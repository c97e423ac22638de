package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/image/initrd/disk"
	"bangtin/image/initrd/mapper"
	"bangtin/image/initrd/verity"
	"bangtin/image/layout"
)

// Where things are while the initrd runs.
const (
	newRoot = "/sysroot"
	control = "/dev/mapper/control"
	// device is the verified device's name.
	device = "bangtin-root"
)

// A mount is one that the root gets too.
type mount struct {
	kind, to string
	flags    uintptr
	data     string
}

// mounts are the kernel's own file systems, in the order of mounting. Flags and limits are systemd's, which takes what it
// finds.
func mounts() []mount {
	return []mount{
		{"proc", "/proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"sysfs", "/sys", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"devtmpfs", "/dev", unix.MS_NOSUID, "mode=0755"},
		{"tmpfs", "/run", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_STRICTATIME, "mode=0755,size=20%,nr_inodes=800k"},
	}
}

// start does all. It returns only when it failed.
func start() error {
	for _, m := range mounts() {
		if err := m.make(); err != nil {
			return err
		}
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return fmt.Errorf("cannot read the command line: %w", err)
	}
	hash, err := rootHash(string(line))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	displayed := make(chan error, 1)
	go func() { displayed <- show(ctx) }()
	missing := loadModules(layout.Modules)
	root, err := mountRoot(hash)
	if err != nil {
		return errors.Join(err, missing)
	}
	if err := note(root); err != nil {
		return err
	}
	select {
	case err := <-displayed:
		if err != nil {
			log("no slate: " + err.Error())
		}
	case <-time.After(displayLimit):
		log(fmt.Sprintf("no slate within %v of the root", displayLimit))
	}
	return enter()
}

// make mounts it, unless something is mounted there.
func (m mount) make() error {
	if err := os.MkdirAll(m.to, 0o755); err != nil {
		return fmt.Errorf("cannot mount %s: %w", m.to, err)
	}
	var here, top unix.Stat_t
	if err := errors.Join(unix.Stat(m.to, &here), unix.Stat("/", &top)); err != nil {
		return fmt.Errorf("cannot mount %s: %w", m.to, err)
	}
	if here.Dev != top.Dev {
		return nil
	}
	if err := unix.Mount(m.kind, m.to, m.kind, m.flags, m.data); err != nil {
		return fmt.Errorf("cannot mount %s: %w", m.to, err)
	}
	return nil
}

// mountRoot finds the root, has it verified from here on, and mounts it.
func mountRoot(hash verity.Hash) (disk.Root, error) {
	ctx, cancel := context.WithTimeout(context.Background(), diskLimit)
	defer cancel()
	root, tree, err := disk.Finder{Sys: "/sys", Dev: "/dev", Hash: hash, Boot: bootedSlot()}.Find(ctx)
	if err != nil {
		return disk.Root{}, err
	}
	dm, err := mapper.Open(control)
	if err != nil {
		return disk.Root{}, err
	}
	number, err := dm.Create(device, mapper.Target{Kind: "verity", Sectors: tree.Sectors(), Table: tree.Table(root.Device)})
	if err := errors.Join(err, dm.Close()); err != nil {
		return disk.Root{}, err
	}
	if err := os.MkdirAll(newRoot, 0o755); err != nil {
		return disk.Root{}, err
	}
	node := fmt.Sprintf("/dev/dm-%d", unix.Minor(number))
	if err := unix.Mount(node, newRoot, "erofs", unix.MS_RDONLY, ""); err != nil {
		return disk.Root{}, fmt.Errorf("cannot mount the root from %s, slot %s: %w", root.Name, root.Slot, err)
	}
	return root, nil
}

// note writes down which slot runs, and from which disk: a disk that is plugged in later may call its partitions as ours.
func note(root disk.Root) error {
	err := os.MkdirAll(layout.BootRun, 0o755)
	if err == nil {
		err = errors.Join(
			os.WriteFile(layout.SlotRun, []byte(string(root.Slot)+"\n"), 0o644),
			os.WriteFile(layout.DiskRun, []byte(root.Disk+"\n"), 0o644),
		)
	}
	if err != nil {
		return fmt.Errorf("cannot note slot and disk: %w", err)
	}
	return nil
}
