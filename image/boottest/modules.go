package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// diskModules are what stands between the kernel and its disk. Debian has them as modules; ext4 asks for its checksum
// by a name (modules.softdep), which modules.dep does not say.
func diskModules() []string { return []string{"crc32c_generic", "virtio_blk", "ext4"} }

// loadOrder lists the files of the modules and of all that they need, in an order in which they can be loaded.
// dep is the text of modules.dep: a file, a colon, and the files that it needs, all of them, the nearest first.
func loadOrder(dep string, names []string) ([]string, error) {
	needs := map[string][]string{}
	for line := range strings.Lines(dep) {
		if file, rest, ok := strings.Cut(line, ":"); ok {
			needs[moduleName(file)] = append([]string{file}, strings.Fields(rest)...)
		}
	}
	var order []string
	for _, name := range names {
		files, ok := needs[name]
		if !ok {
			return nil, fmt.Errorf("cannot find module %s", name)
		}
		for _, file := range slices.Backward(files) {
			if !slices.Contains(order, file) {
				order = append(order, file)
			}
		}
	}
	return order, nil
}

func moduleName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	return strings.ReplaceAll(name, "-", "_")
}
