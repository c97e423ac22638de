package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// rootInit is what goes on in the root.
const rootInit = "/sbin/init"

// enter makes the mounted root the machine's, frees the memory of the initrd, and becomes the root's init. It returns
// only when it failed.
func enter() error {
	if _, err := os.Lstat(filepath.Join(newRoot, rootInit)); err != nil {
		return fmt.Errorf("the root has no init: %w", err)
	}
	for _, m := range mounts() {
		if err := unix.Mount(m.to, filepath.Join(newRoot, m.to), "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("cannot move %s into the root: %w", m.to, err)
		}
	}
	old, err := os.OpenRoot("/")
	if err != nil {
		return fmt.Errorf("cannot hold the initrd: %w", err)
	}
	if err := os.Chdir(newRoot); err != nil {
		return fmt.Errorf("cannot enter the root: %w", err)
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("cannot move the root: %w", err)
	}
	if err := errors.Join(unix.Chroot("."), os.Chdir("/")); err != nil {
		return fmt.Errorf("cannot enter the root: %w", err)
	}
	if err := empty(old); err != nil {
		log("cannot free all of the initrd's memory: " + err.Error())
	}
	err = unix.Exec(rootInit, []string{rootInit}, os.Environ())
	return fmt.Errorf("cannot start the root's init: %w", err)
}

// empty removes all that the initrd was unpacked to. By now nothing is mounted below it. What cannot be removed costs
// memory, and nothing else.
func empty(initrd *os.Root) error {
	folder, err := initrd.Open(".")
	if err != nil {
		return err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return err
	}
	var all []error
	for _, name := range names {
		all = append(all, initrd.RemoveAll(name))
	}
	return errors.Join(all...)
}
