//go:build linux

package media_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"bangtin/media"
)

// readOnly makes a folder read-only for root too, until the test ends.
func readOnly(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting a folder read-only needs root")
	}
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		t.Skipf("cannot mount here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

// The usual end of an eMMC is that it is read-only at the next boot: what is there is still shown.
func TestStoreThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "content")
	if err := put(openStore(t, dir, nil), picture(1)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "x.part"), []byte("interrupted"))
	readOnly(t, dir)
	s := openStore(t, dir, nil)
	if _, err := s.Verified(context.Background(), picture(1).File); err != nil {
		t.Error(err)
	}
	if err := put(s, picture(2)); !errors.Is(err, media.ErrReadOnly) {
		t.Errorf("put: %v", err)
	}
}

func TestPartOnAReadOnlyStore(t *testing.T) {
	dir := t.TempDir()
	c := film(500)
	write(t, filepath.Join(dir, c.SHA256+".part"), c.raw[:100])
	readOnly(t, dir)
	if _, err := openStore(t, dir, nil).Resume(c.File); !errors.Is(err, media.ErrReadOnly) {
		t.Errorf("resumed: %v", err)
	}
}

func TestStoreThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	readOnly(t, dir)
	s := openStore(t, filepath.Join(dir, "content"), nil)
	if s.Has(picture(1).File) {
		t.Error("has a file")
	}
	if err := put(s, picture(1)); !errors.Is(err, media.ErrReadOnly) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Collect(nil); err != nil {
		t.Errorf("collect: %v", err)
	}
}

func TestPartThatCannotBeRemoved(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "x.part", "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir, nil)
	if err := put(s, picture(1)); err != nil {
		t.Error(err)
	}
}

// A disk that fills up while a file is written says so in other words than the store's own count.
func TestDiskThatFillsUp(t *testing.T) {
	for _, no := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		s := openStore(t, t.TempDir(), nil)
		c := picture(1)
		if err := s.Put(context.Background(), io.MultiReader(bytes.NewReader(c.raw[:9]), failingReader{no}), c.File); !errors.Is(err, media.ErrStoreFull) {
			t.Errorf("%v: %v", no, err)
		}
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

// What cannot be written is recorded once, not at every try.
func TestReadOnlyStoreIsOneIncident(t *testing.T) {
	b := newBench(t, t.TempDir())
	if _, err := b.library.Offer(context.Background(), approved(list(1, picture(1))), "inbox"); err != nil {
		t.Fatal(err)
	}
	readOnly(t, filepath.Join(b.dir, "content"))
	for range 3 {
		var no *media.Refusal
		if err := b.add(picture(1)); !errors.As(err, &no) || no.Reason != media.ReasonReadOnly {
			t.Errorf("add: %v", err)
		}
	}
	if in := b.incidents(t); len(in) != 1 || in[0].Code != "content-read-only" || !strings.Contains(in[0].Detail, "read-only") {
		t.Errorf("incidents: %+v", in)
	}
}
