package main

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
	"strings"

	"bangtin/image/bootspike/guest"
	"bangtin/image/layout"
)

type grub struct{}

func (grub) name() string { return "grub" }

//go:embed grub.cfg
var grubScript string

func (grub) esp(ctx context.Context, d parts, work string) (map[string]string, error) {
	script := strings.NewReplacer(
		"@ARGS_A@", strings.ReplaceAll(guest.Args("grub", layout.A), `\`, `\\`),
		"@ARGS_B@", strings.ReplaceAll(guest.Args("grub", layout.B), `\`, `\\`),
		"@KERNEL@", layout.Kernel, "@ENV@", "/"+guest.GrubFile,
	).Replace(grubScript)
	config := filepath.Join(work, "grub.cfg")
	if err := os.WriteFile(config, []byte(script), 0o644); err != nil {
		return nil, err
	}
	made := "/tmp/" + filepath.Base(work) + ".efi"
	_, err := d.chroot(ctx, "grub-mkimage", "-O", "x86_64-efi", "-o", made, "-p", "(,gpt1)"+filepath.Dir(layout.Loader("amd64")),
		"part_gpt", "fat", "loadenv", "chain", "normal", "test", "echo", "regexp", "configfile", "reboot", "halt", "sleep", "minicmd")
	if err != nil {
		return nil, err
	}
	loader := filepath.Join(work, "grub.efi")
	if err := copyFile(loader, d.path(made), 0o644); err != nil {
		return nil, err
	}
	return map[string]string{layout.Loader("amd64"): loader, filepath.Dir(layout.Loader("amd64")) + "/grub.cfg": config}, os.Remove(d.path(made))
}

func (grub) environment(slot layout.Slot, revision int, state string) (string, []byte, error) {
	return guest.GrubFile, guest.EncodeGrub(slot, guest.GrubEnv{Revision: revision, State: state}), nil
}

// chooses reads grub.cfg.
func (grub) chooses(a, b []byte) outcome {
	// A file that cannot be read leaves its variables empty.
	envA, _ := guest.DecodeGrub(layout.A, a)
	envB, _ := guest.DecodeGrub(layout.B, b)
	latest, env := layout.B, envB
	if envA.Revision > envB.Revision {
		latest, env = layout.A, envA
	}
	switch env.State {
	case "ok":
		return outcome{slot: latest}
	case "installed":
		return outcome{latest, true}
	}
	return outcome{slot: latest.Other()}
}
