package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"bangtin/image/cpio"
	"bangtin/image/debian"
	"bangtin/image/layout"
)

// makeInitrd makes what the kernel unpacks first: our first process, the modules that reach disk and display,
// and the slate.
func (b *build) makeInitrd(ctx context.Context) error {
	target, err := targetOf(b.arch)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", b.made("init"), "./image/initrd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+target.goarch)
	if err := debian.Run(cmd); err != nil {
		return err
	}
	if err := b.takeSlate(); err != nil {
		return err
	}
	if err := writeInitrd(b.made("initrd.cpio"), b.made("init"), b.made("initrd.d")); err != nil {
		return err
	}
	if err := b.tool(ctx, "zstd", "-q", "-19", "--rm", "-f", "-o", "/mnt/initrd", "/mnt/initrd.cpio"); err != nil {
		return err
	}
	return b.measure("initrd", b.made("initrd"))
}

// writeInitrd writes the archive: the program as the first process, and the files of a folder where they lie in it, in
// the order of their names, with modes that do not depend on this machine.
func writeInitrd(to, program, folder string) (err error) {
	init, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	c := cpio.NewWriter(f)
	c.File(layout.Init, 0o755, init)
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c.File(strings.TrimPrefix(path, folder), 0o644, data)
		return nil
	})
	if err != nil {
		return err
	}
	return c.Close()
}
