package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"bangtin/image/debian"
)

// Debian's kernel has no gpio-sim, and no irq_sim, which gives its lines their edges. Both are in the package of the
// same kernel's source, and are made here into one module of the guest.
const (
	chipSource = "drivers/gpio/gpio-sim.c"
	irqSource  = "kernel/irq/irq_sim.c"
)

// irq_sim calls its handler as only the kernel itself may. What a module may call instead does the same and also turns
// interrupts off meanwhile.
const (
	inside  = "handle_simple_irq(irq_to_desc(irqnum))"
	outside = "generic_handle_irq_safe(irqnum)"
)

const makefile = `obj-m := gpio-sim.o
gpio-sim-y := chip.o irq.o
`

// addGpioSim makes the module and installs it in root, the folder of a system with that kernel's headers and source.
func addGpioSim(ctx context.Context, root, version string) error {
	dir := root + "/usr/src/gpio-sim"
	if err := takeSources(ctx, root, dir); err != nil {
		return err
	}
	if err := os.WriteFile(dir+"/Makefile", []byte(makefile), 0o644); err != nil {
		return err
	}
	if err := debian.Run(debian.Inside(ctx, root, "make", "-C", "/lib/modules/"+version+"/build", "M=/usr/src/gpio-sim", "modules")); err != nil {
		return err
	}
	to := filepath.Join(root, "usr/lib/modules", version, "updates")
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := copyFile(to+"/gpio-sim.ko", dir+"/gpio-sim.ko"); err != nil {
		return err
	}
	return debian.Run(debian.Inside(ctx, root, "depmod", version))
}

// takeSources puts the two sources into dir as the makefile names them. It fails when the call to replace is no longer
// there as it was.
func takeSources(ctx context.Context, root, dir string) error {
	archive, err := debian.Only(root + "/usr/src/linux-source-*.tar.xz")
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	top := strings.TrimSuffix(filepath.Base(archive), ".tar.xz")
	if err := debian.Run(exec.CommandContext(ctx, "tar", "-xJf", archive, "-C", dir, "--strip-components=1",
		top+"/"+chipSource, top+"/"+irqSource)); err != nil {
		return err
	}
	irq, err := os.ReadFile(filepath.Join(dir, irqSource))
	if err != nil {
		return err
	}
	if n := bytes.Count(irq, []byte(inside)); n != 1 {
		return fmt.Errorf("expected %s once in %s, found it %d times", inside, irqSource, n)
	}
	irq = bytes.ReplaceAll(irq, []byte(inside), []byte(outside))
	if err := os.WriteFile(dir+"/irq.c", irq, 0o644); err != nil {
		return err
	}
	return os.Rename(filepath.Join(dir, chipSource), dir+"/chip.c")
}
