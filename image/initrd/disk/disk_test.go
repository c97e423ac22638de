package disk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/image/initrd/disk"
	"bangtin/image/initrd/verity"
	"bangtin/image/layout"
)

// A machine is a tree of sysfs and the devices it tells of, as files.
type machine struct {
	t        *testing.T
	sys, dev string
	number   int
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{t: t, sys: filepath.Join(dir, "sys"), dev: filepath.Join(dir, "dev")}
	m.must(os.MkdirAll(filepath.Join(m.sys, "class/block"), 0o755), os.Mkdir(m.dev, 0o755))
	return m
}

func (m *machine) must(all ...error) {
	m.t.Helper()
	if err := errors.Join(all...); err != nil {
		m.t.Fatal(err)
	}
}

// addDisk plugs in a disk.
func (m *machine) addDisk(name string) {
	m.t.Helper()
	m.add("block/"+name, name, "DEVTYPE=disk\n", nil)
}

// addPart adds a partition, as the kernel tells of it, with what it holds.
func (m *machine) addPart(disk, name string, number int, label string, data []byte) {
	m.t.Helper()
	m.add("block/"+disk+"/"+name, name, fmt.Sprintf("DEVTYPE=partition\nDISKSEQ=9\nPARTN=%d\nPARTNAME=%s\n", number, label), data)
}

func (m *machine) add(place, name, event string, data []byte) {
	m.t.Helper()
	m.number++
	folder := filepath.Join(m.sys, "devices", place)
	text := fmt.Sprintf("MAJOR=259\nMINOR=%d\nDEVNAME=%s\n%s", m.number, name, event)
	m.must(
		os.MkdirAll(folder, 0o755),
		os.WriteFile(folder+"/uevent", []byte(text), 0o644),
		os.WriteFile(filepath.Join(m.dev, name), data, 0o644),
		os.Symlink("../../devices/"+place, filepath.Join(m.sys, "class/block", name)),
	)
}

// version is a root partition with a tree of its own, and its root hash.
func version(n byte) ([]byte, verity.Hash) {
	p := make([]byte, 8*verity.Block)
	le := binary.LittleEndian
	le.PutUint32(p[1024:], 0xE0F5E1E2)
	p[1024+12] = 12
	p[1024+36] = 2
	sb := p[2*verity.Block:]
	copy(sb, "verity\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00")
	copy(sb[32:], "sha256")
	le.PutUint32(sb[64:], verity.Block)
	le.PutUint32(sb[68:], verity.Block)
	le.PutUint64(sb[72:], 2)
	top := sb[verity.Block : 2*verity.Block]
	top[0] = n
	return p, sha256.Sum256(top)
}

func TestRoots(t *testing.T) {
	m := newMachine(t)
	m.addDisk("nvme0n1")
	m.addDisk("sda")
	m.addPart("nvme0n1", "nvme0n1p6", 6, "ROOT-A", nil)
	m.addPart("nvme0n1", "nvme0n1p7", 7, "ROOT-B", nil)
	m.addPart("nvme0n1", "nvme0n1p8", 8, "DATA", nil)
	m.addPart("sda", "sda1", 1, "ROOT-A", nil) // somebody else's
	m.addPart("sda", "sda7", 7, "ROOT-A", nil)
	m.must(os.Symlink("../../devices/gone", filepath.Join(m.sys, "class/block/sdb")))
	roots, disks, err := disk.Roots(m.sys)
	if err != nil {
		t.Fatal(err)
	}
	want := []disk.Root{
		{Slot: layout.A, Name: "nvme0n1p6", Device: "259:3", Disk: "nvme0n1"},
		{Slot: layout.B, Name: "nvme0n1p7", Device: "259:4", Disk: "nvme0n1"},
	}
	if diff := cmp.Diff(want, roots); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"nvme0n1", "sda"}, disks); diff != "" {
		t.Error(diff)
	}
	if roots, _, err := disk.Roots(t.TempDir()); roots != nil || err != nil {
		t.Errorf("without any disk: %v, %v", roots, err)
	}
}

// TestRootsBehindMany: more is plugged in than anybody looks at, and what is built in is found.
func TestRootsBehindMany(t *testing.T) {
	m := newMachine(t)
	for i := range 600 {
		m.add(fmt.Sprintf("usb1/1-1/block/a%03d", i), fmt.Sprintf("a%03d", i), "DEVTYPE=disk\n", nil)
	}
	m.addDisk("sda")
	m.addPart("sda", "sda6", 6, "ROOT-A", nil)
	roots, disks, err := disk.Roots(m.sys)
	if err != nil || len(roots) != 1 || roots[0].Name != "sda6" {
		t.Errorf("found %v, %v", roots, err)
	}
	if len(disks) != 511 { // of 512 devices one is the partition
		t.Errorf("%d disks were looked at", len(disks))
	}
}

// TestFind: which slot is taken of what is there from the beginning.
func TestFind(t *testing.T) {
	one, hash := version(1)
	two, _ := version(2)
	broken := bytes.Clone(one)
	broken[2*verity.Block] = 0
	for _, test := range []struct {
		name string
		a, b []byte
		boot layout.Slot
		want layout.Slot
	}{
		{"in A", one, two, "", layout.A},
		{"in B", two, one, "", layout.B},
		{"in A, booted B", one, two, layout.B, layout.A},
		{"in both", one, one, "", layout.A},
		{"in both, booted A", one, one, layout.A, layout.A},
		{"in both, booted B", one, one, layout.B, layout.B},
		{"A's superblock broken", broken, one, layout.A, layout.B},
		{"A empty", nil, one, layout.A, layout.B},
		{"B empty", one, nil, layout.B, layout.A},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			m.addDisk("sda")
			m.addPart("sda", "sda6", 6, "ROOT-A", test.a)
			m.addPart("sda", "sda7", 7, "ROOT-B", test.b)
			f := disk.Finder{Sys: m.sys, Dev: m.dev, Hash: hash, Boot: test.boot}
			// It is over: all that counts is there already, and nothing may be waited for.
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			got, tree, err := f.Find(ctx)
			if err != nil || got.Slot != test.want || tree.Root != hash {
				t.Errorf("got %+v, %v; want slot %s", got, err, test.want)
			}
		})
	}
}

// TestFindWaits: partitions that turn up later are found, and both slots are looked at before one is taken.
func TestFindWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, hash := version(1)
		m := newMachine(t)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		go func() {
			time.Sleep(2 * time.Second)
			m.addDisk("sda")
			time.Sleep(time.Second)
			m.addPart("sda", "sda6", 6, "ROOT-A", one)
			time.Sleep(time.Second)
			m.addPart("sda", "sda7", 7, "ROOT-B", one)
		}()
		f := disk.Finder{Sys: m.sys, Dev: m.dev, Hash: hash, Boot: layout.B}
		got, _, err := f.Find(ctx)
		if err != nil || got.Slot != layout.B {
			t.Errorf("got %+v, %v; want slot B", got, err)
		}
		if took := time.Since(began); took < 4*time.Second || took > 4100*time.Millisecond {
			t.Errorf("took %v, want 4 s and a look", took)
		}
	})
}

// TestFindAlone: a slot whose twin never turns up is taken when the time is over.
func TestFindAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, hash := version(1)
		m := newMachine(t)
		m.addDisk("sda")
		m.addPart("sda", "sda7", 7, "ROOT-B", one)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		got, _, err := disk.Finder{Sys: m.sys, Dev: m.dev, Hash: hash}.Find(ctx)
		if err != nil || got.Slot != layout.B || time.Since(began) != 30*time.Second {
			t.Errorf("got %+v, %v after %v; want slot B after 30 s", got, err, time.Since(began))
		}
	})
}

// TestFindNothing: the reason says what was there instead.
func TestFindNothing(t *testing.T) {
	two, _ := version(2)
	_, hash := version(1)
	for _, test := range []struct {
		name string
		make func(m *machine)
		want []string
	}{
		{"no disk", func(*machine) {}, []string{"there is no disk"}},
		{"another disk", func(m *machine) { m.addDisk("vda") }, []string{"no root partition on vda"}},
		{"other versions", func(m *machine) {
			m.addPart("sda", "sda6", 6, "ROOT-A", two)
			m.addPart("sda", "sda7", 7, "ROOT-B", nil)
		}, []string{"slot A on sda6: the tree is another version's", "slot B on sda7: cannot read the file system's head"}},
		{"no device node", func(m *machine) {
			m.addPart("sda", "sda6", 6, "ROOT-A", two)
			m.must(os.Remove(filepath.Join(m.dev, "sda6")))
		}, []string{"slot A on sda6: open "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t)
				test.make(m)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				_, _, err := disk.Finder{Sys: m.sys, Dev: m.dev, Hash: hash}.Find(ctx)
				for _, want := range test.want {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%v, want one about %q", err, want)
					}
				}
			})
		})
	}
}
