// Package guest is the payload of the boot loader's bench: a first process that says over the serial line which slot it
// is of, and changes boot environments, hangs or panics when it is told to.
package guest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// What host and guest say to one another.
const (
	Init    = "/init"
	Modules = "/modules"

	SlotArg   = "spike.slot="   // on the kernel's command line
	LoaderArg = "spike.loader=" // ebg or grub
	Hello     = "SPIKE slot "   // the slot follows
	Done      = "SPIKE done "   // the command follows
	Refused   = "SPIKE refused "
)

// Watchdog is what an environment asks of the loader, in seconds: more than a boot takes here under TCG on a busy machine.
const Watchdog = 60

// Args is what a slot's kernel is given. The stub takes the initrd from the volume of the kernel.
func Args(loader string, slot layout.Slot) string {
	return fmt.Sprintf(`initrd=\initrd.img console=ttyS0,115200 loglevel=4 earlyprintk=serial mitigations=off panic=0 %s%s %s%s`,
		SlotArg, slot, LoaderArg, loader)
}

// Run never returns: the kernel would panic.
func Run() {
	err := run()
	fmt.Println("SPIKE error", err)
	for {
		time.Sleep(time.Hour)
	}
}

type environments interface {
	change(op string, slot layout.Slot) error
}

func run() error {
	for _, m := range [][3]string{{"dev", "/dev", "devtmpfs"}, {"proc", "/proc", "proc"}} {
		if err := os.MkdirAll(m[1], 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m[0], m[1], m[2], 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("cannot mount %s: %w", m[1], err)
		}
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err
	}
	console, err := os.OpenFile("/dev/ttyS0", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	fmt.Fprintf(console, "\n%s%s\n", Hello, word(string(line), SlotArg))
	var envs environments = ebg{}
	if word(string(line), LoaderArg) == "grub" {
		envs = grub{}
	}
	return obey(console, envs)
}

// word is what follows a key on the command line.
func word(line, key string) string {
	for _, w := range strings.Fields(line) {
		if v, ok := strings.CutPrefix(w, key); ok {
			return v
		}
	}
	return ""
}

func obey(console io.ReadWriter, envs environments) error {
	lines := bufio.NewScanner(console)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 0 {
			continue
		}
		err := command(f, envs)
		if err != nil {
			fmt.Fprintf(console, "\n%s%s: %v\n", Refused, lines.Text(), err)
			continue
		}
		fmt.Fprintf(console, "\n%s%s\n", Done, lines.Text())
	}
	return lines.Err()
}

func command(f []string, envs environments) error {
	switch f[0] {
	case "off":
		return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	case "reboot":
		return unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	case "panic":
		return os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0)
	case "hang":
		return nil // it is what this does anyway: nothing here feeds a watchdog
	}
	if len(f) != 2 {
		return errors.New("no such command")
	}
	if err := mount(); err != nil {
		return err
	}
	return envs.change(f[0], layout.Slot(f[1]))
}

// mount mounts both environments' partitions, once.
func mount() error {
	if _, err := os.Stat("/env/A"); err == nil {
		return nil
	}
	modules, err := filepath.Glob(Modules + "/*")
	if err != nil {
		return err
	}
	for _, path := range modules {
		if err := load(path); err != nil {
			return err
		}
	}
	for _, slot := range []layout.Slot{layout.A, layout.B} {
		part, _ := layout.Find(layout.Env, slot)
		dir := "/env/" + string(slot)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		disk := fmt.Sprintf("/dev/vda%d", part.Number)
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if _, err := os.Stat(disk); err == nil || time.Now().After(end) {
				break
			}
		}
		if err := unix.Mount(disk, dir, "vfat", unix.MS_NOATIME, ""); err != nil {
			return fmt.Errorf("cannot mount %s: %w", disk, err)
		}
	}
	return nil
}

func load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", unix.MODULE_INIT_COMPRESSED_FILE); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("cannot load %s: %w", path, err)
	}
	return nil
}

// ebg is EFI Boot Guard's environments, by the product's own code.
type ebg struct{}

func (ebg) change(op string, slot layout.Slot) error {
	pair := bootctl.Pair{A: "/env/A/" + bootctl.FileName, B: "/env/B/" + bootctl.FileName}
	switch op {
	case "bad":
		return pair.Bad(slot)
	case "install":
		return pair.Installed(slot, bootctl.Env{Kernel: bootctl.KernelPath(slot), Args: Args("ebg", slot), Watchdog: Watchdog})
	case "confirm":
		return pair.Confirmed(slot)
	}
	return errors.New("no such change")
}
