package main

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// TestCut: the writes of an update in their order, cut after every byte that changes and with every set of an environment's
// sectors written: what starts is as before the change or as after it, and from the slot's own boot partition.
func TestCut(t *testing.T) {
	d := newDisk(t, 7)
	d.label(layout.B, bootctl.Label(layout.B)) // B was confirmed, and is older
	d.env(layout.B, bootctl.Env{Kernel: bootctl.KernelPath(layout.B), Revision: 6})
	for _, change := range []struct {
		name   string
		do     func()
		writes []string // the files that it writes, in their order
	}{
		{"bad", func() { d.do("set-state", "B", "bad") }, []string{d.envFile(layout.B)}},
		{"RAUC's", func() { d.label(layout.B, bootctl.Label("")) }, []string{d.labelFile(layout.B)}},
		{"set-primary", func() { d.do("set-primary", "B") }, []string{d.labelFile(layout.B), d.envFile(layout.B)}},
		{"the loader's", func() { d.starts() }, []string{d.envFile(layout.B)}},
		{"good", func() { d.do("set-state", "B", "good") }, []string{d.envFile(layout.B)}},
	} {
		all := []string{d.envFile(layout.A), d.envFile(layout.B), d.labelFile(layout.A), d.labelFile(layout.B)}
		before := d.files(all)
		old := d.next()
		change.do()
		after, now := d.files(all), d.next()
		for _, path := range all {
			if wrote := !bytes.Equal(before[path], after[path]); wrote != slices.Contains(change.writes, path) {
				t.Fatalf("%s wrote %s: %v", change.name, path, wrote)
			}
		}
		cuts := 0
		judge := func() {
			cuts++
			if s := d.next(); s != old && s != now || s.slot != s.volume {
				t.Errorf("%s, cut: %+v, neither %+v nor %+v", change.name, s, old, now)
			}
		}
		d.put(before)
		for _, path := range change.writes {
			d.tear(path, before[path], after[path], judge)
		}
		if cuts < 2 {
			t.Errorf("%s was cut %d times", change.name, cuts)
		}
		t.Logf("%s: %d cuts", change.name, cuts)
		if !bytes.Equal(d.file(d.envFile(layout.B)), after[d.envFile(layout.B)]) {
			t.Fatal("the last cut is not the whole change")
		}
	}
}

// TestOrder: the label is there before the environment asks for it; where it cannot be written nothing asks.
func TestOrder(t *testing.T) {
	d := newDisk(t, 7)
	d.must(os.Remove(d.envFile(layout.B)))
	if _, _, err := d.command("set-primary", "B"); err == nil {
		t.Fatal("an environment that is not there was written")
	}
	if !bytes.Equal(d.file(d.labelFile(layout.B)), bootctl.Label(layout.B)) {
		t.Error("the environment comes before the label")
	}
	d = newDisk(t, 7)
	d.must(os.Remove(d.labelFile(layout.B)))
	before := d.file(d.envFile(layout.B))
	if _, _, err := d.command("set-primary", "B"); err == nil {
		t.Fatal("a label that is not there was written")
	}
	if !bytes.Equal(before, d.file(d.envFile(layout.B))) {
		t.Error("an environment asks for a label that is not there")
	}
}

// next is what a start would do now, without doing it.
func (d *disk) next() started {
	d.t.Helper()
	return d.choice(bootctl.Choose(d.file(d.envFile(layout.A)), d.file(d.envFile(layout.B))))
}

func (d *disk) files(paths []string) map[string][]byte {
	d.t.Helper()
	all := map[string][]byte{}
	for _, path := range paths {
		all[path] = d.file(path)
	}
	return all
}

func (d *disk) put(all map[string][]byte) {
	d.t.Helper()
	for path, data := range all {
		d.write(path, data)
	}
}

// tear writes a file's change byte by byte, and in every set of its sectors, and ends with all of it.
func (d *disk) tear(path string, before, after []byte, judge func()) {
	d.t.Helper()
	const sector = 512
	var sectors []int // those that differ
	torn := slices.Clone(before)
	for i := range after {
		if before[i] == after[i] {
			continue
		}
		if s := i / sector * sector; !slices.Contains(sectors, s) {
			sectors = append(sectors, s)
		}
		torn[i] = after[i]
		d.write(path, torn)
		judge()
	}
	if len(sectors) > 8 {
		d.t.Fatalf("%s: %d sectors change", path, len(sectors))
	}
	for set := range 1 << len(sectors) {
		torn := slices.Clone(before)
		for n, s := range sectors {
			if set&(1<<n) != 0 {
				end := min(s+sector, len(after))
				copy(torn[s:end], after[s:end])
			}
		}
		d.write(path, torn)
		judge()
	}
}
