package debian

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// emulate lets this machine's kernel run the programs of another architecture, by QEMU, until it is booted anew. It
// needs Debian's packages qemu-user-static and binfmt-support.
func emulate(ctx context.Context, arch string) error {
	name := map[string]string{"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}[arch]
	if arch == "" || arch == runtime.GOARCH || name == "" {
		return nil
	}
	const formats = "/proc/sys/fs/binfmt_misc"
	if _, err := os.Stat(filepath.Join(formats, name)); err == nil {
		return nil
	}
	if _, err := os.Stat(formats + "/register"); err != nil {
		if err := unix.Mount("binfmt_misc", formats, "binfmt_misc", 0, ""); err != nil {
			return fmt.Errorf("cannot run programs of %s: cannot mount %s: %w", arch, formats, err)
		}
	}
	if err := Run(exec.CommandContext(ctx, "update-binfmts", "--enable", name)); err != nil {
		return fmt.Errorf("cannot run programs of %s: %w", arch, err)
	}
	if _, err := os.Stat(filepath.Join(formats, name)); err != nil {
		return fmt.Errorf("cannot run programs of %s: the kernel does not know %s: %w", arch, name, err)
	}
	return nil
}
