package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A build is one run: what is asked of it, and what its steps leave for one another.
type build struct {
	out, work, arch, version string
	epoch                    int64
	key, cert                string
	record                   bool
	recipeDir, unitsDir      string
	bench                    string // a folder of what the tests of the booted image have inside; empty for none
	say                      io.Writer

	recipe    recipe
	workshop  string       // the folder of the tools
	packages  []debPackage // what the root tree has, as the archive has it
	rootHash  string       // of the root's dm-verity tree, in hex
	kernel    string       // the kernel's release
	flavour   string       // of the disk that is being made, in the names of files: none, or .bench
	artefacts []string     // files of out, in the order in which they were made
}

func (b *build) run(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("only root may install a system in a folder")
	}
	if _, err := targetOf(b.arch); err != nil {
		return err
	}
	if (b.key == "") != (b.cert == "") {
		return errors.New("-key and -cert belong together")
	}
	var err error
	if b.recipe, err = readRecipe(b.recipeDir, b.arch); err != nil {
		return err
	}
	if err := b.identify(ctx); err != nil {
		return err
	}
	if b.work == "" {
		if b.work, err = os.MkdirTemp("/var/tmp", "mkimage-"); err != nil {
			return err
		}
		defer os.RemoveAll(b.work)
	} else if err := os.Mkdir(b.work, 0o755); err != nil {
		return err
	}
	for _, dir := range []*string{&b.work, &b.out} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	return b.steps(ctx)
}

// steps runs one after the other, as each needs what the last has made, and tells how long it took.
func (b *build) steps(ctx context.Context) error {
	began := time.Now()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"workshop", b.findWorkshop},
		{"packages", b.installPackages},
		{"lock", b.compareLock},
		{"programs", b.layOver},
		{"units", b.checkUnits},
		{"trim", b.trim},
		{"kernel", b.takeKernel},
		{"erofs", b.makeRoot},
		{"verity", b.addVerity},
		{"initrd", b.makeInitrd},
		{"uki", b.makeUKI},
		{"disk", b.makeDisk},
		{"compress", b.compress},
		{"documents", b.writeDocuments},
		{"checksums", b.writeChecksums},
		{"bench", b.makeBench},
	} {
		started := time.Now()
		if err := step.do(ctx); err != nil {
			return errors.Join(context.Cause(ctx), fmt.Errorf("%s: %w", step.name, err))
		}
		fmt.Fprintf(b.say, "%-10s %6.1f s\n", step.name, time.Since(started).Seconds())
	}
	fmt.Fprintf(b.say, "%-10s %6.1f s\n", "all", time.Since(began).Seconds())
	return nil
}

// identify fills in the version and the time where none are given.
func (b *build) identify(ctx context.Context) error {
	if b.version == "" {
		out, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty").Output()
		if err != nil {
			return fmt.Errorf("cannot ask git for the version; give -version: %w", err)
		}
		b.version = strings.TrimSpace(string(out))
	}
	if !validVersion(b.version) {
		return fmt.Errorf("version %q: letters, digits and . _ + - only, 64 at most", b.version)
	}
	if b.epoch == 0 {
		out, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return fmt.Errorf("cannot ask git for the last commit's time; give -epoch: %w", err)
		}
		if b.epoch, err = strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64); err != nil {
			return err
		}
	}
	return nil
}

// validVersion says whether a version may be part of a file's name.
func validVersion(v string) bool {
	return v != "" && len(v) <= 64 && v[0] != '.' && v[0] != '-' && strings.IndexFunc(v, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._+-", r))
	}) < 0
}

// tree is the root's folder.
func (b *build) tree() string { return filepath.Join(b.work, "root") }

// made is a file in the working folder.
func (b *build) made(name string) string { return filepath.Join(b.work, name) }

// artefact is the path of a file that is handed over, which it notes. What no key was given for is named -test, so that
// nobody takes it for a release, and it takes no release's place.
func (b *build) artefact(suffix string) string {
	trial := ""
	if b.key == "" {
		trial = "-test"
	}
	name := fmt.Sprintf("bangtin-%s%s-%s%s%s", b.version, trial, b.arch, b.flavour, suffix)
	b.artefacts = append(b.artefacts, name)
	return filepath.Join(b.out, name)
}

// measure tells the size of a file.
func (b *build) measure(what, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.say, "%-10s %d bytes, %.1f MiB\n", what, info.Size(), float64(info.Size())/(1<<20))
	return nil
}

// A target is what differs between architectures. The console is a serial port: a PC's, and on arm64 also that of Arm's
// own design, which most of its servers and QEMU's board have.
type target struct {
	goarch  string
	cc      string // the C compiler on any machine
	loader  string // EFI Boot Guard's program in the workshop
	stub    string // systemd's EFI stub in the workshop
	kernel  string // the package
	console string // on the kernel's command line
}

func targetOf(arch string) (target, error) {
	switch arch {
	case "amd64":
		return target{
			goarch: "amd64", cc: "x86_64-linux-gnu-gcc", kernel: "linux-image-amd64", console: "console=ttyS0,115200",
			loader: "/usr/lib/x86_64-linux-gnu/efibootguard/efibootguardx64.efi", stub: "/usr/lib/systemd/boot/efi/linuxx64.efi.stub",
		}, nil
	case "arm64":
		return target{
			goarch: "arm64", cc: "aarch64-linux-gnu-gcc", kernel: "linux-image-arm64", console: "console=ttyS0,115200 console=ttyAMA0,115200",
			loader: "/usr/lib/aarch64-linux-gnu/efibootguard/efibootguardaa64.efi", stub: "/usr/lib/systemd/boot/efi/linuxaa64.efi.stub",
		}, nil
	}
	return target{}, fmt.Errorf("architecture %q is not built: amd64 and arm64 are", arch)
}

// environ is this program's environment for Go, and for the C compiler where the target is not this machine.
func (t target) environ() []string {
	env := append(os.Environ(), "GOOS=linux", "GOARCH="+t.goarch)
	if t.goarch != runtime.GOARCH {
		env = append(env, "CC="+t.cc)
	}
	return env
}
