package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// shippedTools are the workshop's packages of which files are on the disk, and what is changed of these.
func shippedTools() map[string]string {
	emptied := append(said(), detected()...)
	for i, text := range emptied {
		emptied[i] = fmt.Sprintf("%q", text)
	}
	return map[string]string{
		"efibootguard": "of the loader's program, each of these texts that is in it was emptied, so that it says nothing when all is well: " +
			strings.Join(emptied, ", "),
		"systemd-boot-efi": "", // its stub begins the kernel image
	}
}

// fromWorkshop finds them, of the image's architecture, without their hashes.
func (b *build) fromWorkshop() ([]debPackage, error) {
	status, err := os.Open(filepath.Join(b.workshop, "var/lib/dpkg/status"))
	if err != nil {
		return nil, err
	}
	defer status.Close()
	all, err := installed(status)
	if err != nil {
		return nil, err
	}
	wanted := shippedTools()
	var found []debPackage
	for _, p := range all {
		if changed, ok := wanted[p.Name]; ok && (p.Arch == b.arch || p.Arch == "all") {
			p.Workshop, p.Changed = true, changed
			found = append(found, p)
		}
	}
	if len(found) != len(wanted) {
		return nil, fmt.Errorf("cannot find in the workshop what is shipped of it: %d packages of %d", len(found), len(wanted))
	}
	return found, nil
}
