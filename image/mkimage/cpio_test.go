package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestCpio(t *testing.T) {
	var out bytes.Buffer
	c := newCpio(&out)
	c.file("/init", 0o755, []byte("12345"))
	c.file("/a/b/four", 0o644, []byte("1234"))
	c.file("/a/b/none", 0o600, nil)
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`100755 1 init "12345"`,
		`40755 1 a ""`, `40755 1 a/b ""`, // each folder once, before what is in it
		`100644 1 a/b/four "1234"`,
		`100600 1 a/b/none ""`,
	}
	if diff := cmp.Diff(want, unpack(t, out.Bytes())); diff != "" {
		t.Error(diff)
	}
}
