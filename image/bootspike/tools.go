package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bangtin/image/bootspike/guest"
	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// tools compares our environments with those of EFI Boot Guard's own tools, each way.
func tools(ctx context.Context, d parts) error {
	dir, err := os.MkdirTemp(d.path("tmp"), "tools-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := "/tmp/" + filepath.Base(dir) + "/" + bootctl.FileName
	for state := bootctl.OK; state <= bootctl.Failed; state++ {
		env := bootctl.Env{
			Kernel: bootctl.KernelPath(layout.B), Args: guest.Args("ebg", layout.B), State: state, Watchdog: 60, Revision: 7, InProgress: state == bootctl.Failed,
		}
		ours, err := env.Encode()
		if err != nil {
			return err
		}
		if err := os.WriteFile(d.path(path), ours, 0o644); err != nil {
			return err
		}
		printed, err := d.chroot(ctx, "bg_printenv", "-f", path)
		if err != nil {
			return err
		}
		for _, want := range []string{env.Kernel, env.Args, fmt.Sprint(env.Revision), strings.ToUpper(env.State.String()), fmt.Sprint(env.Watchdog)} {
			if !strings.Contains(printed, want) {
				return fmt.Errorf("bg_printenv does not say %q:\n%s", want, printed)
			}
		}
		progress := "0"
		if env.InProgress {
			progress = "1"
		}
		_, err = d.chroot(ctx, "bg_setenv", "-f", path, "-k", env.Kernel, "-a", env.Args, "-r", "7", "-w", "60", "-i", progress, "-s", fmt.Sprint(uint8(state)))
		if err != nil {
			return err
		}
		theirs, err := os.ReadFile(d.path(path))
		if err != nil {
			return err
		}
		if !bytes.Equal(ours, theirs) {
			return fmt.Errorf("bg_setenv writes another file than ours: bytes %v of %v", changes(ours, theirs[:len(ours)]), env)
		}
	}
	fmt.Println("bg_printenv reads and bg_setenv writes, byte by byte, what we do: 4 environments")
	return nil
}
