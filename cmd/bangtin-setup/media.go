package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bangtin/image/layout"
)

// maxMedia bounds the block devices that are read in one look. A card reader has four slots.
const maxMedia = 16

// A medium is a block device that may hold an installer's folder.
type medium struct {
	name  string // such as sda1
	key   string // another one when another stick is plugged in at the same name
	stick bool   // else it is the boot partition
}

// sticks finds what can be plugged in and pulled out: partitions, and whole devices without any, of disks that the kernel
// calls removable or that hang on USB. In the order of their names, all of them: [unread] bounds what is read.
func (p Paths) sticks() ([]medium, error) {
	entries, err := os.ReadDir(p.Blocks)
	if err != nil {
		return nil, fmt.Errorf("cannot look for sticks: %w", err)
	}
	var found []medium
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, "sr") || strings.HasPrefix(name, "fd") { // CD drives and floppies are removable too
			continue
		}
		device, err := filepath.EvalSymlinks(filepath.Join(p.Blocks, name))
		if err != nil { // pulled out meanwhile
			continue
		}
		disk := device
		if attribute(device, "partition") != "" {
			disk = filepath.Dir(device)
		} else if partitioned(device) {
			continue
		}
		pluggable := attribute(disk, "removable") == "1" || strings.Contains(disk, "/usb")
		size := attribute(device, "size")
		if !pluggable || size == "" || size == "0" { // a card reader without a card has 0 sectors
			continue
		}
		found = append(found, medium{name: name, key: name + ":" + attribute(disk, "diskseq") + ":" + size, stick: true})
	}
	return found, nil
}

// bootPartition is the ESP by its number in the table of all controllers' disks; false where there is none.
func (p Paths) bootPartition() (medium, bool) {
	esp, ok := layout.Find(layout.ESP, "")
	if !ok {
		return medium{}, false
	}
	target, err := os.Readlink(filepath.Join(p.Devices, "disk/by-partuuid", esp.GUID))
	if err != nil {
		return medium{}, false
	}
	return medium{name: filepath.Base(target), key: "esp"}, true
}

// attribute reads a line of sysfs; empty where there is none.
func attribute(device, name string) string {
	data, err := os.ReadFile(filepath.Join(device, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func partitioned(disk string) bool {
	inside, err := filepath.Glob(filepath.Join(disk, "*", "partition"))
	return err == nil && len(inside) > 0
}

// unread are those that were not read yet, as far as known tells, maxMedia at most: the others have their turn at the
// next look.
func unread(all []medium, known map[string]int) []medium {
	left := slices.DeleteFunc(slices.Clone(all), func(m medium) bool { return known[m.key] >= maxTries })
	return left[:min(len(left), maxMedia)]
}
