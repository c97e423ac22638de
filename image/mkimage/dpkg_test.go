package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const status = `Package: zlib1g
Status: install ok installed
Architecture: amd64
Source: zlib (1:1.3.dfsg+really1.3.1-1)
Version: 1:1.3.dfsg+really1.3.1-1+b1
Description: compression library
 Package: none
 of these lines are fields

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: base-files
Status: install ok installed
Architecture: all
Version: 13.8
`

func TestInstalled(t *testing.T) {
	got, err := installed(strings.NewReader(status))
	want := []debPackage{
		{Name: "base-files", Version: "13.8", Arch: "all", Source: "base-files"},
		{Name: "zlib1g", Version: "1:1.3.dfsg+really1.3.1-1+b1", Arch: "amd64", Source: "zlib"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, bad := range []string{"no colon here\n", "Package: a\nStatus: install ok installed\n", "Package: " + strings.Repeat("a", maxParagraph)} {
		if got, err := installed(strings.NewReader(bad)); err == nil {
			t.Errorf("%.40q was read as %v", bad, got)
		}
	}
}

func TestAddHashes(t *testing.T) {
	entry := func(version, arch, sum string) string {
		return "Package: mpv\nVersion: " + version + "\nArchitecture: " + arch + "\nSHA256: " + sum + "\n\n"
	}
	for name, c := range map[string]struct {
		indexes []string
		want    string
	}{
		"the version and architecture that is there": {[]string{entry("1", "amd64", one) + entry("2", "arm64", one) + entry("2", "amd64", two)}, two},
		"in the second":           {[]string{entry("1", "amd64", one), entry("2", "amd64", two)}, two},
		"in both, alike":          {[]string{entry("2", "amd64", two), entry("2", "amd64", two)}, two},
		"in both, not alike":      {[]string{entry("2", "amd64", one), entry("2", "amd64", two)}, ""},
		"in none":                 {[]string{entry("1", "amd64", one)}, ""},
		"without a hash":          {[]string{entry("2", "amd64", "")}, ""},
		"there is no index":       {nil, ""},
		"what is no index at all": {[]string{"<html>\n"}, ""},
	} {
		all := []debPackage{{Name: "mpv", Version: "2", Arch: "amd64"}}
		var err error
		switch len(c.indexes) {
		case 0:
			err = addHashes(all)
		case 1:
			err = addHashes(all, strings.NewReader(c.indexes[0]))
		default:
			err = addHashes(all, strings.NewReader(c.indexes[0]), strings.NewReader(c.indexes[1]))
		}
		if (err == nil) != (c.want != "") || err == nil && all[0].SHA256 != c.want {
			t.Errorf("%s: %v, %v", name, all, err)
		}
	}
}

// grow makes files, and folders where a name ends in /.
func grow(t *testing.T, tree string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// left lists a tree's files and empty folders.
func left(t *testing.T, tree string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(tree, "usr", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i] = strings.TrimPrefix(all[i], tree)
	}
	slices.Sort(all)
	return all
}

func TestLeaveOut(t *testing.T) {
	tree := t.TempDir()
	grow(t, tree, "usr/bin/apt", "usr/bin/mpv", "usr/lib/apt/method", "usr/lib/both/file", "usr/lib/odd/mine", "usr/lib/odd/made-by-a-script")
	write := func(name string, paths ...string) {
		t.Helper()
		grow(t, tree, "var/lib/dpkg/info/")
		if err := os.WriteFile(filepath.Join(tree, "var/lib/dpkg/info", name), []byte(strings.Join(paths, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("apt.list", "/.", "/usr", "/usr/bin", "/usr/bin/apt", "/usr/lib", "/usr/lib/apt", "/usr/lib/apt/method", "/usr/lib/both", "/usr/lib/both/file",
		"/usr/lib/odd", "/usr/lib/odd/mine", "/usr/share/gone")
	write("mpv:amd64.list", "/.", "/usr", "/usr/bin", "/usr/bin/mpv", "/usr/lib", "/usr/lib/both", "/usr/lib/both/file")
	all := []debPackage{{Name: "apt", Arch: "amd64"}, {Name: "mpv", Arch: "amd64"}}

	got, err := leaveOut(tree, all, []string{"apt"})
	if diff := cmp.Diff(all[1:], got); diff != "" || err != nil {
		t.Fatal(err, diff)
	}
	want := []string{"/usr/bin/mpv", "/usr/lib/both", "/usr/lib/odd"}
	if diff := cmp.Diff(want, left(t, tree)); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(filepath.Join(tree, "usr/lib/odd/made-by-a-script")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(tree, "usr/lib/both/file")); err != nil {
		t.Error(err)
	}
	if _, err := leaveOut(tree, all, []string{"perl-base"}); err == nil {
		t.Error("a package that is not there was left out")
	}
}
