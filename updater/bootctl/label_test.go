package bootctl_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// TestLabel: each is as long as the others, so that one is written over another, and is what an environment asks for.
func TestLabel(t *testing.T) {
	if got := bootctl.Label(layout.A); string(got) != "B\x00O\x00O\x00T\x00-\x00A\x00" {
		t.Errorf("%q", got)
	}
	if none := bootctl.Label(""); len(none) != 12 || bytes.Equal(none, bootctl.Label(layout.A)) || bytes.Equal(none, bootctl.Label(layout.B)) {
		t.Errorf("what is written into either slot is called %q", none)
	}
	for _, slot := range []layout.Slot{layout.A, layout.B} {
		name := strings.ReplaceAll(string(bootctl.Label(slot)), "\x00", "")
		if !strings.HasPrefix(bootctl.KernelPath(slot), "C:"+name+":") {
			t.Errorf("%s is asked for as %s", name, bootctl.KernelPath(slot))
		}
	}
}

// bootVolume makes a boot partition's folder.
func bootVolume(t *testing.T, label, kernel string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{bootctl.LabelName: label, layout.Kernel: kernel} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRelabel(t *testing.T) {
	dir := bootVolume(t, string(bootctl.Label("")), "kernel")
	if err := bootctl.Complete(dir, layout.B); err == nil || !strings.Contains(err.Error(), "its label is") {
		t.Error("nobody's partition may be started:", err)
	}
	before, err := os.Stat(filepath.Join(dir, bootctl.LabelName))
	if err != nil {
		t.Fatal(err)
	}
	if err := bootctl.Relabel(dir, layout.B); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(filepath.Join(dir, bootctl.LabelName))
	if err != nil || !os.SameFile(before, after) || after.Size() != before.Size() {
		t.Error("it was not written in place:", err)
	}
	if err := bootctl.Complete(dir, layout.B); err != nil {
		t.Error(err)
	}
	if bootctl.Complete(dir, layout.A) == nil {
		t.Error("the other slot's partition may be started")
	}
	// Its own name is not written again: a partition that is in use is not touched.
	if err := os.Chmod(filepath.Join(dir, bootctl.LabelName), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := bootctl.Relabel(dir, layout.B); err != nil {
		t.Error(err)
	}
	if now, err := os.Stat(filepath.Join(dir, bootctl.LabelName)); err != nil || !now.ModTime().Equal(after.ModTime()) {
		t.Error("it was written again:", err)
	}
}

// TestRelabelRefuses: what is of another size would change the file system's tables.
func TestRelabelRefuses(t *testing.T) {
	for name, label := range map[string]string{"short": "B\x00", "long": string(bootctl.Label("")) + "\x00\x00", "endless": strings.Repeat("x", 1<<20)} {
		dir := bootVolume(t, label, "kernel")
		if err := bootctl.Relabel(dir, layout.A); err == nil {
			t.Errorf("%s: it was taken", name)
		}
		if now := read(t, filepath.Join(dir, bootctl.LabelName)); string(now) != label {
			t.Errorf("%s: it was changed", name)
		}
	}
	if err := bootctl.Relabel(t.TempDir(), layout.A); err == nil {
		t.Error("a partition without a label was taken")
	}
	dir := bootVolume(t, string(bootctl.Label(layout.A)), "")
	if err := bootctl.Complete(dir, layout.A); err == nil {
		t.Error("an empty kernel may be started")
	}
	if err := os.Remove(filepath.Join(dir, layout.Kernel)); err != nil {
		t.Fatal(err)
	}
	if err := bootctl.Complete(dir, layout.A); err == nil {
		t.Error("no kernel may be started")
	}
}
