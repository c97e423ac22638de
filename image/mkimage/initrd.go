package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// makeInitrd makes what the kernel unpacks first: our first process and the modules that reach the disk.
func (b *build) makeInitrd(ctx context.Context) error {
	target, err := targetOf(b.arch)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", b.made("init"), "./image/initrd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+target.goarch)
	if err := do(cmd); err != nil {
		return err
	}
	if err := writeInitrd(b.made("initrd.cpio"), b.made("init"), b.made("modules")); err != nil {
		return err
	}
	if err := b.tool(ctx, "zstd", "-q", "-19", "--rm", "-f", "-o", "/mnt/initrd", "/mnt/initrd.cpio"); err != nil {
		return err
	}
	return b.measure("initrd", b.made("initrd"))
}

// writeInitrd writes the archive: init as /init, the files of a folder below /modules, in the order of their names,
// with modes that do not depend on this machine.
func writeInitrd(to, program, modules string) (err error) {
	init, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(modules)
	if err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	c := newCpio(f)
	c.file("/init", 0o755, init)
	for _, e := range entries {
		module, err := os.ReadFile(filepath.Join(modules, e.Name()))
		if err != nil {
			return err
		}
		c.file("/modules/"+e.Name(), 0o644, module)
	}
	return c.close()
}
