package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"bangtin/image/boottest/guest"
	"bangtin/image/cpio"
)

// writeInitrd writes what the kernel unpacks before it has a disk: this program as the first process, the modules that
// reach the disk, and what shall be run.
func writeInitrd(temp string, b base, load *payload) (path string, err error) {
	path = filepath.Join(temp, "initrd")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	c := cpio.NewWriter(f)
	if err := addInit(c); err != nil {
		return "", err
	}
	c.Tree(guest.Modules, b.modules())
	if err := load.add(c); err != nil {
		return "", err
	}
	return path, c.Close()
}

// addInit adds this very program as the guest's first process. It must not need a C library.
func addInit(c *cpio.Writer) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("cannot tell how this program was built")
	}
	for _, s := range info.Settings {
		if s.Key == "CGO_ENABLED" && s.Value != "0" {
			return fmt.Errorf("this program goes into the guest: build it with CGO_ENABLED=0")
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c.Copy(guest.Init, self)
	return nil
}
