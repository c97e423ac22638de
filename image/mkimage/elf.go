package main

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// missingLibraries fails when a program or library of the tree asks for a library that is not there: what was removed
// was needed.
func missingLibraries(tree string) error {
	names := map[string]bool{}
	needed := map[string]string{} // and who needs it
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		names[d.Name()] = true
		if !d.Type().IsRegular() || strings.Contains(path, "/usr/lib/modules/") {
			return nil
		}
		f, err := elf.Open(path)
		if err != nil {
			return nil //nolint:nilerr // most files are no programs
		}
		libraries, err := f.ImportedLibraries()
		f.Close() //nolint:errcheck // it was read
		if err != nil {
			return nil //nolint:nilerr // statically linked
		}
		for _, library := range libraries {
			needed[library] = strings.TrimPrefix(path, tree)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var missing []string
	for _, library := range slices.Sorted(maps.Keys(needed)) {
		if !names[library] {
			missing = append(missing, fmt.Sprintf("%s, which %s needs", library, needed[library]))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("not in the tree: %s", strings.Join(missing, "; "))
	}
	return nil
}
