package main

import (
	"bytes"
	"debug/elf"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bangtin/image/cpio"
	"bangtin/image/layout"
)

func TestOverlay(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	grow(t, from, "etc/hosts", "usr/bin/run")
	grow(t, to, "etc/hosts", "etc/resolv.conf", "etc/kept")
	if err := os.Chmod(filepath.Join(from, "etc/hosts"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(from, "usr/bin/run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../run/resolv.conf", filepath.Join(from, "etc/resolv.conf")); err != nil {
		t.Fatal(err)
	}
	if err := overlay(from, to); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]fs.FileMode{"etc/hosts": 0o644, "usr/bin/run": 0o755, "etc/kept": 0o644} {
		info, err := os.Lstat(filepath.Join(to, path))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	if link, err := os.Readlink(filepath.Join(to, "etc/resolv.conf")); link != "../run/resolv.conf" || err != nil {
		t.Errorf("%q, %v", link, err)
	}
}

func TestHarmless(t *testing.T) {
	tree := t.TempDir()
	grow(t, tree, "usr/bin/su", "usr/bin/mail")
	if err := os.Chmod(filepath.Join(tree, "usr/bin/su"), 0o755|fs.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(tree, "usr/bin/mail"), 0o755|fs.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	if err := harmless(tree); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"su", "mail"} {
		info, err := os.Stat(filepath.Join(tree, "usr/bin", name))
		if err != nil || info.Mode() != 0o755 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestEmptyFolders(t *testing.T) {
	tree := t.TempDir()
	grow(t, tree, "var/lib/dpkg/status", "root/.profile", "boot/vmlinuz-1", "tmp/", "etc/passwd")
	if err := emptyFolders(tree); err != nil {
		t.Fatal(err)
	}
	for _, name := range mountPoints() {
		entries, err := os.ReadDir(filepath.Join(tree, name))
		if err != nil || len(entries) > 0 && name != "boot" {
			t.Errorf("%s: %v, %v", name, entries, err)
		}
	}
	for _, name := range []string{"boot/vmlinuz-1", "etc/passwd"} {
		if _, err := os.Stat(filepath.Join(tree, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestMissingLibraries takes this machine's shell, and its libraries one by one.
func TestMissingLibraries(t *testing.T) {
	f, err := elf.Open("/bin/sh")
	if err != nil {
		t.Skip("this machine's shell is no ELF program:", err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil || len(libraries) == 0 {
		t.Skip("this machine's shell needs no library:", err)
	}
	tree := t.TempDir()
	if err := copyFile(filepath.Join(tree, "usr/bin/sh"), "/bin/sh", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, library := range libraries {
		if err := missingLibraries(tree); err == nil || !strings.Contains(err.Error(), library+", which /usr/bin/sh needs") {
			t.Errorf("without %s: %v", library, err)
		}
		grow(t, tree, "usr/lib/"+library)
	}
	if err := missingLibraries(tree); err != nil {
		t.Error(err)
	}
}

// The units say in their own words what the layout says.
func TestUnitsGoByTheLayout(t *testing.T) {
	data, ok := layout.Find(layout.Data, "")
	if !ok {
		t.Fatal("no data partition")
	}
	// A stick may have a partition with the same GUID.
	if strings.Contains(read(t, "../../systemd/system/bangtin-data.service"), "partuuid") {
		t.Error("data is whatever has its GUID")
	}
	// systemd-repart counts the partitions of a type: the last of data's must be data, and it alone grows.
	var same []layout.Partition
	for _, p := range layout.Partitions() {
		if p.Type == data.Type {
			same = append(same, p)
		}
	}
	files, err := filepath.Glob("../../systemd/repart.d/*.conf")
	if err != nil || len(files) != len(same) {
		t.Fatalf("%d definitions for %d partitions of data's type: %v", len(files), len(same), err)
	}
	for i, file := range files {
		still := strings.Contains(read(t, file), "\nWeight=0\n")
		if !strings.Contains(read(t, file), "\nType=linux-generic\n") || still != (same[i].Role != layout.Data) {
			t.Errorf("%s does not suit %s", file, same[i].Label())
		}
	}
}

// TestPreset: each unit of ours that can be switched on is, and no more than the preset names.
func TestPreset(t *testing.T) {
	preset := read(t, "../../systemd/system-preset/00-bangtin.preset")
	files, err := filepath.Glob("../../systemd/system/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no units:", err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.IsDir() { // drop-ins
			continue
		}
		if strings.Contains(read(t, file), "\n[Install]\n") && !strings.Contains(preset, "enable "+filepath.Base(file)+"\n") {
			t.Errorf("%s is not switched on", file)
		}
	}
	if !strings.HasSuffix(preset, "disable *\n") {
		t.Error("what is not named is not switched off")
	}
}

func TestMachineID(t *testing.T) {
	if id := read(t, "../recipe/files/etc/machine-id"); !regexp.MustCompile(`^[0-9a-f]{32}\n$`).MatchString(id) || strings.Trim(id, "0\n") == "" {
		t.Errorf("machine-id(5) wants 32 hexadecimal digits, not all of them 0: %q", id)
	}
}

// Every folder of systemd/ goes somewhere, and every place has a folder.
func TestPlaces(t *testing.T) {
	entries, err := os.ReadDir("../../systemd")
	if err != nil {
		t.Fatal(err)
	}
	all := places("../../systemd", "../recipe")
	for _, e := range entries {
		if _, ok := all[filepath.Join("../../systemd", e.Name())]; !ok {
			t.Errorf("systemd/%s is not in the image", e.Name())
		}
	}
	for from := range all {
		if info, err := os.Stat(from); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", from, err)
		}
	}
}

func TestInitrd(t *testing.T) {
	dir := t.TempDir()
	grow(t, dir, "init", "d/modules/01-b.ko.xz", "d/modules/00-a.ko.xz", "d/modules/display/00-c.ko.xz", "d/slate.png")
	to := filepath.Join(dir, "cpio")
	if err := writeInitrd(to, filepath.Join(dir, "init"), filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	c := cpio.NewWriter(&want)
	c.File("/init", 0o755, []byte("init"))
	for _, name := range []string{"/modules/00-a.ko.xz", "/modules/01-b.ko.xz", "/modules/display/00-c.ko.xz", "/slate.png"} {
		c.File(name, 0o644, []byte("d"+name))
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), read(t, to)); diff != "" {
		t.Error(diff)
	}
}

func TestLicenceName(t *testing.T) {
	for name, want := range map[string]bool{"LICENSE": true, "License.md": true, "COPYING.LESSER": true, "NOTICE": true, "README": false, "relicense.go": false} {
		if licenceName(name) != want {
			t.Error(name)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
