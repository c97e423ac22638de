package main_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	. "bangtin/cmd/bangtin-setup"
	"bangtin/internal/stick"
)

func TestHostileSticks(t *testing.T) {
	for name, test := range map[string]struct {
		make   func(t *testing.T, w *world, folder string)
		code   string
		detail string
	}{
		"a link": {func(t *testing.T, w *world, folder string) {
			secret := filepath.Join(t.TempDir(), "secret")
			w.write(secret, "secret")
			replaceBy(t, filepath.Join(folder, stick.Site), func(at string) error { return os.Symlink(secret, at) })
		}, "S03", "site.toml is no file"},
		"a folder": {func(t *testing.T, _ *world, folder string) {
			replaceBy(t, filepath.Join(folder, stick.Site), func(at string) error { return os.Mkdir(at, 0o755) })
		}, "S03", "site.toml is no file"},
		"a pipe": {func(t *testing.T, _ *world, folder string) {
			replaceBy(t, filepath.Join(folder, stick.Seal), func(at string) error { return syscall.Mkfifo(at, 0o644) })
		}, "S03", "site.seal is no file"},
		"4 GiB": {func(t *testing.T, _ *world, folder string) {
			if err := os.Truncate(filepath.Join(folder, stick.Site), 4<<30); err != nil {
				t.Fatal(err)
			}
		}, "S03", "site.toml has more than"},
		"a link in the place of the folder": {func(t *testing.T, _ *world, folder string) {
			if err := os.Rename(folder, folder+"2"); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(folder+"2", folder); err != nil {
				t.Fatal(err)
			}
		}, "S03", "bangtin is no folder"},
		"a file in the place of the folder": {func(t *testing.T, w *world, folder string) {
			replaceBy(t, folder, func(at string) error { return os.WriteFile(at, nil, 0o644) })
		}, "S03", "bangtin is no folder"},
		"10,000 files beside": {func(t *testing.T, _ *world, folder string) {
			for i := range 10000 {
				if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.toml", i)), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}, "S10", ""},
		"a code that is none": {func(t *testing.T, w *world, folder string) {
			w.write(filepath.Join(folder, stick.Code), "geheim")
		}, "S10", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.stick("sda1", sound(w))
			test.make(t, w, filepath.Join(w.paths.Devices, "sda1", stick.Folder))
			n := w.runUntil("setup", test.code)
			if !strings.Contains(strings.Join(n.Details, "\n"), test.detail) {
				t.Errorf("said %+v", n)
			}
			if text := w.log.String(); strings.Contains(text, "secret") || strings.Contains(text, "geheim") {
				t.Errorf("the log has %s", text)
			}
		})
	}
}

func TestACodeThatIsNoneIsTold(t *testing.T) {
	w := newWorld(t)
	files := sound(w)
	files[stick.Code] = []byte("geheim")
	w.stick("sda1", files)
	w.run()
	if n := w.notice("code"); n.Code != "E01" || w.kept("enrol.code") != "" || w.kept(stick.Site) == "" {
		t.Errorf("said %+v, kept the code %q", n, w.kept("enrol.code"))
	}
	if n := w.notice("enrol"); n.Code != "" {
		t.Errorf("in the enrolment's place, who may not replace it: %+v", n)
	}
	w.unplug("sda1")
	w.stick("sdb1", sound(w))
	if w.run(); w.notice("code").Code != "" || w.kept("enrol.code") == "" {
		t.Errorf("with a good one: said %+v, kept the code %q", w.notice("code"), w.kept("enrol.code"))
	}
}

func replaceBy(t *testing.T, path string, by func(string) error) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := by(path); err != nil {
		t.Fatal(err)
	}
}

func TestSticks(t *testing.T) {
	w := newWorld(t)
	removable := map[string]string{"removable": "1"}
	w.plug("sda", "pci/ata1/block", map[string]string{"removable": "0"})
	w.plug("sda1", "pci/ata1/block/sda", map[string]string{"partition": "1"})
	w.plug("sdb", "pci/usb1/1-1/block", map[string]string{"removable": "0"}) // a USB disk is not removable to the kernel
	w.plug("sdb1", "pci/usb1/1-1/block/sdb", map[string]string{"partition": "1"})
	w.plug("sdb2", "pci/usb1/1-1/block/sdb", map[string]string{"partition": "2"})
	w.plug("sdc", "platform/reader/block", removable) // formatted without a table
	w.plug("sdd", "platform/reader2/block", map[string]string{"removable": "1", "size": "0"})
	w.plug("sr0", "pci/usb1/1-2/block", removable)
	w.plug("loop0", "virtual/block", map[string]string{"removable": "0"})
	got, err := w.paths.Sticks()
	if err != nil || strings.Join(got, " ") != "sdb1 sdb2 sdc" {
		t.Errorf("found %q, %v", got, err)
	}
	for i := range 50 {
		w.plug(fmt.Sprintf("sde%d", i), "pci/usb1/1-3", nil)
	}
	if got, err = w.paths.Sticks(); err != nil || len(got) != 53 {
		t.Errorf("found %d, %v", len(got), err)
	}
}

// TestAStickBehindMany: what holds nothing for a display, in whatever number, is passed over and hides nothing; in one
// look no more are read than a few.
func TestAStickBehindMany(t *testing.T) {
	w := newWorld(t)
	for i := range 17 {
		name := fmt.Sprintf("sda%02d", i)
		if err := os.MkdirAll(filepath.Join(w.paths.Devices, name), 0o755); err != nil {
			t.Fatal(err)
		}
		w.stick(name, nil)
	}
	w.stick("sdb1", sound(w))
	w.runUntil("setup", "S10")
	// The first look ended before the stick's turn: it was said that none is there.
	if text := w.log.String(); !strings.Contains(text, "S01") || strings.Index(text, "S01") > strings.Index(text, "sda16") {
		t.Errorf("more than 16 were read at once:\n%s", text)
	}
}

// TestBenchStick mounts a FAT stick with names in capitals, on a kernel that has FAT.
func TestBenchStick(t *testing.T) { mounted(t, "vfat", fat) }

// TestMountedStick mounts a disk of another kind, so that what does not hang on FAT is tried on every machine.
func TestMountedStick(t *testing.T) { mounted(t, "ext4", ext4) }

// mounted has the program take a site file from a device that is mounted.
func mounted(t *testing.T, kind string, disk func(*testing.T, *world, string)) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "disk")
	disk(t, w, file)
	device := loop(t, kind, file)
	w.plug(filepath.Base(device), "usb1/1-1", map[string]string{"removable": "1"})
	w.paths.Devices = "/dev"
	m := w.main()
	m.Reader = append(m.Reader[:len(m.Reader)-2], "BANGTIN_TEST_FOLDERS=", "BANGTIN_TEST_KIND="+kind, os.Args[0], "read")
	w.until(m, "setup", "S10")
	if mounts, err := os.ReadFile("/proc/self/mounts"); err != nil || strings.Contains(string(mounts), w.paths.Mount) {
		t.Errorf("something is still mounted: %v\n%s", err, mounts)
	}
	if left := w.names(w.paths.Mount); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// fat unpacks what mkfs.vfat and mcopy made of a sound stick, with the folder BANGTIN and SITE.TOML, SITE.SEAL, TRUST.JSON
// and CODE.TXT in it.
func fat(t *testing.T, _ *world, file string) {
	packed, err := os.Open(filepath.Join("testdata", "stick.fat.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(unpacked)
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func ext4(t *testing.T, w *world, file string) {
	root := t.TempDir()
	for name, data := range sound(w) {
		w.write(filepath.Join(root, stick.Folder, name), string(data))
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skip("without mkfs.ext4 (package e2fsprogs) there is no such disk")
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-d", root, file, "16M").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// loop makes a block device of a file.
func loop(t *testing.T, kind, file string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	for _, module := range []string{"loop", kind} {
		_ = exec.Command("modprobe", module).Run() // where it is a module; nothing follows from its failure
	}
	known, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(known), "\t"+kind+"\n") {
		t.Skipf("this kernel has no %s", kind)
	}
	out, err := exec.Command("losetup", "-r", "-f", "--show", file).CombinedOutput()
	if err != nil {
		t.Skipf("there is no loop device: %v: %s", err, out)
	}
	device := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", device).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return device
}

func FuzzReading(f *testing.F) {
	f.Add([]byte(`{"kind":"FAT","folder":true,"files":{"site.toml":"eA=="}}`))
	f.Add([]byte(`{"files":{"../x":"eA=="}}`))
	f.Fuzz(func(_ *testing.T, raw []byte) { _ = ParseReading(raw) })
}

func FuzzKind(f *testing.F) {
	f.Add([]byte("\xeb\x76\x90EXFAT   " + strings.Repeat("\x00", 512)))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, sector []byte) {
		if kind := KindOf(sector); kind == "" || kind != "other" && len(sector) < 512 {
			t.Errorf("%d bytes are %q", len(sector), kind)
		}
	})
}
