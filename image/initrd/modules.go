package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// loadModules loads the modules in a folder, not in those below it, in the order of their names. It goes on over one that cannot be loaded: on
// this machine another may do, and what is missing in the end says so itself. A module whose hardware is not there, or
// that is in the kernel, is no error.
func loadModules(folder string) error {
	files, err := os.ReadDir(folder) // sorted
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot list the modules: %w", err)
	}
	var failed []error
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		err := loadModule(filepath.Join(folder, file.Name()))
		if err != nil && !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENODEV) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if filepath.Ext(path) != ".ko" {
		flags = unix.MODULE_INIT_COMPRESSED_FILE // the kernel unpacks it
	}
	if err := unix.FinitModule(int(f.Fd()), "", flags); err != nil {
		return fmt.Errorf("cannot load %s: %w", filepath.Base(path), err)
	}
	return nil
}
