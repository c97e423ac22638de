package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bangtin/image/layout"
)

// takeModules copies what the initrd loads, with names in the order of loading.
func (b *build) takeModules() error {
	from := filepath.Join(b.tree(), "usr/lib/modules", b.kernel)
	dep, err := os.ReadFile(filepath.Join(from, "modules.dep"))
	if err != nil {
		return err
	}
	builtin, err := os.ReadFile(filepath.Join(from, "modules.builtin"))
	if err != nil {
		return err
	}
	for _, list := range []struct {
		folder string
		names  []string
	}{{layout.Modules, b.recipe.modules}, {layout.DisplayModules, b.recipe.displays}} {
		order, err := loadOrder(string(dep), string(builtin), list.names)
		if err != nil {
			return err
		}
		folder := filepath.Join(b.made("initrd.d"), list.folder)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		for i, file := range order {
			to := filepath.Join(folder, fmt.Sprintf("%02d-%s", i, filepath.Base(file)))
			if err := copyFile(to, filepath.Join(from, file), 0o644); err != nil {
				return err
			}
		}
	}
	return b.takeFirmware()
}

// takeFirmware copies what the displays' drivers load into the hardware to where the kernel looks for it in the initrd. A
// driver asks once, when it is loaded: what is not there then is not there at all.
func (b *build) takeFirmware() error {
	for _, pattern := range b.recipe.firmware {
		found, err := filepath.Glob(filepath.Join(b.tree(), pattern))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("no firmware is there at %s", pattern)
		}
		for _, path := range found {
			rest, err := filepath.Rel(filepath.Join(b.tree(), "usr"), path)
			if err != nil {
				return err
			}
			if err := copyFile(filepath.Join(b.made("initrd.d"), rest), path, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxModules is how many the initrd can number in the order of its names.
const maxModules = 100

// loadOrder lists the files of the modules and of all that they need, in an order in which they can be loaded.
// dep is the text of modules.dep: a file, a colon, and the files that it needs, all of them, the nearest first. What the
// kernel has built in by now is a mistake in the recipe.
func loadOrder(dep, builtin string, names []string) ([]string, error) {
	needs := map[string][]string{}
	for line := range strings.Lines(dep) {
		if file, rest, ok := strings.Cut(line, ":"); ok {
			needs[moduleName(file)] = append([]string{file}, strings.Fields(rest)...)
		}
	}
	inside := map[string]bool{}
	for line := range strings.Lines(builtin) {
		inside[moduleName(strings.TrimSpace(line))] = true
	}
	var order []string
	for _, name := range names {
		files, ok := needs[name]
		if inside[name] {
			return nil, fmt.Errorf("module %s is built into this kernel", name)
		}
		if !ok {
			return nil, fmt.Errorf("cannot find module %s", name)
		}
		for _, file := range slices.Backward(files) {
			if !slices.Contains(order, file) {
				order = append(order, file)
			}
		}
	}
	if len(order) > maxModules {
		return nil, fmt.Errorf("%d modules: at most %d can be put in order", len(order), maxModules)
	}
	return order, nil
}

func moduleName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	return strings.ReplaceAll(name, "-", "_")
}
