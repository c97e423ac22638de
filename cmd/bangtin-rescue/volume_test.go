package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	rescue "bangtin/cmd/bangtin-rescue"
	"bangtin/internal/notice"
)

// TestMain: the program starts itself for what a disk may hang.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "take" {
		if err := rescue.Run(context.Background(), os.Args[1:]...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A bench is a partition in a file, and the places of a controller below a folder.
type bench struct {
	t                                          *testing.T
	file, device                               string
	data, variable, under, mark, notices, said string
	child                                      []string // in place of the program
}

// newBench makes an ext4 of so many MiB with a picture on it.
func newBench(t *testing.T, mib int64) *bench {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may mount")
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skip("this machine has no loop devices:", err)
	}
	dir := t.TempDir()
	b := &bench{
		t: t, file: filepath.Join(dir, "disk"), data: filepath.Join(dir, "data"), variable: filepath.Join(dir, "var"),
		under: filepath.Join(dir, "under"), mark: filepath.Join(dir, "run", "rescue"), notices: filepath.Join(dir, "notices"),
	}
	for _, d := range []string{b.data, b.variable, filepath.Join(dir, "seed", "bangtin")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "seed", "bangtin", "picture"), []byte("approved"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(b.file, mib<<20); err != nil {
		t.Fatal(err)
	}
	b.run("mkfs.ext4", "-q", "-d", filepath.Join(dir, "seed"), b.file)
	return b
}

func (b *bench) run(args ...string) string {
	b.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("%v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// attach makes the file a device.
func (b *bench) attach(more ...string) {
	b.t.Helper()
	b.device = b.run(append(append([]string{"losetup", "--find", "--show"}, more...), b.file)...)
	b.t.Cleanup(func() { b.run("losetup", "--detach", b.device) })
}

// bring starts what is tested, and has everything unmounted at the end.
func (b *bench) bring() {
	b.t.Helper()
	b.t.Cleanup(func() {
		for _, dir := range []string{b.variable, b.data, b.under + "/over", b.under + "/memory", b.under + "/data", b.under + "/disk"} {
			for unix.Unmount(dir, 0) == nil {
			}
		}
	})
	said, err := os.Create(filepath.Join(b.t.TempDir(), "said"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer said.Close()
	v := rescue.Places(b.device, b.data, b.under, b.mark, b.notices, said).WithVar(b.variable)
	if b.child != nil {
		v = v.WithChild(100*time.Millisecond, b.child...)
	}
	if err := v.Bring(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	text, err := os.ReadFile(said.Name())
	if err != nil {
		b.t.Fatal(err)
	}
	b.said = string(text)
}

func (b *bench) look() {
	b.t.Helper()
	if err := rescue.Places(b.device, b.data, b.under, b.mark, b.notices, os.Stderr).Look(); err != nil {
		b.t.Fatal(err)
	}
}

// is checks the notice, the mark, and that both folders can be written.
func (b *bench) is(code string, marked, picture bool) {
	b.t.Helper()
	all, err := notice.All(b.notices)
	if err != nil {
		b.t.Fatal(err)
	}
	got := ""
	for _, n := range all {
		got += n.Code
	}
	if got != code {
		b.t.Errorf("notices %q, want %q; said:\n%s", got, code, b.said)
	}
	mark, err := os.ReadFile(b.mark)
	if (err == nil) != marked || marked && string(mark) != code+"\n" {
		b.t.Errorf("mark %q, %v; wanted: %v", mark, err, marked)
	}
	if content, err := os.ReadFile(filepath.Join(b.data, "bangtin", "picture")); (string(content) == "approved") != picture {
		b.t.Errorf("the picture: %q, %v; wanted: %v", content, err, picture)
	}
}

func (b *bench) writes(dirs ...string) {
	b.t.Helper()
	for _, dir := range dirs {
		if err := os.WriteFile(filepath.Join(dir, "written"), []byte("x"), 0o644); err != nil {
			b.t.Error(err)
		}
	}
}

func TestSoundData(t *testing.T) {
	b := newBench(t, 64)
	b.attach()
	b.bring()
	b.is("", false, true)
	b.writes(b.data, b.variable)
	if _, err := os.Stat(filepath.Join(b.data, "var", "written")); err != nil {
		t.Error("what programs keep is not on data:", err)
	}
	b.look()
	b.is("", false, true)
}

func TestDataThatIsNotThere(t *testing.T) {
	b := newBench(t, 64)
	b.device = b.file + ".missing"
	b.bring()
	b.is("D01", true, false)
	b.writes(b.data, b.variable)
	b.look()
	b.is("D01", true, false)
}

// TestDataThatIsNoFileSystem: it is left as it is, for whoever can read it.
func TestDataThatIsNoFileSystem(t *testing.T) {
	b := newBench(t, 64)
	noise := bytes.Repeat([]byte{0xA5, 0x5A, 0x33, 0x01}, 16<<20)
	if err := os.WriteFile(b.file, noise, 0o600); err != nil {
		t.Fatal(err)
	}
	b.attach()
	b.bring()
	b.is("D01", true, false)
	b.writes(b.data, b.variable)
	if now, err := os.ReadFile(b.file); err != nil || !bytes.Equal(now, noise) {
		t.Error("the partition was changed, or cannot be read:", err)
	}
}

// TestATornSuperblock: e2fsck has others. What else it tore is not known, so it is told, also at the next start.
func TestATornSuperblock(t *testing.T) {
	b := newBench(t, 64)
	b.run("dd", "if=/dev/zero", "of="+b.file, "bs=1024", "seek=1", "count=1", "conv=notrunc")
	b.attach()
	b.bring()
	b.is("D05", false, true)
	b.writes(b.data, b.variable)
	b.run("umount", b.variable, b.data)
	b.bring()
	b.look()
	b.is("D05", false, true)
}

// TestDataThatLostAllItHeld: a file system that is sound again and empty is not one that never held anything.
func TestDataThatLostAllItHeld(t *testing.T) {
	b := newBench(t, 200) // the backup of the superblock is behind 128 MiB
	b.run("dd", "if=/dev/urandom", "of="+b.file, "bs=1M", "count=8", "conv=notrunc")
	b.attach()
	b.bring()
	b.is("D05", false, false)
	b.writes(b.data, b.variable)
	b.look()
	b.is("D05", false, false)
}

// TestAJournalToReplay is what a power cut leaves: nothing is wrong.
func TestAJournalToReplay(t *testing.T) {
	b := newBench(t, 64)
	commands := filepath.Join(t.TempDir(), "commands")
	if err := os.WriteFile(commands, []byte("jo\njw -b 60 /dev/zero\njc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.run("debugfs", "-w", "-f", commands, b.file)
	if said := b.run("dumpe2fs", "-h", b.file); !strings.Contains(said, "needs_recovery") {
		t.Fatalf("there is nothing to replay: %s", said)
	}
	b.attach()
	b.bring()
	b.is("", false, true)
	b.writes(b.data, b.variable)
}

// TestADiskThatHangs: a child that cannot be killed, here as one that holds its end of the pipe does, is left behind.
func TestADiskThatHangs(t *testing.T) {
	b := newBench(t, 64)
	b.attach()
	stop := filepath.Join(t.TempDir(), "stop")
	if err := unix.Mkfifo(stop, 0o600); err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(stop, os.O_RDWR, 0) // waits for nobody
	if err != nil {
		t.Fatal(err)
	}
	b.child = []string{"/bin/sh", "-c", `setsid sh -c 'read x <"$1"' x "$0" & wait`, stop}
	t.Cleanup(func() {
		if _, err := end.WriteString("x\n"); err != nil {
			t.Error(err)
		}
	})
	b.bring()
	b.is("D01", true, false)
	b.writes(b.data, b.variable)
}

// TestAChildThatBabbles: what it says is believed as far as it is understood.
func TestAChildThatBabbles(t *testing.T) {
	for _, said := range []string{"", "{}", "x", `{"at":"/nowhere"}`, `{"at":"/"}`, `{"at":"/","more":1}`, `{"failed":"x"}`} {
		b := newBench(t, 64)
		b.attach()
		b.child = []string{"/bin/sh", "-c", "echo '" + said + "'"}
		b.bring()
		b.is("D01", true, false)
	}
}

func TestDataThatCanOnlyBeRead(t *testing.T) {
	b := newBench(t, 64)
	b.attach("--read-only")
	b.bring()
	b.is("D02", true, true)
	b.writes(b.data, b.variable)
	if err := os.Remove(filepath.Join(b.data, "bangtin", "picture")); err != nil {
		t.Error("it cannot be changed in memory:", err)
	}
	b.look()
	b.is("D02", true, false)
}

func TestFullData(t *testing.T) {
	b := newBench(t, 64)
	b.attach()
	b.run("mount", b.device, b.data)
	f, err := os.Create(filepath.Join(b.data, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); errors.Is(err, unix.ENOSPC) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	f.Close()
	b.run("umount", b.data)
	b.bring()
	b.is("D03", false, true)
	if err := os.Remove(filepath.Join(b.data, "filler")); err != nil {
		t.Fatal(err)
	}
	b.look()
	b.is("", false, true)
}

// TestDataThatFailsLater: the kernel takes it away from writers.
func TestDataThatFailsLater(t *testing.T) {
	b := newBench(t, 64)
	b.attach()
	b.bring()
	b.is("", false, true)
	b.run("mount", "-o", "remount,abort", b.data)
	b.look()
	b.is("D02", true, true)
}

// TestAVarThatIsNoFolder: it is memory then.
func TestAVarThatIsNoFolder(t *testing.T) {
	b := newBench(t, 64)
	b.run("debugfs", "-w", "-R", "write /dev/null var", b.file)
	b.attach()
	b.bring()
	b.is("", false, true)
	b.writes(b.data, b.variable)
}
