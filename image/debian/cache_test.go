package debian_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/image/debian"
)

const day = 24 * time.Hour

// fill makes a folder with a file in it.
func fill(_ context.Context, dir string) error {
	return os.WriteFile(filepath.Join(dir, "made"), []byte("a"), 0o644)
}

// open opens an empty cache of a kind of folder.
func open(t *testing.T, recipe ...string) (c debian.Cache, dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	c, err := debian.OpenCache("guest", recipe...)
	if err != nil {
		t.Fatal(err)
	}
	return c, filepath.Join(dir, "bangtin")
}

// folder gets a folder, and says whether it was made for that.
func folder(t *testing.T, c debian.Cache) (dir string, made bool) {
	t.Helper()
	var out bytes.Buffer
	dir, err := c.Folder(t.Context(), &out, func(ctx context.Context, dir string) error {
		made = true
		return fill(ctx, dir)
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "made")); string(text) != "a" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if strings.Contains(out.String(), dir) != made {
		t.Errorf("made %v: %q", made, out.String())
	}
	return dir, made
}

// age makes a folder as old as that.
func age(t *testing.T, dir string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(dir, then, then); err != nil {
		t.Fatal(err)
	}
}

// TestFolderAges: a folder is too old by its making, however often it is used, and with it goes the right to use it
// without being root.
func TestFolderAges(t *testing.T) {
	const somebody = 1000
	c, _ := open(t, "a")
	if err := c.Permit(somebody); err == nil || !strings.Contains(err.Error(), "only root") {
		t.Errorf("without root, to make it: %v", err)
	}
	if err := c.Permit(0); err != nil {
		t.Errorf("as root: %v", err)
	}
	first, made := folder(t, c)
	if !made {
		t.Error("it was there before")
	}
	age(t, first, 13*day)
	for range 2 {
		if again, made := folder(t, c); again != first || made {
			t.Errorf("%s, made %v", again, made)
		}
	}
	if err := c.Permit(somebody); err != nil {
		t.Errorf("without root: %v", err)
	}
	if info, err := os.Stat(first); err != nil || time.Since(info.ModTime()) < 13*day {
		t.Errorf("being used made it younger: %v", err)
	}
	other, err := debian.OpenCache("guest", "b")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Permit(somebody); err == nil {
		t.Error("a folder of another recipe was found")
	}
	age(t, first, 14*day+time.Minute)
	if err := c.Permit(somebody); err == nil {
		t.Error("an old folder is used without root")
	}
}

// TestRecipes: what is between two words counts too.
func TestRecipes(t *testing.T) {
	c, _ := open(t, "a", "b")
	folder(t, c)
	for _, recipe := range [][]string{{"ab"}, {"a b"}, {"a", "b", ""}, {"a"}} {
		if other, err := debian.OpenCache("guest", recipe...); err != nil || other.Permit(1) == nil {
			t.Errorf("%q: %v", recipe, err)
		}
	}
	if same, err := debian.OpenCache("guest", "a", "b"); err != nil || same.Permit(1) != nil {
		t.Errorf("the same again: %v", err)
	}
}

// TestForget: what goes when a folder is made.
func TestForget(t *testing.T) {
	c, dir := open(t)
	for name, by := range map[string]time.Duration{
		"guest-young": 0, "guest-in-use": 14*day + time.Hour, "guest-old": 15*day + time.Hour, "guest-making-1": 0, "other-old": 100 * day,
	} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		age(t, filepath.Join(dir, name), by)
	}
	made, _ := folder(t, c)
	left, err := filepath.Glob(dir + "/*")
	want := []string{filepath.Base(made), "guest-in-use", "guest-young", "guest.lock", "other-old"}
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	if diff := cmp.Diff(want, left); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// TestHalfMade: what could not be made is not there.
func TestHalfMade(t *testing.T) {
	c, dir := open(t)
	wrong := errors.New("no such package")
	_, err := c.Folder(t.Context(), os.Stderr, func(ctx context.Context, dir string) error {
		return errors.Join(fill(ctx, dir), wrong)
	})
	if !errors.Is(err, wrong) {
		t.Error(err)
	}
	left, err := os.ReadDir(dir)
	if len(left) != 1 || left[0].Name() != "guest.lock" || err != nil {
		t.Errorf("%v, %v", left, err)
	}
}
