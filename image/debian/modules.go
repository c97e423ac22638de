package debian

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// TakeModules copies modules of a kernel of the system in root, and all that they need, to a folder, which it makes. The
// order of the files' names is that of loading.
func TakeModules(root, release, to string, names []string) error {
	from := filepath.Join(root, "usr/lib/modules", release)
	dep, err := os.ReadFile(filepath.Join(from, "modules.dep"))
	if err != nil {
		return err
	}
	builtin, err := os.ReadFile(filepath.Join(from, "modules.builtin"))
	if err != nil {
		return err
	}
	order, err := loadOrder(string(dep), string(builtin), names)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for i, file := range order {
		data, err := os.ReadFile(filepath.Join(from, file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, fmt.Sprintf("%02d-%s", i, filepath.Base(file))), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// maxModules is how many can be numbered in the order of their names.
const maxModules = 100

// loadOrder lists the files of the modules and of all that they need, in an order in which they can be loaded.
// dep is the text of modules.dep: a file, a colon, and the files that it needs, all of them, the nearest first. What the
// kernel has built in by now is a mistake of who asks for it.
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
