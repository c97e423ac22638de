package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"bangtin/image/initrd/mapper"
	"bangtin/image/layout"
)

// This test program is four: the tests; the stage, which makes a machine of a namespace; the initrd on that stage; and
// the init of the root that the initrd starts.
const stageName = "stage"

func TestMain(m *testing.M) {
	switch os.Args[0] {
	case stageName:
		fmt.Println("stage:", stage(os.Args[1], os.Args[2], os.Args[3]))
		os.Exit(3)
	case layout.Init:
		main()
	case rootInit:
		rootStub()
	}
	os.Exit(m.Run())
}

// stage makes a tmpfs the root of a namespace of its own, with the initrd in it and all of a folder, a command line for it
// and a file for its console, and becomes the initrd. It returns only when it failed.
func stage(commandLine, console, folder string) error {
	const new = "/mnt"
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("initrd", new, "tmpfs", 0, ""); err != nil {
		return err
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	for _, dir := range []string{"/proc", "/dev", "/tmp", "/old"} {
		if err := os.Mkdir(new+dir, 0o755); err != nil {
			return err
		}
	}
	return errors.Join(
		os.CopyFS(new, os.DirFS(folder)),
		os.WriteFile(new+layout.Init, program, 0o755),
		os.WriteFile(new+"/cmdline", []byte(commandLine+"\n"), 0o644),
		unix.Mount("proc", new+"/proc", "proc", 0, ""),
		unix.Mount("dev", new+"/dev", "devtmpfs", 0, ""),
		unix.Mount(new+"/cmdline", new+"/proc/cmdline", "", unix.MS_BIND, ""),
		unix.Mount(console, new+"/dev/console", "", unix.MS_BIND, ""),
		unix.PivotRoot(new, new+"/old"),
		os.Chdir("/"),
		unix.Unmount("/old", unix.MNT_DETACH),
		unix.Exec(layout.Init, []string{layout.Init}, []string{"HOME=/", "TERM=linux"}),
	)
}

// rootStub is the init of the root: it tells where it is.
func rootStub() {
	slot, err := os.ReadFile(layout.SlotRun)
	fmt.Printf("init: process %d, slot %q %v\n", os.Getpid(), slot, err)
	name, err := os.ReadFile(layout.DiskRun)
	fmt.Printf("disk: %q %v\n", name, err)
	mounts, err := os.ReadFile("/proc/self/mounts")
	fmt.Printf("%s%v\n", mounts, err)
	_, err = os.ReadFile("/payload")
	fmt.Println("payload:", err)
	os.Exit(0)
}

// A root is a version of the root: what it has on disk, and its root hash.
type root struct {
	image []byte
	hash  string
}

func needBench(t *testing.T) {
	t.Helper()
	if os.Getenv("BANGTIN_BENCH") == "" {
		t.Skip("needs the booted bench: make e2e-hal")
	}
	for _, module := range []string{"loop", "dm-verity", "erofs"} {
		run(t, "modprobe", module)
	}
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// makeRoot makes a root of a version, as the image's recipe does: mkfs.erofs and veritysetup are the real ones.
func makeRoot(t *testing.T, version string) root {
	t.Helper()
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	for _, d := range []string{"proc", "sys", "dev", "run", "sbin"} {
		if err := os.MkdirAll(filepath.Join(tree, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, tree+rootInit, self, 0o755)
	writeFile(t, tree+"/version", []byte(version), 0o644)
	file := filepath.Join(dir, "root")
	run(t, "mkfs.erofs", "--quiet", "-T0", "-zzstd", "-C65536", "-Efragments,dedupe", file, tree)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	out := run(t, "veritysetup", "format", file, file, fmt.Sprintf("--hash-offset=%d", info.Size()),
		fmt.Sprintf("--data-blocks=%d", info.Size()/4096))
	_, after, ok := strings.Cut(out, "Root hash:")
	if !ok {
		t.Fatalf("veritysetup says no root hash:\n%s", out)
	}
	image, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return root{image, strings.Fields(after)[0]}
}

func writeFile(t *testing.T, path string, data []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
}

// plug plugs in a disk that has these roots, for the time of a test.
func plug(t *testing.T, a, b []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	const slotBytes, first = 32 << 20, 1 << 20
	table := "label: gpt\n"
	for i, slot := range []layout.Slot{layout.A, layout.B} {
		p, ok := layout.Find(layout.Root, slot)
		if !ok {
			t.Fatal("the layout has no root", slot)
		}
		table += fmt.Sprintf("%s%d : start=%d, size=%d, uuid=%s, name=%s\n", file, p.Number, (first+i*slotBytes)/512, slotBytes/512, p.GUID, p.Label())
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, errA := f.WriteAt(a, first)
	_, errB := f.WriteAt(b, first+slotBytes)
	if err := errors.Join(f.Truncate(first+2*slotBytes+first), errA, errB); err != nil {
		t.Fatal(err)
	}
	sfdisk := exec.Command("sfdisk", "-q", file)
	sfdisk.Stdin = strings.NewReader(table)
	if out, err := sfdisk.CombinedOutput(); err != nil {
		t.Fatalf("cannot part the disk: %v\n%s\n%s", err, out, table)
	}
	loop := strings.TrimSpace(run(t, "losetup", "-fP", "--show", file))
	t.Cleanup(func() { run(t, "losetup", "-d", loop) })
}

// An outcome is how a start went: what was said, by whomever, and how it ended.
type outcome struct {
	said    string
	console string
	end     syscall.WaitStatus
}

// boot lets the machine start with a command line, and returns when it is over.
func boot(t *testing.T, commandLine string) outcome {
	t.Helper()
	return bootWith(t, commandLine, t.TempDir())
}

// bootWith is [boot] with the files of a folder in the initrd.
func bootWith(t *testing.T, commandLine, folder string) outcome {
	t.Helper()
	console := filepath.Join(t.TempDir(), "console")
	writeFile(t, console, nil, 0o644)
	cmd := exec.Command("/proc/self/exe", commandLine, console, folder)
	cmd.Args[0] = stageName
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Run() // what it says and how it ends is looked at
	dm, err := mapper.Open(control)
	if err != nil {
		t.Fatal(err)
	}
	defer dm.Close()
	if err := dm.Remove(device); err != nil && !errors.Is(err, unix.ENXIO) {
		t.Error(err)
	}
	text, err := os.ReadFile(console)
	if err != nil {
		t.Fatal(err)
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		t.Fatalf("%T", cmd.ProcessState.Sys())
	}
	return outcome{said.String(), string(text), status}
}
