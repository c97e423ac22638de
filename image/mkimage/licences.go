package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// gatherLicences collects what Debian says of each package's copyright and licence, before those files are trimmed.
func (b *build) gatherLicences() error {
	var all bytes.Buffer
	for _, p := range b.packages {
		root := b.tree()
		if p.Workshop {
			root = b.workshop
		}
		text, err := os.ReadFile(filepath.Join(root, "usr/share/doc", p.Name, "copyright"))
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("package %s has no copyright file", p.Name)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "======== %s %s\n\n%s\n", p.Name, p.Version, text)
		if p.Changed != "" {
			fmt.Fprintf(&all, "Changed by us: %s\n\n", p.Changed)
		}
	}
	common := filepath.Join(b.tree(), "usr/share/common-licenses")
	entries, err := os.ReadDir(common)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(common, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "======== licence %s\n\n%s\n", e.Name(), text)
	}
	return os.WriteFile(b.made("licences.debian"), all.Bytes(), 0o644)
}

// moduleLicences collects the licences of the Go modules in our programs.
func moduleLicences(modules []goModule) ([]byte, error) {
	var all bytes.Buffer
	for _, m := range modules {
		entries, err := os.ReadDir(m.dir)
		if err != nil {
			return nil, fmt.Errorf("cannot find the licence of %s: %w", m.path, err)
		}
		found := false
		for _, e := range entries {
			if !e.Type().IsRegular() || !licenceName(e.Name()) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(m.dir, e.Name()))
			if err != nil {
				return nil, err
			}
			found = true
			fmt.Fprintf(&all, "======== %s %s: %s\n\n%s\n", m.path, m.version, e.Name(), text)
		}
		if !found {
			return nil, fmt.Errorf("cannot find the licence of %s in %s", m.path, m.dir)
		}
	}
	return all.Bytes(), nil
}

func licenceName(file string) bool {
	return slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, func(name string) bool {
		return strings.HasPrefix(strings.ToUpper(file), name)
	})
}
