package notice_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bangtin/internal/notice"
)

// TestAllAmongTraps: others may write in the folder, too.
func TestAllAmongTraps(t *testing.T) {
	for name, lay := range map[string]func(path string) error{
		"a pipe":   func(path string) error { return unix.Mkfifo(path, 0o644) },
		"a folder": func(path string) error { return os.Mkdir(path, 0o755) },
		"a device": func(path string) error { return os.Symlink("/dev/zero", path) },
		"a link to a sound notice": func(path string) error {
			return os.Symlink(filepath.Join(filepath.Dir(path), "setup.json"), path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := notice.Put(dir, sound()); err != nil {
				t.Fatal(err)
			}
			if err := lay(filepath.Join(dir, "a.json")); err != nil {
				t.Fatal(err)
			}
			all, err := notice.All(dir)
			if len(all) != 1 || all[0].Part != "setup" || err == nil || !strings.Contains(err.Error(), `"a"`) {
				t.Errorf("%v, %v", all, err)
			}
		})
	}
}

// TestAllAmongMany: what others put, sound or not, hides nothing of the system's.
func TestAllAmongMany(t *testing.T) {
	for name, junk := range map[string]func(dir string, n notice.Notice) error{
		"sound ones": notice.Put,
		"bad ones": func(dir string, n notice.Notice) error {
			return os.WriteFile(filepath.Join(dir, n.Part+".json"), []byte("x"), 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i := range 40 {
				n := sound()
				n.Part = fmt.Sprintf("a%c%c", 'a'+i/26, 'a'+i%26)
				if err := junk(dir, n); err != nil {
					t.Fatal(err)
				}
			}
			for _, part := range []string{"setup", "data"} {
				n := sound()
				n.Part = part
				if err := notice.Put(dir, n); err != nil {
					t.Fatal(err)
				}
			}
			all, _ := notice.All(dir)
			var parts string
			for _, n := range all {
				parts += n.Part + " "
			}
			if len(all) > notice.MaxNotices || !strings.Contains(parts, "data ") || !strings.HasSuffix(parts, "setup ") {
				t.Errorf("read: %s", parts)
			}
		})
	}
}

// TestAllOfAnotherUser: a part of the system's is heard from the folder's owner alone, any other from anybody.
func TestAllOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	dir := t.TempDir()
	for _, part := range []string{"data", "enrol"} {
		n := sound()
		n.Part = part
		if err := notice.Put(dir, n); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(dir, part+".json"), 900, 900); err != nil {
			t.Fatal(err)
		}
	}
	all, err := notice.All(dir)
	if len(all) != 1 || all[0].Part != "enrol" || err == nil || !strings.Contains(err.Error(), "user 900") {
		t.Errorf("%v, %v", all, err)
	}
}
