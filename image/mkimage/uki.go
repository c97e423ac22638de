package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bangtin/image/layout"
	"bangtin/image/testkey"
)

// commandLine is what the kernel is told; it is signed with it. Nothing is written to the public screen: the console is
// the serial port, and what reaches it is errors. A panic or an oops ends in a reboot, which the boot loader counts.
//
// Neither the firmware's tables nor a file beside the kernel may give systemd units, settings or secrets (credentials,
// systemd.system-credentials(7)): import_credentials. And not even root changes the running kernel: Debian's locks itself
// under Secure Boot, and without Secure Boot it is told to.
func commandLine(console, rootHash string) string {
	return strings.Join([]string{
		layout.RootArg + rootHash,
		console, "quiet", "loglevel=3",
		"fbcon=map:9",                // no text console on any display: it would clear the splash, and has nothing to say
		"vt.global_cursor_default=0", // should there be one all the same
		"panic=10", "oops=panic", "lockdown=integrity",
		"systemd.show_status=0", "rd.systemd.show_status=0",
		"systemd.import_credentials=no",
		"fsck.repair=yes", // of data, where nobody could be asked
		layout.EndArg,
	}, " ")
}

// makeUKI makes the kernel image, and signs it.
func (b *build) makeUKI(ctx context.Context) error {
	target, err := targetOf(b.arch)
	if err != nil {
		return err
	}
	err = b.tool(ctx, "ukify", "build", "--linux=/mnt/vmlinuz", "--initrd=/mnt/initrd", "--cmdline="+commandLine(target.console, b.rootHash),
		"--os-release=@/mnt/root/usr/lib/os-release", "--splash=/mnt/splash.bmp", "--uname="+b.kernel, "--stub="+target.stub, "--output=/mnt/unsigned.efi")
	if err != nil {
		return err
	}
	if err := errors.Join(b.measure("uki", b.made("unsigned.efi")), b.tellHash("uki", b.made("unsigned.efi"))); err != nil {
		return err
	}
	if err := copyFile(b.artefact(".unsigned.efi"), b.made("unsigned.efi"), 0o644); err != nil {
		return err
	}
	return b.sign(ctx, "unsigned.efi", "bangtin.efi")
}

// sign signs an EFI program of the working folder, with the keys given or with one that is thrown away.
func (b *build) sign(ctx context.Context, from, to string) error {
	if err := b.takeKeys(); err != nil {
		return err
	}
	return b.tool(ctx, "sbsign", "--key", "/mnt/keys/key.pem", "--cert", "/mnt/keys/cert.pem", "--output", "/mnt/"+to, "/mnt/"+from)
}

// takeKeys puts the signing key where the tools see it, a folder that goes with the build.
func (b *build) takeKeys() error {
	dir := b.made("keys")
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	key, cert := filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	if b.key != "" {
		return errors.Join(copyFile(key, b.key, 0o600), copyFile(cert, b.cert, 0o644))
	}
	fmt.Fprintln(b.say, "no key given: signed with one that is thrown away, for tests alone")
	return testkey.Make(key, cert, "Bang Tin test image, thrown away")
}
