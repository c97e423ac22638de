package fileset_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bangtin/internal/fileset"
)

func place(dir string, fault func(string)) fileset.Place {
	return fileset.Place{Note: filepath.Join(dir, "note.json"), Mode: 0o640, Label: "x", Fault: fault}
}

func set(dir, text string) []fileset.File {
	return []fileset.File{
		{Path: filepath.Join(dir, "a"), Data: []byte(text + " a")},
		{Path: filepath.Join(dir, "below", "b"), Data: []byte(text + " b"), Mode: 0o600},
	}
}

func in(dir string) func(string) bool {
	return func(path string) bool { return strings.HasPrefix(path, dir+"/") }
}

func read(t *testing.T, dir string) string {
	t.Helper()
	a, errA := os.ReadFile(filepath.Join(dir, "a"))
	b, errB := os.ReadFile(filepath.Join(dir, "below", "b"))
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	return string(a) + ", " + string(b)
}

// TestCutAtEveryWrite cuts by a panic, which leaves the disk as it is.
func TestCutAtEveryWrite(t *testing.T) {
	var labels []string
	for cut := 0; ; cut++ {
		dir := t.TempDir()
		if err := place(dir, nil).Put(set(dir, "old")); err != nil {
			t.Fatal(err)
		}
		labels = nil
		ended := func() (ended bool) {
			defer func() { _ = recover() }()
			err := place(dir, func(label string) {
				if labels = append(labels, label); len(labels) > cut {
					panic("cut")
				}
			}).Put(set(dir, "new"))
			if err != nil {
				t.Fatal(err)
			}
			return true
		}()
		if err := place(dir, nil).Finish(in(dir)); err != nil {
			t.Fatal(err)
		}
		want := "new a, new b"
		if cut == 0 {
			want = "old a, old b"
		}
		if got := read(t, dir); got != want {
			t.Errorf("cut at write %d: %s, want %s", cut, got, want)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "note.json")); err != nil || len(left) > 0 {
			t.Errorf("cut at write %d: left %q, %v", cut, left, err)
		}
		if ended {
			break
		}
	}
	if got := strings.Join(labels, " "); got != "x-note x-file x-file x-done" {
		t.Errorf("the writes are %s", got)
	}
}

func TestModesAndOwners(t *testing.T) {
	dir := t.TempDir()
	p := place(dir, nil)
	var owned []string
	p.Own = func(f *os.File) error {
		info, err := f.Stat()
		owned = append(owned, info.Mode().String())
		return err
	}
	if err := p.Put(set(dir, "x")); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(owned, " "); got != "-rw-r----- -rw-------" {
		t.Errorf("given away with modes %s", got)
	}
	p.Own = func(*os.File) error { return errors.New("no such user") }
	if err := p.Put(set(dir, "y")); err == nil || read(t, dir) != "x a, x b" {
		t.Errorf("%v, %s", err, read(t, dir))
	}
}

func TestFinishRefuses(t *testing.T) {
	for name, note := range map[string]string{
		"a path elsewhere": `[{"path":"/etc/passwd","data":""}]`, "no set": `{`, "an unknown field": `[{"path":"a","owner":"root"}]`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "note.json"), []byte(note), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := place(dir, nil).Finish(in(dir)); err == nil {
			t.Errorf("%s: finished", name)
		}
	}
	dir := t.TempDir()
	if err := place(dir, nil).Finish(in(dir)); err != nil {
		t.Errorf("nothing to finish: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "note.json"), make([]byte, fileset.MaxNote+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := place(dir, nil).Finish(in(dir)); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a note that is too large: %v", err)
	}
}

func TestASetThatIsTooLarge(t *testing.T) {
	dir := t.TempDir()
	if err := place(dir, nil).Put([]fileset.File{{Path: filepath.Join(dir, "a"), Data: make([]byte, fileset.MaxNote)}}); err == nil {
		t.Error("put")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
