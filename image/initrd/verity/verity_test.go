package verity_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bangtin/image/initrd/verity"
)

// partition is a root of so many blocks as its recipe makes it, with the tree's topmost block and no others, in a
// partition of 64 blocks; and its root hash.
func partition(data uint32, salt []byte) ([]byte, verity.Hash) {
	p := make([]byte, 64*verity.Block)
	le := binary.LittleEndian
	le.PutUint32(p[1024:], 0xE0F5E1E2)
	p[1024+12] = 12
	le.PutUint32(p[1024+36:], data)
	sb := p[int(data)*verity.Block:]
	copy(sb, "verity\x00\x00")
	le.PutUint32(sb[8:], 1)
	le.PutUint32(sb[12:], 1)
	copy(sb[32:], "sha256")
	le.PutUint32(sb[64:], verity.Block)
	le.PutUint32(sb[68:], verity.Block)
	le.PutUint64(sb[72:], uint64(data))
	le.PutUint16(sb[80:], uint16(len(salt)))
	copy(sb[88:], salt)
	top := sb[verity.Block : 2*verity.Block]
	top[7] = 7
	return p, sha256.Sum256(append(bytes.Clone(salt), top...))
}

func TestOpen(t *testing.T) {
	p, root := partition(20, []byte{0xaa, 0xbb})
	tree, err := verity.Open(bytes.NewReader(p), int64(len(p)), root)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tree.Table("259:3"), "1 259:3 259:3 4096 4096 20 21 sha256 "+root.String()+" aabb 2 panic_on_corruption panic_on_error"; got != want {
		t.Errorf("table %q, want %q", got, want)
	}
	if tree.Sectors() != 160 {
		t.Errorf("%d sectors, want 160", tree.Sectors())
	}
	p, root = partition(20, nil)
	tree, err = verity.Open(bytes.NewReader(p), int64(len(p)), root)
	if err != nil || !strings.Contains(tree.Table("8:1"), root.String()+" - 2 ") {
		t.Errorf("without salt: %q, %v", tree.Table("8:1"), err)
	}
}

// TestOpenRefuses: each change of a sound partition is refused, and only one that changes the tree is another version's.
func TestOpenRefuses(t *testing.T) {
	const sb = 20 * verity.Block
	for _, test := range []struct {
		name   string
		at     int
		to     byte
		reason string
		other  bool
	}{
		{"not erofs", 1024, 0, "erofs", false},
		{"erofs with other blocks", 1024 + 12, 9, "2^9", false},
		{"erofs with a shift out of range", 1024 + 12, 255, "2^255", false},
		{"erofs beyond the partition", 1024 + 37, 1, "276 blocks", false},
		{"erofs without end", 1024 + 39, 0xff, "blocks", false},
		{"erofs that ends elsewhere", 1024 + 36, 19, "superblock behind", false},
		{"erofs of one block", 1024 + 36, 1, "1 blocks", false},
		{"no superblock", sb, 'V', "superblock behind", false},
		{"version", sb + 8, 2, "version 2", false},
		{"type", sb + 12, 0, "type 0", false},
		{"algorithm", sb + 32, 'm', "mha256", false},
		{"algorithm goes on", sb + 63, 'x', "algorithm", false},
		{"data blocks", sb + 65, 0x20, "8192 and 4096", false},
		{"hash blocks", sb + 69, 0x20, "4096 and 8192", false},
		{"tree over fewer blocks", sb + 72, 19, "19 blocks", false},
		{"tree over more", sb + 79, 1, "blocks", false},
		{"long salt", sb + 81, 2, "salt of 514", false},
		{"salt", sb + 88, 0, "another version", true},
		{"salt's length", sb + 80, 1, "another version", true},
		{"topmost block", sb + verity.Block, 1, "another version", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, root := partition(20, []byte{0xaa, 0xbb})
			if p[test.at] == test.to {
				t.Fatal("the change is none")
			}
			p[test.at] = test.to
			_, err := verity.Open(bytes.NewReader(p), int64(len(p)), root)
			if err == nil || !strings.Contains(err.Error(), test.reason) || errors.Is(err, verity.ErrOther) != test.other {
				t.Errorf("got %v, want one about %q", err, test.reason)
			}
		})
	}
}

// TestOpenShort: a partition that ends before its tree does is refused, wherever it ends.
func TestOpenShort(t *testing.T) {
	p, root := partition(20, nil)
	for blocks := range 22 {
		size := int64(blocks)*verity.Block + 4095
		if _, err := verity.Open(bytes.NewReader(p), size, root); err == nil {
			t.Errorf("a tree that ends at block 22 was found in %d bytes", size)
		}
		if _, err := verity.Open(bytes.NewReader(p[:size]), int64(len(p)), root); err == nil && blocks < 21 {
			t.Errorf("a tree was found in a disk of which %d bytes can be read", size)
		}
	}
	if _, err := verity.Open(bytes.NewReader(p), 22*verity.Block, root); err != nil {
		t.Error(err)
	}
}

// TestVeritysetup: what the tools of the recipe make is taken, with two levels of tree, whatever the salt.
func TestVeritysetup(t *testing.T) {
	for _, tool := range []string{"mkfs.erofs", "veritysetup"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs erofs-utils and cryptsetup-bin:", err)
		}
	}
	for _, salt := range []string{"-", "aa", strings.Repeat("5c", 32), strings.Repeat("00", 256)} {
		dir := t.TempDir()
		tree, file := filepath.Join(dir, "tree"), filepath.Join(dir, "root")
		if err := errors.Join(os.Mkdir(tree, 0o755), os.WriteFile(tree+"/data", bytes.Repeat([]byte("1234567"), 200_000), 0o644)); err != nil {
			t.Fatal(err)
		}
		run(t, "mkfs.erofs", "-T0", file, tree)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		out := run(t, "veritysetup", "format", "--salt="+salt, "--hash-offset="+strconv.FormatInt(info.Size(), 10),
			"--data-blocks="+strconv.FormatInt(info.Size()/verity.Block, 10), file, file)
		_, hash, _ := strings.Cut(out, "Root hash:")
		root, err := verity.ParseHash(strings.TrimSpace(hash))
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		whole, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verity.Open(f, whole, root); err != nil {
			t.Errorf("salt %.8s: %v", salt, err)
		}
		// Its last block is the tree's last: what is shorter is not all of it.
		if _, err := verity.Open(f, whole-1, root); err == nil {
			t.Errorf("salt %.8s: a tree without its last byte was taken", salt)
		}
	}
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestParseHash(t *testing.T) {
	good := strings.Repeat("0123456789abcdef", 4)
	if h, err := verity.ParseHash(good); err != nil || h.String() != good {
		t.Errorf("%v, %v", h, err)
	}
	for _, bad := range []string{"", good[1:], good + "0", good + "00", strings.ToUpper(good), good[:63] + "g", good[:62] + " 0"} {
		if _, err := verity.ParseHash(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// FuzzOpen: whatever is on the disk, what is taken has its topmost block hashed to the root, and lies in the partition.
func FuzzOpen(f *testing.F) {
	for _, salt := range [][]byte{nil, {1}, bytes.Repeat([]byte{2}, 256)} {
		p, root := partition(2, salt)
		f.Add(p[:8*verity.Block], root[:], int64(8*verity.Block))
	}
	f.Add([]byte{}, make([]byte, 32), int64(-1))
	f.Fuzz(func(t *testing.T, p, hash []byte, size int64) {
		var root verity.Hash
		copy(root[:], hash)
		tree, err := verity.Open(bytes.NewReader(p), size, root)
		if err != nil {
			return
		}
		if len(tree.Salt) > 256 || tree.Start != tree.Data+1 || int64(tree.Start+1)*verity.Block > size {
			t.Fatalf("%+v in %d bytes", tree, size)
		}
		top := p[tree.Start*verity.Block:][:verity.Block]
		if sha256.Sum256(append(bytes.Clone(tree.Salt), top...)) != root {
			t.Fatal("the topmost block is not the root's")
		}
		if table := tree.Table("1:2"); len(table) > 4000 || strings.Count(table, " ") != 12 {
			t.Fatalf("table %q", table)
		}
	})
}
