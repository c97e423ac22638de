package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"bangtin/image/initrd/mapper"
	"bangtin/image/initrd/slate"
	"bangtin/image/initrd/verity"
	"bangtin/image/layout"
)

// damaged is a root with one byte changed.
func (r root) damaged(at int) []byte {
	image := bytes.Clone(r.image)
	image[at] ^= 1
	return image
}

// superblock is where the tree's is.
func (r root) superblock(t *testing.T) int {
	t.Helper()
	at := bytes.LastIndex(r.image, []byte("verity\x00\x00\x01\x00"))
	if at < 0 || at%verity.Block != 0 {
		t.Fatalf("superblock at %d", at)
	}
	return at
}

// TestBenchBoot: the root whose hash is on the command line is started, from whichever slot it is in.
func TestBenchBoot(t *testing.T) {
	needBench(t)
	one, two := makeRoot(t, "1"), makeRoot(t, "2")
	sb := one.superblock(t)
	for _, test := range []struct {
		name string
		a, b []byte
		hash string
		want layout.Slot
	}{
		{"in A", one.image, two.image, one.hash, layout.A},
		{"in B", one.image, two.image, two.hash, layout.B},
		{"in both", one.image, one.image, one.hash, layout.A},
		{"A's superblock damaged", one.damaged(sb), one.image, one.hash, layout.B},
		{"A's topmost block damaged", one.damaged(sb + verity.Block), one.image, one.hash, layout.B},
		{"A's erofs damaged", one.damaged(1024), one.image, one.hash, layout.B},
		{"B empty", one.image, nil, one.hash, layout.A},
	} {
		t.Run(test.name, func(t *testing.T) {
			plug(t, test.a, test.b)
			got := boot(t, "console=ttyS0 "+layout.RootArg+test.hash+" quiet "+layout.EndArg)
			for _, want := range []string{
				fmt.Sprintf("init: process 1, slot %q <nil>\n", string(test.want)+"\n"),
				`disk: "loop`,
				"/dev/dm-0 / erofs ro,",
				"\nproc /proc proc ", "\nsysfs /sys sysfs ", "\ndev /dev devtmpfs ", "\ntmpfs /run tmpfs ",
			} {
				if !strings.Contains("\n"+got.said, want) {
					t.Errorf("%q is missing", want)
				}
			}
			if got.end != 0 || got.console != "" || t.Failed() {
				t.Errorf("said %s, console %q, ended with %#x", got.said, got.console, got.end)
			}
		})
	}
}

// TestBenchRefused: what cannot start says why, in one line, and restarts: in a namespace that is SIGHUP for its first
// process (pid_namespaces(7)).
func TestBenchRefused(t *testing.T) {
	needBench(t)
	one, two := makeRoot(t, "1"), makeRoot(t, "2")
	plug(t, one.damaged(1024), two.image)
	for _, test := range []struct {
		name, line string
		reasons    []string
	}{
		{"no root hash", "quiet", []string{"the command line has no bangtin.root="}},
		{"two root hashes", layout.RootArg + one.hash + " " + layout.RootArg + two.hash, []string{"2 times"}},
		{"neither slot", layout.RootArg + one.hash, []string{
			"slot A on loop0p6: cannot find an erofs; slot B on loop0p7: the tree is another version's: its root hash is " + two.hash,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // they wait, most of the time
			boot(t, test.line+" "+layout.EndArg).refused(t, test.reasons...)
		})
	}
}

// refused looks whether a start ended as it has to where there is nothing to start.
func (o outcome) refused(t *testing.T, reasons ...string) {
	t.Helper()
	for _, reason := range reasons {
		if !strings.Contains(o.console, reason) {
			t.Errorf("console %q, want one about %q", o.console, reason)
		}
	}
	if line := strings.TrimSpace(o.console); !strings.HasPrefix(line, "bangtin: cannot start: ") || strings.ContainsAny(line, "\r\n") {
		t.Errorf("console %q is not one line", o.console)
	}
	if !o.end.Signaled() || o.end.Signal() != syscall.SIGHUP || strings.Contains(o.said, "init:") {
		t.Errorf("ended with %#x, said %q; want a restart", o.end, o.said)
	}
}

// TestBenchNoDisk: a machine without a root partition says which disks it has and what could not be loaded, waits no
// longer than its limit, and restarts. A module that cannot be loaded keeps none behind it from being loaded.
func TestBenchNoDisk(t *testing.T) {
	needBench(t)
	folder := t.TempDir()
	addModules(t, filepath.Join(folder, layout.Modules), "crc-itu-t")
	writeFile(t, filepath.Join(folder, layout.Modules, "00-broken.ko"), []byte("no module"), 0o644)
	const loaded = "/sys/module/crc_itu_t"
	if _, err := os.Stat(loaded); err == nil {
		t.Fatalf("%s is there before", loaded)
	}
	bootWith(t, layout.RootArg+strings.Repeat("0", 64)+" "+layout.EndArg, folder).refused(t, "no root partition on ", "vda", "cannot load 00-broken.ko: exec format error")
	if _, err := os.Stat(loaded); err != nil {
		t.Error(err)
	}
}

// addModules puts modules of this kernel and all that they need into a folder, named for the order of loading.
func addModules(t *testing.T, folder string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(run(t, append([]string{"modprobe", "--show-depends"}, names...)...)), "\n") {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "insmod ")
		if !ok {
			continue // in the kernel
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(folder, fmt.Sprintf("%02d-%s", i+1, filepath.Base(path))), data, 0o644)
	}
}

// TestBenchSlate: the initrd loads the card's driver, and its slate is on the card's output and stays there when the
// initrd is gone.
func TestBenchSlate(t *testing.T) {
	needBench(t)
	if _, err := os.Stat(framebuffer); err == nil {
		t.Fatal("there is a framebuffer before the initrd loads a driver")
	}
	one := makeRoot(t, "1")
	plug(t, one.image, nil)
	folder := t.TempDir()
	addModules(t, filepath.Join(folder, layout.DisplayModules), "virtio-gpu")
	picture := image.NewRGBA(image.Rect(0, 0, 64, 36))
	for i := range 64 * 36 {
		picture.Set(i%64, i/64, color.RGBA{uint8(4 * (i % 64)), uint8(7 * (i / 64)), 0x55, 0xff})
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, layout.Slate), file.Bytes(), 0o644)
	if got := bootWith(t, layout.RootArg+one.hash+" "+layout.EndArg, folder); !strings.Contains(got.said, "init: process 1") {
		t.Fatalf("said %q, console %q", got.said, got.console)
	}
	// Nobody else can draw there unless he asks for it.
	writeFile(t, "/dev/tty1", []byte("\x1b[H\x1b[2Jthis must not be seen\n"), 0)
	var w, h int
	if _, err := fmt.Sscanf(run(t, "cat", framebufferLink+"/virtual_size"), "%d,%d", &w, &h); err != nil {
		t.Fatal(err)
	}
	s := slate.Screen{
		Width: w, Height: h, Stride: 4 * w, Bits: 32,
		Red: slate.Channel{Offset: 16, Length: 8}, Green: slate.Channel{Offset: 8, Length: 8}, Blue: slate.Channel{Offset: 0, Length: 8},
	}
	got, err := os.ReadFile(framebuffer)
	if err != nil {
		t.Fatal(err)
	}
	if want := s.Bytes(picture); !bytes.Equal(got, want) {
		differ := 0
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				differ++
			}
		}
		t.Errorf("%d bytes of %d (%d on the screen of %d by %d) differ", differ, len(want), len(got), w, h)
	}
	if state := run(t, "sh", "-c", "cat /sys/kernel/debug/dri/*/state"); !strings.Contains(state, "enable=1") {
		t.Errorf("the output is dark:\n%s", state)
	}
}

// TestBenchVerity: of a verified device every sound block can be read, and none with a flipped bit, be it of the data
// or of the tree over it. The panic that a controller has instead of the error would end the bench: that the kernel
// took it is read back from the device's table.
func TestBenchVerity(t *testing.T) {
	needBench(t)
	one := makeRoot(t, "1")
	sb := one.superblock(t)
	hash, err := verity.ParseHash(one.hash)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		flipped int // byte
		bad     int // block that must not be read
	}{
		{"sound", -1, -1},
		{"first block", 100, 0},
		{"in the middle", 77*verity.Block + 4095, 77},
		{"last block", sb - 1, sb/verity.Block - 1},
		{"hash of block 0", sb + 2*verity.Block, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			image := one.image
			if test.flipped >= 0 {
				image = one.damaged(test.flipped)
			}
			file := filepath.Join(t.TempDir(), "root")
			writeFile(t, file, image, 0o644)
			loop := strings.TrimSpace(run(t, "losetup", "-f", "--show", file))
			t.Cleanup(func() { run(t, "losetup", "-d", loop) })
			tree, err := verity.Open(bytes.NewReader(one.image), int64(len(one.image)), hash)
			if err != nil {
				t.Fatal(err)
			}
			table := tree.Table(number(t, loop))
			errorInstead, ok := strings.CutSuffix(table, " 2 panic_on_corruption panic_on_error")
			if !ok {
				t.Fatalf("table %q", table)
			}
			if test.bad < 0 {
				node := create(t, tree, table)
				if got := run(t, "dmsetup", "table", "bench"); !strings.Contains(got, " panic_on_corruption") || !strings.Contains(got, " panic_on_error") {
					t.Errorf("the kernel's table is %q", got)
				}
				if err := os.WriteFile(node, []byte{1}, 0); !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EROFS) {
					t.Errorf("the device can be written: %v", err)
				}
				return
			}
			node := create(t, tree, errorInstead)
			for block := range int(tree.Data) {
				// A bad hash block spoils all that it covers: the sound ones are asked of where it does not.
				if err := readBlock(node, block); (err != nil) != (block == test.bad) && test.flipped < sb {
					t.Errorf("block %d: %v", block, err)
				} else if block == test.bad && !errors.Is(err, unix.EIO) {
					t.Errorf("block %d with a flipped bit: %v, want EIO", block, err)
				}
			}
		})
	}
}

// number is a block device's, MAJOR:MINOR.
func number(t *testing.T, node string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/sys/class/block", filepath.Base(node), "dev"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// create makes the verified device for the time of a test.
func create(t *testing.T, tree verity.Tree, table string) (node string) {
	t.Helper()
	dm, err := mapper.Open(control)
	if err != nil {
		t.Fatal(err)
	}
	n, err := dm.Create("bench", mapper.Target{Kind: "verity", Sectors: tree.Sectors(), Table: table})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Debian's udev is not there, so nobody else holds it.
		if err := errors.Join(dm.Remove("bench"), dm.Close()); err != nil {
			t.Error(err)
		}
	})
	return fmt.Sprintf("/dev/dm-%d", unix.Minor(n))
}

// readBlock reads one block past the page cache, in which a neighbour's reading ahead would show.
func readBlock(node string, block int) error {
	fd, err := unix.Open(node, unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	page, err := unix.Mmap(-1, 0, verity.Block, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	defer unix.Munmap(page)
	_, err = unix.Pread(fd, page, int64(block)*verity.Block)
	return err
}

// TestBenchMapper: what the kernel refuses leaves no device behind.
func TestBenchMapper(t *testing.T) {
	needBench(t)
	dm, err := mapper.Open(control)
	if err != nil {
		t.Fatal(err)
	}
	defer dm.Close()
	for range 2 {
		if _, err := dm.Create("bench", mapper.Target{Kind: "verity", Sectors: 8, Table: "1 nonsense"}); !errors.Is(err, unix.EINVAL) {
			t.Errorf("nonsense: %v, want EINVAL", err)
		}
	}
	if err := dm.Remove("bench"); !errors.Is(err, unix.ENXIO) {
		t.Errorf("a device was left behind: %v", err)
	}
	if out, err := exec.Command("dmsetup", "ls").CombinedOutput(); err != nil || !strings.Contains(string(out), "No devices") {
		t.Errorf("%s, %v", out, err)
	}
}
