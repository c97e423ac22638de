package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// suite is the product's.
const suite = "trixie"

// packages are what the guest has beside Debian's smallest set. The last line is for making gpio-sim.
func packages() []string {
	return []string{
		"linux-image-amd64", "kmod",
		"v4l-utils", "i2c-tools", "usbutils", "libdrm-tests",
		"erofs-utils", "cryptsetup-bin", "fdisk",
		"linux-headers-amd64", "linux-source-6.12", "gcc", "make", "xz-utils",
	}
}

// debian installs the guest's system in a new folder, from the place this machine has its own packages from and with
// the same settings for reaching it.
func debian(ctx context.Context, root string) error {
	mirror, err := mirror(ctx)
	if err != nil {
		return err
	}
	settings := root + ".apt.conf"
	if err := aptSettings(ctx, settings); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory",
		"--include="+strings.Join(packages(), ","), "--aptopt="+settings,
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		suite, root, mirror)
	return do(cmd)
}

// mirror is where this machine has Debian itself from. Where apt has no lists, it fetches them first: without them it
// cannot tell which archive is whose.
func mirror(ctx context.Context) (string, error) {
	uri, err := knownMirror(ctx)
	if err == nil {
		return uri, nil
	}
	if err := do(exec.CommandContext(ctx, "apt-get", "update", "-qq")); err != nil {
		return "", err
	}
	return knownMirror(ctx)
}

func knownMirror(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(COMPONENT) $(CODENAME) $(REPO_URI)",
		"Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("cannot ask apt for its mirror: %w", err)
	}
	return pickMirror(string(out))
}

// pickMirror finds the mirror of the distribution's own suite: not its updates, not its security archive.
func pickMirror(targets string) (string, error) {
	for line := range strings.Lines(targets) {
		f := strings.Fields(line)
		if len(f) == 5 && f[0] == "Debian" && f[1] == "Debian" && f[2] == "main" && !strings.Contains(f[3], "-") {
			return f[4], nil
		}
	}
	return "", fmt.Errorf("cannot find Debian's main archive among what apt has here:\n%s", targets)
}

// aptSettings writes this machine's settings for fetching packages: proxies, certificates, how old a list may be.
func aptSettings(ctx context.Context, path string) error {
	var all bytes.Buffer
	for _, name := range []string{"http", "https", "Check-Valid-Until", "Check-Date", "Retries"} {
		out, err := exec.CommandContext(ctx, "apt-config", "dump", "Acquire::"+name).Output()
		if err != nil {
			return fmt.Errorf("cannot ask apt for its settings: %w", err)
		}
		all.Write(out)
	}
	return os.WriteFile(path, all.Bytes(), 0o644)
}

// do runs a program to its end. What it says is shown only when it fails. It gets mounts of its own, so that what it
// mounts is gone with it, and ends with this program.
func do(cmd *exec.Cmd) error {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot run %s: %w\n%s", filepath.Base(cmd.Path), err, said.Bytes())
	}
	return nil
}
