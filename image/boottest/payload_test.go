package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEachBenchIsRun: a room with a test for the guest's kernel is one whose tests go there.
func TestEachBenchIsRun(t *testing.T) {
	var found []string
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		room, errRel := filepath.Rel("../..", filepath.Dir(path))
		if err == nil && room != "image/boottest" && bytes.Contains(text, []byte("\nfunc TestBench")) {
			found = append(found, room)
		}
		return errRel
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	want := rooms()
	slices.Sort(want)
	if found = slices.Compact(found); !slices.Equal(found, want) {
		t.Errorf("there are tests in %q, and %q are run", found, want)
	}
}
