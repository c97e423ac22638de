package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A debPackage is an installed package, and its file as Debian's archive describes it.
type debPackage struct {
	Name, Version, Arch string
	Source              string // what it was built from
	SHA256              string // of the .deb, from the signed index
	Changed             string // what we changed of it; empty where it is as Debian has it
	Workshop            bool   // its files come from the workshop, and are not in the root
}

// maxParagraph is the longest paragraph, in bytes, that is read; the longest of trixie's has 40,000.
const maxParagraph = 1 << 20

// paragraphs reads Debian's control format (deb822(5)) and calls each with the fields' first lines.
func paragraphs(r io.Reader, each func(fields map[string]string) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxParagraph)
	fields := map[string]string{}
	end := func() error {
		if len(fields) == 0 {
			return nil
		}
		err := each(fields)
		fields = map[string]string{}
		return err
	}
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			if err := end(); err != nil {
				return err
			}
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("cannot read %q: no field", line)
		}
		fields[name] = strings.TrimSpace(value)
	}
	return errors.Join(lines.Err(), end())
}

// installed reads what a tree has from dpkg's status, sorted by name.
func installed(status io.Reader) ([]debPackage, error) {
	var all []debPackage
	err := paragraphs(status, func(f map[string]string) error {
		if !strings.HasSuffix(f["Status"], " installed") {
			return nil
		}
		p := debPackage{Name: f["Package"], Version: f["Version"], Arch: f["Architecture"], Source: f["Source"]}
		if p.Name == "" || p.Version == "" || p.Arch == "" {
			return fmt.Errorf("cannot read dpkg's status: %v", f)
		}
		p.Source, _, _ = strings.Cut(p.Source, " ") // its version stands behind it in brackets where it differs
		if p.Source == "" {
			p.Source = p.Name
		}
		all = append(all, p)
		return nil
	})
	slices.SortFunc(all, byName)
	return all, err
}

func byName(a, b debPackage) int { return strings.Compare(a.Name+":"+a.Arch, b.Name+":"+b.Arch) }

// addHashes takes each package's hash from the archive's indexes. A package that is in none is an error: nobody could
// say where it came from.
func addHashes(all []debPackage, indexes ...io.Reader) error {
	type key struct{ name, version, arch string }
	at := map[key]*debPackage{}
	for i := range all {
		at[key{all[i].Name, all[i].Version, all[i].Arch}] = &all[i]
	}
	for _, index := range indexes {
		err := paragraphs(index, func(f map[string]string) error {
			p := at[key{f["Package"], f["Version"], f["Architecture"]}]
			if p == nil {
				return nil
			}
			if p.SHA256 != "" && p.SHA256 != f["SHA256"] {
				return fmt.Errorf("%s %s has two hashes: %s and %s", p.Name, p.Version, p.SHA256, f["SHA256"])
			}
			p.SHA256 = f["SHA256"]
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, p := range all {
		if len(p.SHA256) != 64 {
			return fmt.Errorf("cannot find %s %s in the archive's indexes", p.Name, p.Version)
		}
	}
	return nil
}

// files reads the paths that a package owns in a tree.
func files(tree, name, arch string) ([]string, error) {
	for _, list := range []string{name + ".list", name + ":" + arch + ".list"} {
		text, err := os.ReadFile(filepath.Join(tree, "var/lib/dpkg/info", list))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		return strings.Fields(string(text)), err
	}
	return nil, fmt.Errorf("cannot find what package %s owns", name)
}

// leaveOut removes the files of the named packages, and their folders where nothing else is in them. What another
// package owns too stays. It returns the packages that are left. No script of any package is run, as dpkg itself and
// what its scripts need are among them; what the scripts had made before is for the list of paths.
func leaveOut(tree string, all []debPackage, names []string) ([]debPackage, error) {
	for _, name := range names {
		if !slices.ContainsFunc(all, func(p debPackage) bool { return p.Name == name }) {
			return nil, fmt.Errorf("package %s is to be left out, and is not there", name)
		}
	}
	var left []debPackage
	var paths []string
	kept := map[string]bool{}
	for _, p := range all {
		owned, err := files(tree, p.Name, p.Arch)
		if err != nil {
			return nil, err
		}
		if slices.Contains(names, p.Name) {
			paths = append(paths, owned...)
			continue
		}
		left = append(left, p)
		for _, path := range owned {
			kept[path] = true
		}
	}
	slices.Sort(paths)
	for _, path := range slices.Backward(slices.Compact(paths)) { // what is in a folder before the folder
		if kept[path] {
			continue
		}
		if err := removeOne(tree, path); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// removeOne removes a file, or a folder if it is empty. The tree's folders of old names (/bin) are links, which a name
// is looked for below.
func removeOne(tree, path string) error {
	path = filepath.Join(tree, path)
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil || len(entries) > 0 {
			return err
		}
	}
	return os.Remove(path)
}
