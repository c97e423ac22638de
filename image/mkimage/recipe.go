package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// A recipe is what the image is made of, as the files of image/recipe say it. Each line of them is a thing and why.
type recipe struct {
	packages []string       // Debian's, beside those that are required
	without  []string       // packages that those need and a running controller does not
	remove   []string       // patterns of paths below the root that are not shipped
	modules  []string       // the kernel's, that the initrd loads, with all that they need
	displays []string       // the same, of displays
	exposure map[string]int // how exposed a service may be, in tenths, where that is not maxExposure
	firmware []string       // patterns of files below the root that displays load by their drivers, in the initrd too
}

// maxList is the size, in bytes, of the longest list that is read.
const maxList = 64 << 10

// readRecipe reads what is said for an architecture.
func readRecipe(dir, arch string) (recipe, error) {
	var r recipe
	var exposure []string
	for _, list := range []struct {
		name  string
		valid func(string) error
		to    *[]string
	}{
		{"packages", validPackage, &r.packages},
		{"without", validPackage, &r.without},
		{"remove", validPattern, &r.remove},
		{"modules", validModule, &r.modules},
		{"modules.display", validModule, &r.displays},
		{"firmware.display", validPattern, &r.firmware},
		{"exposure", func(string) error { return nil }, &exposure},
	} {
		file := filepath.Join(dir, list.name)
		info, err := os.Stat(file)
		if err != nil {
			return recipe{}, fmt.Errorf("cannot read the recipe: %w", err)
		}
		if info.Size() > maxList {
			return recipe{}, fmt.Errorf("cannot read the recipe: %s has more than %d bytes", file, maxList)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return recipe{}, fmt.Errorf("cannot read the recipe: %w", err)
		}
		*list.to, err = parseList(string(text), arch, list.valid)
		if _, empty := errors.AsType[emptyList](err); empty && list.to == &r.firmware {
			continue // an architecture's displays may do without
		}
		if err != nil {
			return recipe{}, fmt.Errorf("cannot read the recipe: %s: %w", file, err)
		}
	}
	var err error
	if r.exposure, err = parseExposure(exposure); err != nil {
		return recipe{}, fmt.Errorf("cannot read the recipe: %s: %w", filepath.Join(dir, "exposure"), err)
	}
	return r, nil
}

// parseList reads "thing  # why" from each line, or "thing [arch]  # why" for what is of one architecture alone. Empty
// lines are skipped, and those that begin with #. What has no reason, or is there twice, is refused.
func parseList(text, arch string, valid func(string) error) ([]string, error) {
	var all []string
	seen := map[string]int{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		thing, why, _ := strings.Cut(line, "#")
		thing, only := qualified(strings.TrimSpace(thing))
		if strings.TrimSpace(why) == "" {
			return nil, fmt.Errorf("line %d: %q has no reason behind a #", number, thing)
		}
		if err := valid(thing); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if first, twice := seen[thing]; twice {
			return nil, fmt.Errorf("line %d: %s is in line %d already", number, thing, first)
		}
		seen[thing] = number
		if only == "" || only == arch {
			all = append(all, thing)
		}
	}
	if len(seen) == 0 {
		return nil, emptyList{}
	}
	return all, nil
}

// An emptyList is the error of a list that has nothing for an architecture.
type emptyList struct{}

func (emptyList) Error() string { return "nothing is in it" }

// qualified splits "thing [arch]" where arch is one that is built; what else stands in brackets is part of the thing.
func qualified(text string) (thing, arch string) {
	for _, arch := range []string{"amd64", "arm64"} {
		if thing, ok := strings.CutSuffix(text, " ["+arch+"]"); ok {
			return strings.TrimSpace(thing), arch
		}
	}
	return text, ""
}

// validPackage goes by Debian Policy §5.6.1.
func validPackage(name string) error {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`).MatchString(name) || len(name) > 128 {
		return fmt.Errorf("%q is no name of a package", name)
	}
	return nil
}

func validModule(name string) error {
	if !regexp.MustCompile(`^[a-z0-9][A-Za-z0-9_]*$`).MatchString(name) || len(name) > 64 {
		return fmt.Errorf("%q is no name of a module, as lsmod writes it", name)
	}
	return nil
}

// validPattern wants an absolute pattern that cannot mean the whole tree or leave it.
func validPattern(pattern string) error {
	if !path.IsAbs(pattern) || path.Clean(pattern) != pattern || strings.Count(pattern, "/") < 2 {
		return fmt.Errorf("%q is no path of at least two names below the root", pattern)
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("%q: %w", pattern, err)
	}
	return nil
}
