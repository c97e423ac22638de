package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The lock file is the package set: a line "name version sha256" for each package, sorted. The hash is that of the
// .deb, from the index that Debian signs.
const lockHead = "# What the image of the last release was made from: name, version, SHA-256 of the package's file.\n"

// A locked is a line of it.
type locked struct{ version, sha256 string }

func formatLock(all []debPackage) string {
	var text strings.Builder
	text.WriteString(lockHead)
	for _, p := range all {
		fmt.Fprintf(&text, "%s %s %s\n", p.Name, p.Version, p.SHA256)
	}
	return text.String()
}

// maxLocked is the most packages a lock file may have.
const maxLocked = 5000

func parseLock(text string) (map[string]locked, error) {
	hash := regexp.MustCompile(`^[0-9a-f]{64}$`)
	all := map[string]locked{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 3 || !hash.MatchString(f[2]) {
			return nil, fmt.Errorf("line %d: expected name, version and SHA-256", number)
		}
		if err := validPackage(f[0]); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if _, twice := all[f[0]]; twice {
			return nil, fmt.Errorf("line %d: %s is there twice", number, f[0])
		}
		if len(all) == maxLocked {
			return nil, fmt.Errorf("more than %d packages", maxLocked)
		}
		all[f[0]] = locked{f[1], f[2]}
	}
	return all, nil
}

// describeChange says in words what is new, gone and other, a line each, sorted by name. Nothing is none.
func describeChange(last, now map[string]locked) []string {
	names := slices.Sorted(maps.Keys(last))
	for name := range now {
		if _, was := last[name]; !was {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var words []string
	for _, name := range names {
		before, was := last[name]
		after, is := now[name]
		switch {
		case !was:
			words = append(words, fmt.Sprintf("%s is new: %s", name, after.version))
		case !is:
			words = append(words, fmt.Sprintf("%s is gone: it was %s", name, before.version))
		case before.version != after.version:
			words = append(words, fmt.Sprintf("%s was %s and is %s", name, before.version, after.version))
		case before.sha256 != after.sha256:
			words = append(words, fmt.Sprintf("%s %s is another file than before, under the same version", name, after.version))
		}
	}
	return words
}

// compareLock says what changed since the recorded set, and records this one where that is asked for.
func (b *build) compareLock(context.Context) error {
	path := filepath.Join(b.recipeDir, "lock."+b.arch)
	text := formatLock(b.packages)
	now, err := parseLock(text)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		fmt.Fprintf(b.say, "no package set is recorded for %s yet\n", b.arch)
	case err != nil:
		return err
	default:
		last, err := parseLock(string(old))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		words := describeChange(last, now)
		for _, line := range words {
			fmt.Fprintln(b.say, "package", line)
		}
		fmt.Fprintf(b.say, "%d packages, %d changes against %s\n", len(now), len(words), path)
	}
	if !b.record {
		return nil
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
