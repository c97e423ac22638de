package bootctl_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

func env(state bootctl.State, revision uint32) bootctl.Env {
	return bootctl.Env{Kernel: "C:BOOT-A:bangtin.efi", Args: "quiet", State: state, Watchdog: 60, Revision: revision}
}

func encode(t *testing.T, e bootctl.Env) []byte {
	t.Helper()
	file, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// pair makes two files.
func pair(t *testing.T, a, b []byte) bootctl.Pair {
	t.Helper()
	dir := t.TempDir()
	p := bootctl.Pair{A: filepath.Join(dir, "A"), B: filepath.Join(dir, "B")}
	for path, file := range map[string][]byte{p.A: a, p.B: b} {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// TestEncode: where each field lies is what bg_setenv 0.19 writes; the bench compares all of it.
func TestEncode(t *testing.T) {
	want := bootctl.Env{Kernel: "C:BOOT-B:bangtin.efi", Args: "a b", InProgress: true, State: bootctl.Testing, Watchdog: 0x1234, Revision: 0x01020304}
	file := encode(t, want)
	if len(file) != 132104 {
		t.Errorf("%d bytes", len(file))
	}
	if diff := cmp.Diff([]byte{1, 2, 0x34, 0x12, 4, 3, 2, 1}, file[1020:1028]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]byte{'a', 0, ' ', 0, 'b', 0, 0, 0}, file[510:518]); diff != "" {
		t.Error(diff)
	}
	got, err := bootctl.Decode(file)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	long := string(make([]byte, 255))
	for name, e := range map[string]bootctl.Env{
		"long kernel": {Kernel: long}, "long arguments": {Args: long}, "no ASCII": {Kernel: "ệ"}, "line": {Args: "a\nb"}, "state": {State: 4},
	} {
		if _, err := e.Encode(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestDecodeRefuses: every byte that is changed is seen, and every other size.
func TestDecodeRefuses(t *testing.T) {
	file := encode(t, env(bootctl.OK, 1))
	for _, at := range []int{0, 509, 510, 1019, 1020, 1021, 1022, 1024, 1027, 1028, 5000, len(file) - 5, len(file) - 4, len(file) - 1} {
		file[at] ^= 1
		if _, err := bootctl.Decode(file); err == nil {
			t.Errorf("byte %d is another, and nobody sees it", at)
		}
		file[at] ^= 1
	}
	if _, err := bootctl.Decode(file[:len(file)-1]); err == nil {
		t.Error("a short file was taken")
	}
	if _, err := bootctl.Decode(append(file, 0)); err == nil {
		t.Error("a long file was taken")
	}
}

// TestChoose: the loader's rules, each branch of them, with each slot as the first.
func TestChoose(t *testing.T) {
	torn := encode(t, env(bootctl.OK, 9))
	torn[1024] ^= 1
	held := env(bootctl.OK, 3)
	held.InProgress = true
	ok1, ok2 := encode(t, env(bootctl.OK, 1)), encode(t, env(bootctl.OK, 2))
	for name, c := range map[string]struct {
		a, b []byte
		want bootctl.Choice
	}{
		"newest":              {ok1, ok2, bootctl.Choice{Boots: "B"}},
		"newest is the first": {ok2, ok1, bootctl.Choice{Boots: "A"}},
		"trial":               {ok2, encode(t, env(bootctl.Installed, 3)), bootctl.Choice{Boots: "B", Writes: "B", State: bootctl.Testing, Revision: 3}},
		"trial of the first":  {encode(t, env(bootctl.Installed, 3)), ok2, bootctl.Choice{Boots: "A", Writes: "A", State: bootctl.Testing, Revision: 3}},
		"trial failed":        {ok2, encode(t, env(bootctl.Testing, 3)), bootctl.Choice{Boots: "A", Writes: "B", State: bootctl.Failed}},
		"given up":            {ok2, encode(t, bootctl.Env{State: bootctl.Failed}), bootctl.Choice{Boots: "A"}},
		"in progress":         {ok2, encode(t, held), bootctl.Choice{Boots: "A"}},
		"torn":                {ok1, torn, bootctl.Choice{Boots: "A"}},
		"first is torn":       {torn, ok1, bootctl.Choice{Boots: "B"}},
		"both are torn":       {torn, torn, bootctl.Choice{}},
		"none":                {nil, nil, bootctl.Choice{}},
		"trial, other torn":   {torn, encode(t, env(bootctl.Testing, 3)), bootctl.Choice{Writes: "B", State: bootctl.Failed}},
		// The loader writes nothing unless both files are there: such a trial would be started for ever.
		"trial, no other": {nil, encode(t, env(bootctl.Installed, 3)), bootctl.Choice{Boots: "B"}},
	} {
		if diff := cmp.Diff(c.want, bootctl.Choose(c.a, c.b)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestUpdate walks an update through all of its changes, the loader's by its rules, towards each slot.
func TestUpdate(t *testing.T) {
	for _, to := range []layout.Slot{layout.A, layout.B} {
		first, second := encode(t, env(bootctl.OK, 1)), encode(t, env(bootctl.OK, 2))
		p := pair(t, first, second)
		if to == layout.B {
			p = pair(t, second, first)
		}
		boots := func(want layout.Slot) bootctl.Choice {
			t.Helper()
			c, err := p.Next()
			if err != nil || c.Boots != want {
				t.Fatalf("to %s: %+v boots, not %s: %v", to, c, want, err)
			}
			return c
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("to %s: %v", to, err)
			}
		}
		boots(to.Other())
		must(p.Bad(to))
		boots(to.Other())
		must(p.Installed(to, env(bootctl.OK, 0)))
		if c := boots(to); c.Writes != to || c.State != bootctl.Testing || c.Revision != 3 {
			t.Errorf("to %s: the loader writes %+v", to, c)
		}
		loaderWrites(t, p)
		if c := boots(to.Other()); c.State != bootctl.Failed {
			t.Errorf("to %s: a second boot without confirmation writes %+v", to, c)
		}
		must(p.Confirmed(to))
		must(p.Confirmed(to))
		if c := boots(to); c.Writes != "" {
			t.Errorf("to %s: confirmed, and the loader writes %+v", to, c)
		}
		if got, err := p.Read(to); err != nil || got != env(bootctl.OK, 3) {
			t.Errorf("to %s: %+v, %v", to, got, err)
		}
	}
}

// loaderWrites makes the loader's own change.
func loaderWrites(t *testing.T, p bootctl.Pair) {
	t.Helper()
	c, err := p.Next()
	if err != nil {
		t.Fatal(err)
	}
	e, err := p.Read(c.Writes)
	if err != nil {
		t.Fatal(err)
	}
	e.State, e.Revision = c.State, c.Revision
	path := p.A
	if c.Writes == layout.B {
		path = p.B
	}
	if err := os.WriteFile(path, encode(t, e), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPairRefuses: no change may leave a machine without a slot to boot, and one that is refused changes nothing.
func TestPairRefuses(t *testing.T) {
	torn := encode(t, env(bootctl.OK, 9))
	torn[0] ^= 1
	ok := encode(t, env(bootctl.OK, 2))
	for name, c := range map[string]struct {
		a, b   []byte
		change func(bootctl.Pair) error
	}{
		"bad, other torn":       {torn, ok, func(p bootctl.Pair) error { return p.Bad(layout.B) }},
		"bad, other bad":        {encode(t, bootctl.Env{State: bootctl.Failed}), ok, func(p bootctl.Pair) error { return p.Bad(layout.B) }},
		"bad, other on trial":   {encode(t, env(bootctl.Testing, 3)), ok, func(p bootctl.Pair) error { return p.Bad(layout.B) }},
		"install, other torn":   {torn, ok, func(p bootctl.Pair) error { return p.Installed(layout.B, env(bootctl.OK, 0)) }},
		"install, last number":  {encode(t, env(bootctl.OK, 1<<31-1)), ok, func(p bootctl.Pair) error { return p.Installed(layout.B, env(bootctl.OK, 0)) }},
		"install, short file":   {ok, ok[:100], func(p bootctl.Pair) error { return p.Installed(layout.B, env(bootctl.OK, 0)) }},
		"confirm, torn":         {ok, torn, func(p bootctl.Pair) error { return p.Confirmed(layout.B) }},
		"confirm, not on trial": {ok, encode(t, env(bootctl.Installed, 3)), func(p bootctl.Pair) error { return p.Confirmed(layout.B) }},
		"confirm, failed":       {ok, encode(t, bootctl.Env{State: bootctl.Failed}), func(p bootctl.Pair) error { return p.Confirmed(layout.B) }},
	} {
		p := pair(t, c.a, c.b)
		if err := c.change(p); err == nil {
			t.Errorf("%s: was done", name)
		}
		for path, want := range map[string][]byte{p.A: c.a, p.B: c.b} {
			if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
				t.Errorf("%s: %s changed: %v", name, filepath.Base(path), err)
			}
		}
	}
}

// FuzzDecode: what is taken is written again as the same environment, and the loader's rules take it too.
func FuzzDecode(f *testing.F) {
	for _, e := range []bootctl.Env{{}, env(bootctl.Testing, 7)} {
		file, err := e.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file[:1028])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, head []byte) {
		file := whole(head)
		e, err := bootctl.Decode(file)
		if err != nil {
			return
		}
		again, err := e.Encode()
		if err != nil {
			t.Fatalf("%+v was read and cannot be written: %v", e, err)
		}
		if back, err := bootctl.Decode(again); err != nil || back != e {
			t.Errorf("%+v became %+v: %v", e, back, err)
		}
		if c := bootctl.Choose(file, nil); e.Revision > 0 && e.State == bootctl.OK && !e.InProgress && c.Boots != layout.A {
			t.Errorf("%+v does not boot: %+v", e, c)
		}
	})
}
