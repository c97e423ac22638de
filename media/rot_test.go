//go:build linux

package media_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// flash mounts a file system of its own at dir and returns the image it is in.
func flash(t *testing.T, dir string) (image string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting a file system needs root")
	}
	image = filepath.Join(t.TempDir(), "flash")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 8<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{{"mkfs.ext4", "-q", image}, {"mount", "-o", "loop", image, dir}} {
		if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
			t.Skipf("cannot have a file system here: %v: %v %s", line, err, out)
		}
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return image
}

// rot changes what the flash holds of a file, under the file system.
func rot(t *testing.T, image, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(all, raw)
	if at < 0 {
		t.Fatal("the file is not on the flash yet")
	}
	disk, err := os.OpenFile(image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	if _, err := disk.WriteAt([]byte{^raw[len(raw)-1]}, int64(at+len(raw)-1)); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil { // or memory hides it
		t.Fatal(err)
	}
}

// Flash rots while nobody looks. A file is read anew each day, not only at the next start.
func TestRotIsFoundWithinADay(t *testing.T) {
	dir := t.TempDir()
	image := flash(t, filepath.Join(dir, "content"))
	b := newBench(t, dir)
	ctx := context.Background()
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	rot(t, image, filepath.Join(b.dir, "content", picture(1).SHA256))
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 1, 2 clips") // nothing tells of it
	b.clock.advance(25 * time.Hour)
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 1, 1 clips")
	if got := b.library.Missing(); len(got) != 1 || got[0] != picture(1).File {
		t.Errorf("missing: %v", got)
	}
	if in := b.incidents(t); len(in) != 1 || in[0].Code != "content-damaged" {
		t.Errorf("incidents: %+v", in)
	}
}
