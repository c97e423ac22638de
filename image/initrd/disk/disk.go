// Package disk finds the root partitions that a machine has, and among them the one to start: whose dm-verity tree
// belongs to the signed root hash.
//
// A partition is known by its name in the table, as the kernel tells it: no table is parsed here a second time. What
// somebody else's disk calls ROOT-A is looked at too, and the root hash decides.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bangtin/image/initrd/verity"
	"bangtin/image/layout"
)

// A Root is a root partition.
type Root struct {
	Slot   layout.Slot
	Name   string // of the node below /dev, such as nvme0n1p6
	Device string // the kernel's number of it, MAJOR:MINOR
	Disk   string // what it is part of, such as nvme0n1
}

// Bounds on what sysfs may say. A controller has one disk of 8 partitions.
const (
	maxDevices = 512
	maxUevent  = 4096 // bytes; the kernel's own limit is UEVENT_BUFFER_SIZE, 2048
)

// nearest are the first maxDevices, those that hang on USB last: what is plugged in, in whatever number, hides nothing that
// is built in.
func nearest(sys string, all []os.DirEntry) []os.DirEntry {
	if len(all) <= maxDevices {
		return all
	}
	var inside, plugged []os.DirEntry
	for _, entry := range all {
		// Without a link it is gone meanwhile, and its place does not matter.
		if to, err := os.Readlink(filepath.Join(sys, "class/block", entry.Name())); err != nil || strings.Contains(to, "/usb") {
			plugged = append(plugged, entry)
		} else {
			inside = append(inside, entry)
		}
	}
	return slices.Concat(inside, plugged)[:maxDevices]
}

// Roots lists the root partitions of all disks, and names the disks. sys is usually /sys. Beyond 512 disks and partitions
// it passes over the rest.
func Roots(sys string) (roots []Root, disks []string, err error) {
	all, err := os.ReadDir(filepath.Join(sys, "class/block"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot list the disks: %w", err)
	}
	for _, entry := range nearest(sys, all) {
		folder := filepath.Join(sys, "class/block", entry.Name())
		text, err := readSome(filepath.Join(folder, "uevent"))
		if errors.Is(err, os.ErrNotExist) {
			continue // gone meanwhile
		}
		if err != nil {
			return nil, nil, fmt.Errorf("cannot look at %s: %w", entry.Name(), err)
		}
		event := fields(text)
		if event["DEVTYPE"] == "disk" {
			disks = append(disks, entry.Name())
		}
		slot, ok := slotOf(event)
		if !ok {
			continue
		}
		real, err := filepath.EvalSymlinks(folder)
		if err != nil {
			continue // gone meanwhile
		}
		roots = append(roots, Root{
			Slot: slot, Name: entry.Name(), Device: event["MAJOR"] + ":" + event["MINOR"], Disk: filepath.Base(filepath.Dir(real)),
		})
	}
	return roots, disks, nil
}

func readSome(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxUevent))
	return string(text), err
}

func fields(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			all[key] = value
		}
	}
	return all
}

// slotOf tells which slot's root a partition is, by its name and number in the table.
func slotOf(event map[string]string) (layout.Slot, bool) {
	if event["DEVTYPE"] != "partition" {
		return "", false
	}
	for _, p := range layout.Partitions() {
		if p.Role == layout.Root && event["PARTNAME"] == p.Label() && event["PARTN"] == fmt.Sprint(p.Number) {
			return p.Slot, true
		}
	}
	return "", false
}

// A Finder looks for the root to start.
type Finder struct {
	Sys, Dev string      // usually /sys and /dev
	Hash     verity.Hash // the signed root hash
	// Boot is the slot that the boot loader took, or none where that is not known. Where both slots have the same
	// version, it alone tells which one runs.
	Boot layout.Slot
}

// again is how long after a look in vain the next one follows: partitions turn up a few milliseconds after their disk,
// disks on USB after a second or two.
const again = 20 * time.Millisecond

// Find waits until a root that belongs to the hash is there. Its error when ctx ends says what was found instead.
func (f Finder) Find(ctx context.Context) (Root, verity.Tree, error) {
	for {
		over := ended(ctx)
		found, all, err := f.look()
		if found != nil && (all || over) {
			return found.Root, found.tree, nil
		}
		if over {
			return Root{}, verity.Tree{}, fmt.Errorf("cannot find the root %.8s…: %w", f.Hash, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}

func ended(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

type match struct {
	Root
	tree verity.Tree
}

// look looks at what is there now. all tells whether waiting could change the choice: not when the slot that was booted
// belongs, and not when the other slot of the same disk has been looked at.
func (f Finder) look() (found *match, all bool, err error) {
	roots, disks, err := Roots(f.Sys)
	if err != nil {
		return nil, false, err
	}
	if len(roots) == 0 {
		return nil, false, nothing(disks)
	}
	var refused []error
	for _, r := range f.order(roots) {
		tree, err := f.open(r)
		if err != nil {
			refused = append(refused, fmt.Errorf("slot %s on %s: %w", r.Slot, r.Name, err))
			continue
		}
		twin := slices.ContainsFunc(roots, func(o Root) bool { return o.Disk == r.Disk && o.Slot == r.Slot.Other() })
		return &match{r, tree}, r.Slot == f.Boot || twin, nil
	}
	return nil, false, errors.Join(refused...)
}

func nothing(disks []string) error {
	if len(disks) == 0 {
		return errors.New("there is no disk")
	}
	return fmt.Errorf("no root partition on %s", strings.Join(disks, ", "))
}

// order puts the slot that was booted first.
func (f Finder) order(roots []Root) []Root {
	sorted := slices.Clone(roots)
	slices.SortStableFunc(sorted, func(a, b Root) int {
		switch {
		case a.Slot == b.Slot:
			return strings.Compare(a.Name, b.Name)
		case a.Slot == f.Boot:
			return -1
		case b.Slot == f.Boot:
			return 1
		}
		return strings.Compare(string(a.Slot), string(b.Slot))
	})
	return sorted
}

func (f Finder) open(r Root) (verity.Tree, error) {
	device, err := os.Open(filepath.Join(f.Dev, r.Name))
	if err != nil {
		return verity.Tree{}, err
	}
	defer device.Close()
	size, err := device.Seek(0, io.SeekEnd)
	if err != nil {
		return verity.Tree{}, fmt.Errorf("cannot tell its size: %w", err)
	}
	return verity.Open(device, size, f.Hash)
}
