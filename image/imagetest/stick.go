package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// stickBytes is the size of the installer's USB stick. FAT32 begins at 33 MiB with clusters of 512 bytes.
const stickBytes = 64 << 20

// newStick is what an installer carries to the display: its site file, sealed, and a code by which the centre lets it
// in, on a USB stick with FAT.
func (b *bench) newStick(ctx context.Context, site string) (string, error) {
	w := b.world
	if err := writeText(w.path("site.toml"), site); err != nil {
		return "", err
	}
	said, err := w.bangtin(ctx, "center", "enrol", "--dir", "centre", "--device", displayName)
	if err != nil {
		return "", err
	}
	folder := w.path("stick")
	if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o755)); err != nil {
		return "", err
	}
	for _, words := range []string{
		"site seal site.toml --key site.key",
		"site stick stick --site site.toml --trust trust.json --code " + enrolCode.FindString(said),
	} {
		if err := w.run(ctx, words); err != nil {
			return "", err
		}
	}
	file := filepath.Join(b.work, "stick.img")
	if err := errors.Join(os.RemoveAll(file), os.WriteFile(file, nil, 0o600), os.Truncate(file, stickBytes)); err != nil {
		return "", err
	}
	if _, err := b.do(ctx, "mkfs.vfat", "-F", "32", "-s", "1", "-n", "STICK", file); err != nil {
		return "", err
	}
	_, err = b.do(ctx, "mcopy", "-s", "-i", file, filepath.Join(folder, "bangtin"), "::")
	return file, err
}

// withStick plugs a stick in before the power comes.
func (m machine) withStick(file string) machine {
	m.more = append(m.more, "-device", "qemu-xhci", "-drive", "if=none,id=stick,format=raw,file="+file, "-device", "usb-storage,drive=stick,removable=on")
	return m
}
