package fileset_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"bangtin/internal/fileset"
)

// TestFinishOfANoteThatIsNone: the folder's owner is not who puts the files in place, and may lay a trap there.
func TestFinishOfANoteThatIsNone(t *testing.T) {
	for name, lay := range map[string]func(t *testing.T, note string) error{
		"a pipe":   func(_ *testing.T, note string) error { return unix.Mkfifo(note, 0o600) },
		"a folder": func(_ *testing.T, note string) error { return os.Mkdir(note, 0o700) },
		"a device": func(_ *testing.T, note string) error { return os.Symlink("/dev/zero", note) },
		"a link to a sound note": func(t *testing.T, note string) error {
			other := filepath.Join(t.TempDir(), "note")
			if err := os.WriteFile(other, []byte("[]"), 0o600); err != nil {
				return err
			}
			return os.Symlink(other, note)
		},
	} {
		t.Run(name, func(t *testing.T) {
			note := filepath.Join(t.TempDir(), "note.json")
			if err := lay(t, note); err != nil {
				t.Fatal(err)
			}
			err := fileset.Place{Note: note, Mode: 0o640}.Finish(func(string) bool { return true })
			if err == nil {
				t.Error("it was taken for a note")
			}
		})
	}
}
