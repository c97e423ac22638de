package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/klauspost/compress/zstd"

	"bangtin/internal/flash"
)

// release makes an image of 3 MiB with its map and its checksums, and returns its path and its bytes.
func release(t *testing.T) (path string, image []byte) {
	t.Helper()
	image = bytes.Repeat([]byte("bangtin!"), 3<<20/8)
	first, second := sha256.Sum256(image[:2<<20]), sha256.Sum256(image[2<<20:])
	zeros := strings.Repeat("0", 64)
	table := fmt.Sprintf(`<bmap version="2.0"><ImageSize>%d</ImageSize><BlockSize>4096</BlockSize><MappedBlocksCount>768</MappedBlocksCount>`+
		`<ChecksumType>sha256</ChecksumType><BmapFileChecksum>%s</BmapFileChecksum><BlockMap><Range chksum="%x">0-511</Range>`+
		`<Range chksum="%x">512-767</Range></BlockMap></bmap>`, len(image), zeros, first, second)
	own := sha256.Sum256([]byte(table))
	table = strings.Replace(table, zeros, hex.EncodeToString(own[:]), 1)
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := encoder.EncodeAll(image, nil)
	base := filepath.Join(t.TempDir(), "bangtin-9-amd64")
	var sums strings.Builder
	for suffix, data := range map[string][]byte{".img.zst": packed, ".bmap": []byte(table)} {
		if err := os.WriteFile(base+suffix, data, 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), filepath.Base(base+suffix))
	}
	if err := os.WriteFile(base+".sha256", []byte(sums.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return base + ".img.zst", image
}

// The image is checked before anybody looks at a disk: what is wrong with it is said first.
func TestFlashRefusesImages(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, base string)
		want  string
	}{
		"image changed": {func(t *testing.T, base string) { appendTo(t, base+".img.zst") }, "is not what its checksum says"},
		"map changed":   {func(t *testing.T, base string) { appendTo(t, base+".bmap") }, "is not what its checksum says"},
		"no checksums":  {func(t *testing.T, base string) { remove(t, base+".sha256") }, "without it nobody knows"},
		"no map":        {func(t *testing.T, base string) { remove(t, base+".bmap") }, ".bmap"},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := release(t)
			c.spoil(t, strings.TrimSuffix(path, ".img.zst"))
			_, errOut, code := call(t, "--lang", "en", "flash", path, "--to", "/dev/nothing", "--yes")
			if code != exitFailed || !strings.Contains(errOut, c.want) {
				t.Errorf("exit %d, %q: want %q", code, errOut, c.want)
			}
		})
	}
	path, _ := release(t)
	if _, errOut, code := call(t, "--lang", "en", "flash", path, "--to", "/dev/nothing", "--yes"); code != exitFailed || !strings.Contains(errOut, "is not a whole disk") {
		t.Errorf("no such disk: exit %d, %q", code, errOut)
	}
	if _, errOut, code := call(t, "--lang", "en", "flash", "image.iso", "--to", "/dev/nothing"); code != exitUsage || !strings.Contains(errOut, "is no image") {
		t.Errorf("another file: exit %d, %q", code, errOut)
	}
}

func TestChooseDisk(t *testing.T) {
	disks := []flash.Disk{
		{Path: "/dev/sda", Bytes: 100, Users: []string{"/"}}, {Path: "/dev/sdb", Bytes: 100, Bus: "usb"}, {Path: "/dev/sdc", Bytes: 10, Bus: "usb"},
		{Path: "/dev/sdd", Bytes: 100}, {Path: "/dev/sde", Bytes: 100, Bus: "mmc", Locked: true},
	}
	for path, want := range map[string]string{"/dev/sda": "in use", "/dev/sdb": "", "/dev/sdc": "has 10 bytes", "/dev/sdd": "built into", "/dev/sde": "read-only", "/dev/sdb1": "not a whole disk"} {
		_, err := chooseDisk(disks, path, 50, false)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, err := chooseDisk(disks, "/dev/sdd", 50, true); err != nil {
		t.Errorf("built in, and wanted so: %v", err)
	}
	if _, err := chooseDisk(disks, "/dev/sda", 50, true); err == nil {
		t.Error("a disk in use was taken")
	}
}

// TestFlashOnALoopDevice writes a real block device, which the kernel shows as built in.
func TestFlashOnALoopDevice(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may set up a loop device")
	}
	path, image := release(t)
	backing := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(backing, bytes.Repeat([]byte{0xa5}, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--find", "--show", backing).CombinedOutput()
	if err != nil {
		t.Skipf("no loop devices here: %v: %s", err, out)
	}
	device := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", device).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	if _, errOut, code := call(t, "--lang", "en", "flash", path, "--to", device, "--yes"); code != exitFailed || !strings.Contains(errOut, "built into") {
		t.Fatalf("without --internal: exit %d, %q", code, errOut)
	}
	if _, errOut, code := call(t, "--lang", "en", "flash", path, "--to", device, "--internal"); code != exitUsage || !strings.Contains(errOut, "no terminal to ask") {
		t.Fatalf("nobody was asked: exit %d, %q", code, errOut)
	}
	said, errOut, code := call(t, "--lang", "en", "flash", path, "--to", device, "--internal", "--yes")
	if code != exitOK || !strings.Contains(said, "was read back") {
		t.Fatalf("exit %d, %q, %q", code, said, errOut)
	}
	got, err := os.ReadFile(backing)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[:len(image)], image) || got[len(image)] != 0xa5 {
		t.Error("the disk does not hold the image, or more was written than it has")
	}
}

func appendTo(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, ' '), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func call(t *testing.T, args ...string) (out, errOut string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := &Program{Args: args, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }}
	code = p.Run(context.Background())
	return stdout.String(), stderr.String(), code
}

// Who is asked reads which partitions are lost.
func TestFlashNamesThePartitions(t *testing.T) {
	for lang, says := range map[string]string{"vi": "đang có các phân vùng: sdb1 (KINGSTON), sdb2", "en": "partitions on /dev/sdb: sdb1 (KINGSTON), sdb2"} {
		master, tty, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := master.WriteString("n\n"); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		p := &Program{Stdin: tty, Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }, Now: time.Now}
		if lang == "vi" {
			p.translation = vietnamese()
		}
		if err := p.confirmFlash(flash.Disk{Path: "/dev/sdb", Bytes: 8e9, Parts: []string{"sdb1 (KINGSTON)", "sdb2"}}); err == nil {
			t.Error("n is no agreement")
		}
		if !strings.Contains(out.String(), says) {
			t.Errorf("%s: asked was %q", lang, out.String())
		}
		if err := errors.Join(master.Close(), tty.Close()); err != nil {
			t.Error(err)
		}
	}
}
