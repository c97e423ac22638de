package main_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rescue "bangtin/cmd/bangtin-rescue"
	"bangtin/internal/notice"
)

// maxOnce is what is added at a time, in bytes.
const maxOnce = 120 << 10

// says stands for journalctl: it makes the cursor, as that does.
func says(cursor string, text *string) func(context.Context, ...string) ([]byte, error) {
	return func(context.Context, ...string) ([]byte, error) {
		return []byte(*text), os.WriteFile(cursor, []byte("s=1"), 0o600)
	}
}

func TestWarningsAreBounded(t *testing.T) {
	dir := t.TempDir()
	cursor := filepath.Join(dir, "run", "cursor")
	text := strings.Repeat("2026-11-24T00:00:00+00:00 kernel: it is wrong\n", 8<<10) // 360 KiB
	k := rescue.NewKeeper(filepath.Join(dir, "log"), cursor, says(cursor, &text))
	path := filepath.Join(dir, "log", "warnings.log")
	for i := range 60 {
		if i > 0 { // as if it had been long ago
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if err := k.Warnings(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(filepath.Join(dir, "log"))
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files, %v; want 6", len(files), err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Size() > 1<<20 || info.Size() < maxOnce {
			t.Errorf("%s: %d bytes, %v", f.Name(), info.Size(), err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(kept, []byte("2026-")) || !bytes.HasSuffix(kept, []byte("wrong\n")) {
		t.Errorf("lines were cut: %.40q, %v", kept, err)
	}
	before := len(kept)
	if err := k.Warnings(context.Background()); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(path); err != nil || len(now) != before {
		t.Errorf("too soon, and %d bytes became %d, %v", before, len(now), err)
	}
}

func TestTailKeepsTwoBoots(t *testing.T) {
	dir := t.TempDir()
	text := ""
	k := rescue.NewKeeper(dir, filepath.Join(dir, "cursor"), says(filepath.Join(dir, "cursor"), &text))
	for _, text = range []string{"first\n", "second\n", strings.Repeat("third\n", 200_000)} {
		if err := k.Tail(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	last, err := os.ReadFile(filepath.Join(dir, "last.log"))
	if err != nil || len(last) > 512<<10 || !bytes.HasPrefix(last, []byte("third\n")) {
		t.Errorf("%d bytes, %v", len(last), err)
	}
	if before, err := os.ReadFile(filepath.Join(dir, "before-last.log")); err != nil || string(before) != "second\n" {
		t.Errorf("%q, %v", before, err)
	}
}

func TestCrashesAreToldOnceAndBounded(t *testing.T) {
	dir, notices := t.TempDir(), filepath.Join(t.TempDir(), "notices")
	m := rescue.NewMorgue(dir, notices)
	told := func() []notice.Notice {
		t.Helper()
		if err := m.Tell(); err != nil {
			t.Fatal(err)
		}
		all, err := notice.All(notices)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if all := told(); len(all) != 0 {
		t.Fatalf("without a crash: %v", all)
	}
	at := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	for i := range 12 {
		path := filepath.Join(dir, string(rune('a'+i)), "dmesg.txt")
		if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, 10<<10), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, filepath.Dir(path)} {
			if err := os.Chtimes(p, at, at.Add(time.Duration(i)*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := told()
	if len(all) != 1 || all[0].Code != "K01" || len(all[0].Details) != 8 || all[0].Details[0] != filepath.Join(dir, "l") {
		t.Fatalf("told %v", all)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "[a-z]")); err != nil || len(left) != 8 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := notice.Clear(notices, "crash"); err != nil {
		t.Fatal(err)
	}
	if all := told(); len(all) != 0 {
		t.Errorf("told again: %v", all)
	}
}
