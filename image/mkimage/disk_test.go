package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bangtin/image/layout"
)

// TestGPTScript reads the script again and holds it against the layout: the order, no gap, no overlap, all aligned.
func TestGPTScript(t *testing.T) {
	table := layout.Partitions()
	var lines []string
	for line := range strings.Lines(gptScript(table)) {
		if strings.Contains(line, "start=") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) != len(table) {
		t.Fatalf("%d partitions of %d:\n%s", len(lines), len(table), gptScript(table))
	}
	at := int64(layout.MiB) / sector
	for i, line := range lines {
		var number int
		var start, size int64
		var kind, uuid, name string
		if _, err := fmt.Sscanf(line, "%d : start=%d, size=%d, type=%36s uuid=%36s name=%q", &number, &start, &size, &kind, &uuid, &name); err != nil {
			// Sscanf takes a comma for a part of a word, so the widths end before it.
			line = strings.ReplaceAll(line, ",", " ")
			if _, err := fmt.Sscanf(line, "%d : start=%d size=%d type=%s uuid=%s name=%q", &number, &start, &size, &kind, &uuid, &name); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		p := table[i]
		if number != p.Number || start != at || size*sector != p.Bytes || kind != p.Type || uuid != p.GUID || name != p.Label() {
			t.Errorf("partition %+v is %q, and begins at %d", p, line, at)
		}
		at += size
	}
	if end := (at + layout.MiB/sector) * sector; end != diskSize(table) {
		t.Errorf("the disk has %d bytes, and the table with its copy needs %d", diskSize(table), end)
	}
}

// TestWritePart writes over what is not zero: a zero of a file system must arrive as one.
func TestWritePart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "part")
	if err := sparse(path, 200<<10); err != nil {
		t.Fatal(err)
	}
	disk, err := os.Create(filepath.Join(dir, "disk"))
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	want := bytes.Repeat([]byte{0xff}, 400<<10)
	if _, err := disk.Write(want); err != nil {
		t.Fatal(err)
	}
	if err := writePart(disk, 100<<10, path); err != nil {
		t.Fatal(err)
	}
	if err := writePart(disk, 0, filepath.Join(dir, "absent")); err != nil {
		t.Errorf("an empty slot: %v", err)
	}
	got, err := os.ReadFile(disk.Name())
	if err != nil {
		t.Fatal(err)
	}
	clear(want[100<<10 : 300<<10])
	if !bytes.Equal(got, want) {
		t.Error("the disk has other bytes than the partition")
	}
}

func TestCommandLine(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, arch := range []string{"amd64", "arm64"} {
		target, err := targetOf(arch)
		if err != nil {
			t.Fatal(err)
		}
		line := commandLine(target.console, hash)
		if strings.Count(line, layout.RootArg) != 1 || !strings.HasPrefix(line, layout.RootArg+hash+" ") || !strings.Contains(line, " console=tty") {
			t.Error(line)
		}
		if !strings.HasSuffix(line, " "+layout.EndArg) || !strings.Contains(line, " systemd.import_credentials=no ") {
			t.Error(line)
		}
		if strings.Contains(line, "console=tty0") || strings.Contains(line, "console=tty1") {
			t.Errorf("the public screen is a console: %s", line)
		}
	}
}

func TestEFILabel(t *testing.T) {
	if got := utf16le("BOOT-A"); !bytes.Equal(got, []byte("B\x00O\x00O\x00T\x00-\x00A\x00")) {
		t.Errorf("%q", got)
	}
}

func TestParseRootHash(t *testing.T) {
	hash := strings.Repeat("0f", 32)
	said := "VERITY header information for /mnt/root.img\nUUID:            \t8b1d\nSalt:            \t" + strings.Repeat("ab", 32) + "\nRoot hash:      \t" + hash + "\n"
	if got, err := parseRootHash(said); got != hash || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "Root hash: xyz\n", "Root hash: " + hash[2:] + "\n", "Salt: " + hash + "\n"} {
		if got, err := parseRootHash(bad); err == nil {
			t.Errorf("%q was found in %q", got, bad)
		}
	}
}

func TestErofsSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "erofs")
	image := make([]byte, 8192)
	write := func() {
		t.Helper()
		if err := os.WriteFile(path, image, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if _, err := erofsSize(path); err == nil {
		t.Error("zeroes are an erofs")
	}
	copy(image[1024:], "\xe2\xe1\xf5\xe0")
	image[1024+12], image[1024+36] = 12, 2
	write()
	if size, err := erofsSize(path); size != 8192 || err != nil {
		t.Errorf("%d, %v", size, err)
	}
	image[1024+12] = 9
	write()
	if _, err := erofsSize(path); err == nil {
		t.Error("blocks of 512 bytes were taken")
	}
}
