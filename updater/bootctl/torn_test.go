package bootctl_test

import (
	"os"
	"slices"
	"testing"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// TestTorn: each change of an update, torn after every byte that differs, and with every set of its sectors written:
// what boots, and whether as a trial, is as before the change or as after it. A torn file is as good as given up.
func TestTorn(t *testing.T) {
	const sector = 512
	p := pair(t, encode(t, env(bootctl.OK, 7)), encode(t, env(bootctl.OK, 6)))
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"bad", func() error { return p.Bad(layout.B) }},
		{"installed", func() error { return p.Installed(layout.B, env(bootctl.OK, 0)) }},
		{"testing", func() error { loaderWrites(t, p); return nil }},
		{"confirmed", func() error { return p.Confirmed(layout.B) }},
	} {
		a, old := read(t, p.A), read(t, p.B)
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		now := read(t, p.B)
		if got := read(t, p.A); !slices.Equal(got, a) {
			t.Fatalf("%s wrote the other slot's file", change.name)
		}
		before, after := boots(a, old), boots(a, now)
		judge := func(torn []byte, how string, at int) {
			if c := boots(a, torn); c != before && c != after {
				t.Errorf("%s, %s %d: %+v, neither %+v nor %+v", change.name, how, at, c, before, after)
			}
		}
		var sectors []int // those that differ
		torn := slices.Clone(old)
		for i := range now {
			if old[i] == now[i] {
				continue
			}
			if s := i / sector * sector; !slices.Contains(sectors, s) {
				sectors = append(sectors, s)
			}
			torn[i] = now[i]
			judge(torn, "byte", i)
		}
		if len(sectors) < 2 || len(sectors) > 8 {
			t.Fatalf("%s changes %d sectors", change.name, len(sectors))
		}
		for set := range 1 << len(sectors) {
			torn := slices.Clone(old)
			for n, s := range sectors {
				if set&(1<<n) != 0 {
					end := min(s+sector, len(now))
					copy(torn[s:end], now[s:end])
				}
			}
			judge(torn, "sectors", set)
		}
	}
}

// outcome is what boots. For good and as a trial are not the same: what hangs in the first is started again for ever.
type outcome struct {
	slot  layout.Slot
	trial bool
}

func boots(a, b []byte) outcome {
	c := bootctl.Choose(a, b)
	return outcome{c.Boots, c.Writes == c.Boots}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
