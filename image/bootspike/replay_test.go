package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bangtin/image/bootspike/guest"
	"bangtin/image/layout"
)

// entry is a write as blklogwrites has it.
func entry(at, flags uint64, data []byte) []byte {
	e := make([]byte, sector)
	binary.LittleEndian.PutUint64(e, at)
	binary.LittleEndian.PutUint64(e[8:], uint64(len(data)/sector))
	binary.LittleEndian.PutUint64(e[16:], flags)
	return append(e, data...)
}

func TestReadLog(t *testing.T) {
	head := make([]byte, sector)
	binary.LittleEndian.PutUint64(head, logMagic)
	one, two := bytes.Repeat([]byte{1}, sector), bytes.Repeat([]byte{2}, 2*sector)
	for name, c := range map[string]struct {
		log  []byte
		want []write
		ok   bool
	}{
		"nothing written": {nil, nil, true},
		"writes":          {join(head, entry(3, 0, one), entry(0, logFlush, nil), entry(9, logFUA, two)), []write{{at: 3 * sector, data: one}, {data: []byte{}, sure: true}, {at: 9 * sector, data: two, sure: true}}, true},
		"another file":    {bytes.Repeat([]byte{7}, sector), nil, false},
		"discard":         {join(head, entry(3, logDiscard, nil)), nil, false},
		"cut in its data": {join(head, entry(3, 0, two))[:3*sector], nil, false},
		"cut in its head": {join(head, entry(3, 0, one))[:sector+9], nil, false},
		"too large":       {join(head, entry(3, 0, make([]byte, maxWrite+sector))[:2*sector]), nil, false},
	} {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, c.log, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readLog(path)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(write{})); diff != "" || (err == nil) != c.ok {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// environments makes a disk with nothing but the two environments of a loader, A newer than B.
func environments(t *testing.T, l loader) string {
	t.Helper()
	for _, tool := range []string{"mkfs.vfat", "mcopy"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("make boot-spike installs what is missing:", err)
		}
	}
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size()); err != nil {
		t.Fatal(err)
	}
	for revision, slot := range map[int]layout.Slot{1: layout.B, 2: layout.A} {
		name, data, err := l.environment(slot, revision, "ok")
		if err != nil {
			t.Fatal(err)
		}
		from := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(from, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (disk{}).fat(t.Context(), path, layout.Env, slot, 16, map[string]string{"/" + name: from}); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestFatFile: a file that mtools wrote is found where it lies, in all of its clusters.
func TestFatFile(t *testing.T) {
	for _, l := range []loader{ebg{}, grub{}} {
		v, err := readVolumes(environments(t, l))
		if err != nil {
			t.Fatal(err)
		}
		name, want, err := l.environment(layout.B, 1, "ok")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fatFile(v.b, name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", l.name(), len(got), err)
		}
		if _, err := fatFile(v.b, "OTHER.DAT"); err == nil {
			t.Error("a file that is not there was found")
		}
		if o, err := v.chosen(l); err != nil || o != (outcome{slot: layout.A}) {
			t.Errorf("%s: %v, %v", l.name(), o, err)
		}
	}
}

// credulous is a loader that takes every environment's number and never looks at the state.
type credulous struct{ grub }

func (credulous) chooses(a, b []byte) outcome {
	envA, _ := guest.DecodeGrub(layout.A, a)
	envB, _ := guest.DecodeGrub(layout.B, b)
	if envA.Revision > envB.Revision {
		return outcome{slot: layout.A, trial: envA.State == "installed"}
	}
	return outcome{slot: layout.B, trial: envB.State == "installed"}
}

// TestReplay: a change whose cuts boot what they must not is found, and one that is right is not accused.
func TestReplay(t *testing.T) {
	path := environments(t, grub{})
	v, err := readVolumes(path)
	if err != nil {
		t.Fatal(err)
	}
	_, was, err := grub{}.environment(layout.B, 1, "ok")
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(v.b, was)
	if at < 0 {
		t.Fatal("the environment is not on its partition")
	}
	env := func(revision int, state string) []write {
		data := guest.EncodeGrub(layout.B, guest.GrubEnv{Revision: revision, State: state})
		return []write{{at: offset(layout.Env, layout.B) + int64(at), data: data}}
	}
	if err := apply(path, env(0, "failed")); err != nil {
		t.Fatal(err)
	}
	install := change{name: "install", disk: path, writes: env(3, "installed")}

	right, err := install.replay(grub{})
	if err != nil {
		t.Fatal(err)
	}
	if right.sectors != 2 || right.torn < 5 || right.new < 1 || len(right.wrong) != 0 || right.after != (outcome{layout.B, true}) {
		t.Errorf("%+v", right)
	}
	if wrong, err := install.replay(credulous{}); err != nil || len(wrong.wrong) == 0 {
		t.Errorf("a slot that boots for good before it was tried is not found: %+v, %v", wrong, err)
	}
}

// TestWear: torn bytes over many revisions, where the numbers grow longer too. What checks a sum has none that is wrong.
func TestWear(t *testing.T) {
	cuts, wrong, err := wear(ebg{})
	if err != nil || wrong != 0 || cuts < 20*revisions {
		t.Errorf("%d of %d are wrong: %v", wrong, cuts, err)
	}
	if _, wrong, err := wear(credulous{}); err != nil || wrong == 0 {
		t.Errorf("a loader that believes all has none that is wrong: %v", err)
	}
}
