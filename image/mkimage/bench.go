package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"bangtin/image/debian"
)

// makeBench makes a second disk of the same tree with the files of a folder laid over it: what the tests of the booted
// image have inside. It comes last, so that nothing of it is in what is handed over, and it is no artefact: it has no
// checksum and no documents.
func (b *build) makeBench(ctx context.Context) error {
	if b.bench == "" {
		return nil
	}
	if err := overlay(b.bench, b.tree()); err != nil {
		return err
	}
	shipped := len(b.artefacts)
	b.flavour = ".bench"
	for _, old := range []string{b.rootImage(), b.made("disk.img")} {
		if err := os.Remove(old); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{b.makeRoot, b.addVerity, b.makeUKI, b.makeDisk} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
	// Its kernel image is on the disk, and nobody needs it beside.
	for _, name := range b.artefacts[shipped:] {
		if err := os.Remove(filepath.Join(b.out, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	b.artefacts = b.artefacts[:shipped]
	return debian.Run(exec.CommandContext(ctx, "cp", "--sparse=always", b.made("disk.img"), b.artefact(".img")))
}
