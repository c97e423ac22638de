package cpio_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bangtin/image/cpio"
)

// unpack reads an archive as the kernel does (init/initramfs.c): a header of 110 characters, the name with its zero, and
// the data, each padded to four bytes.
func unpack(t *testing.T, archive []byte) (entries []string) {
	t.Helper()
	at := 0
	for {
		head := archive[at:]
		if len(head) < 110 || string(head[:6]) != "070701" {
			t.Fatalf("no header at %d: %q", at, head[:min(len(head), 20)])
		}
		field := func(i int) int {
			n, err := strconv.ParseUint(string(head[6+8*i:14+8*i]), 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
		mode, links, size, long := field(1), field(4), field(6), field(11)
		name := head[110 : 110+long]
		if name[long-1] != 0 || bytes.IndexByte(name, 0) != long-1 {
			t.Fatalf("name %q", name)
		}
		data := (at + 110 + long + 3) &^ 3
		at = (data + size + 3) &^ 3
		if string(name) == "TRAILER!!!\x00" {
			if at != len(archive) {
				t.Fatalf("the archive goes on after its end: %s", hex.Dump(archive[at:]))
			}
			return entries
		}
		entries = append(entries, fmt.Sprintf("%o %d %s %q", mode, links, name[:long-1], archive[data:data+size]))
	}
}

func TestWriter(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"program": 0o755, "b": 0o644, "a/c": 0o644} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("12345"), mode)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	c := cpio.NewWriter(&out)
	c.Copy("/init", dir+"/program")
	c.File("/a/b/four", 0o644, []byte("1234"))
	c.File("/a/b/none", 0o600, nil)
	c.Tree("/t", dir)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`100755 1 init "12345"`,
		`40755 1 a ""`, `40755 1 a/b ""`, // each folder once, before what is in it
		`100644 1 a/b/four "1234"`,
		`100600 1 a/b/none ""`,
		`40755 1 t ""`, `40755 1 t/a ""`, `100644 1 t/a/c "12345"`, `100644 1 t/b "12345"`, `100755 1 t/program "12345"`,
	}
	if diff := cmp.Diff(want, unpack(t, out.Bytes())); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsNotThere: an archive that lacks a file is an error, whatever follows.
func TestWhatIsNotThere(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent")
	for name, add := range map[string]func(*cpio.Writer){
		"file":   func(c *cpio.Writer) { c.Copy("/init", absent) },
		"folder": func(c *cpio.Writer) { c.Tree("/init", absent) },
	} {
		var out bytes.Buffer
		c := cpio.NewWriter(&out)
		add(c)
		c.File("/later", 0o644, nil)
		if err := c.Close(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
