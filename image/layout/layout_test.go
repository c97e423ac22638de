package layout_test

import (
	"regexp"
	"testing"

	"bangtin/image/layout"
)

// TestPartitions: what firmware, kernel and sfdisk demand of a table, and what the two slots demand of one another.
func TestPartitions(t *testing.T) {
	guid := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	all := layout.Partitions()
	for i, p := range all {
		if p.Number != i+1 {
			t.Errorf("%s has number %d and stands at %d", p.Label(), p.Number, i+1)
		}
		if !guid.MatchString(p.GUID) || !guid.MatchString(p.Type) {
			t.Errorf("%s: %s %s", p.Label(), p.GUID, p.Type)
		}
		if p.Bytes <= 0 || p.Bytes%layout.MiB != 0 {
			t.Errorf("%s has %d bytes", p.Label(), p.Bytes)
		}
		if n := len(p.Label()); n > 11 { // FAT's limit of a volume's name
			t.Errorf("%s is too long for a FAT: %d", p.Label(), n)
		}
		if seen[p.GUID] || seen[p.Label()] {
			t.Errorf("%s is there twice", p.Label())
		}
		seen[p.GUID], seen[p.Label()] = true, true
		if twin, ok := layout.Find(p.Role, p.Slot.Other()); !ok || twin.Bytes != p.Bytes || twin.Type != p.Type {
			t.Errorf("%s and its twin differ: %+v", p.Label(), twin)
		}
	}
	if last := all[len(all)-1]; last.Role != layout.Data {
		t.Errorf("%s is the last: data could not grow", last.Label())
	}
}

// TestLoader: what firmware starts has eight letters and three on a FAT, and is another for each architecture.
func TestLoader(t *testing.T) {
	path := regexp.MustCompile(`^/EFI/BOOT/BOOT[A-Z0-9]{3,4}\.EFI$`)
	if a, b := layout.Loader("amd64"), layout.Loader("arm64"); !path.MatchString(a) || !path.MatchString(b) || a == b {
		t.Errorf("%s and %s", a, b)
	}
	if got := layout.Loader("riscv64"); got != "" {
		t.Error(got)
	}
}

// TestStart: the partitions follow one another from 1 MiB on, as sfdisk puts them and every reader of the disk finds them.
func TestStart(t *testing.T) {
	table, at := layout.Partitions(), int64(layout.MiB)
	for _, p := range table {
		if start, ok := layout.Start(table, p.Role, p.Slot); !ok || start != at {
			t.Errorf("%s begins at %d, expected %d", p.Label(), start, at)
		}
		at += p.Bytes
	}
	if start, ok := layout.Start(table, layout.Root, ""); ok {
		t.Errorf("a root of no slot begins at %d", start)
	}
}
