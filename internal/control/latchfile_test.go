package control_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bangtin/internal/control"
)

func TestLatchFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fire-latch")
	open := func() (*control.LatchFile, string) {
		t.Helper()
		f, fire, err := control.OpenLatchFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return f, fire
	}
	f, fire := open()
	if fire != "" {
		t.Errorf("a new file says %q", fire)
	}
	first, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"smoke reported by smoke", "", "khói ở \"tủ\"\n", strings.Repeat("x", 1000), ""} {
		if err := f.Save(want); err != nil {
			t.Fatal(err)
		}
		now, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if !os.SameFile(first, now) || now.Size() != first.Size() {
			t.Errorf("%.20q was not written in place: %d bytes after %d", want, now.Size(), first.Size())
		}
		f, fire = open()
		if (fire == "") != (want == "") || len(want) < 100 && fire != want {
			t.Errorf("saved %.20q, found %.20q", want, fire)
		}
	}
}

// TestLatchFileThatSaysNothingSensible: it is no fire, it is told, and the next fire is kept all the same.
func TestLatchFileThatSaysNothingSensible(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"empty":    func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"torn":     func(p string) error { return os.WriteFile(p, []byte(`"smoke rep`), 0o600) },
		"zeros":    func(p string) error { return os.WriteFile(p, make([]byte, 512), 0o600) },
		"number":   func(p string) error { return os.WriteFile(p, []byte("1\n"), 0o600) },
		"huge":     func(p string) error { return os.WriteFile(p, []byte(`"`+strings.Repeat("x", 1<<20)+`"`), 0o600) },
		"a folder": func(p string) error { return os.Mkdir(p, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "fire-latch")
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			f, fire, err := control.OpenLatchFile(path)
			if err == nil || fire != "" || f == nil {
				t.Fatalf("says %q, %v", fire, err)
			}
			if name == "a folder" {
				if err := f.Save("smoke"); err == nil {
					t.Error("saved into a folder")
				}
				return
			}
			if err := f.Save("smoke"); err != nil {
				t.Fatal(err)
			}
			if _, fire, err := control.OpenLatchFile(path); fire != "smoke" {
				t.Errorf("says %q after it, %v", fire, err)
			}
		})
	}
}
