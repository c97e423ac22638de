package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// FuzzLock: what is read can be written and is read as the same again.
func FuzzLock(f *testing.F) {
	f.Add(formatLock([]debPackage{{Name: "libc6", Version: "2.41-12+deb13u5", SHA256: one}}))
	f.Add("mpv 0.40 1234\n")
	f.Add("mpv 0.40 " + one + "\nmpv 0.41 " + two + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseLock(text)
		if err != nil {
			return
		}
		if len(all) > maxLocked {
			t.Fatalf("%d packages", len(all))
		}
		var packages []debPackage
		for _, name := range slices.Sorted(maps.Keys(all)) {
			packages = append(packages, debPackage{Name: name, Version: all[name].version, SHA256: all[name].sha256})
		}
		again, err := parseLock(formatLock(packages))
		if err != nil || !maps.Equal(all, again) {
			t.Fatalf("%q is %v, and then %v, %v", text, all, again, err)
		}
	})
}

// FuzzInstalled: whatever dpkg's status is, each package of it has a name, a version and an architecture, in order.
func FuzzInstalled(f *testing.F) {
	f.Add(status)
	f.Add("Package: a\n\n\n:\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := installed(strings.NewReader(text))
		if err != nil {
			return
		}
		if !slices.IsSortedFunc(all, func(a, b debPackage) int { return strings.Compare(a.Name+":"+a.Arch, b.Name+":"+b.Arch) }) {
			t.Errorf("%v is not in order", all)
		}
		for _, p := range all {
			if p.Name == "" || p.Version == "" || p.Arch == "" || p.Source == "" {
				t.Errorf("%+v from %q", p, text)
			}
		}
	})
}

// FuzzList: what a list of the recipe names is what its rule allows, once each.
func FuzzList(f *testing.F) {
	f.Add("# head\n\nmpv  # why\nrauc # why\n")
	f.Add("mpv\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseList(text, "amd64", validPackage)
		if err != nil {
			return
		}
		slices.Sort(all)
		if len(all) == 0 || len(slices.Compact(slices.Clone(all))) != len(all) {
			t.Errorf("%q from %q", all, text)
		}
		for _, name := range all {
			if err := validPackage(name); err != nil {
				t.Error(err)
			}
		}
	})
}
