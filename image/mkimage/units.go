package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bangtin/image/debian"
)

// maxExposure is the highest that systemd-analyze may say of a unit, in tenths, where the recipe does not say another.
const maxExposure = 20

// checkUnits asks the system's own systemd whether it can read our units, and how exposed each service is: ours, those
// that are switched on, and what the recipe names.
func (b *build) checkUnits(ctx context.Context) error {
	units, wanted, err := ourUnits(filepath.Join(b.unitsDir, "system"), b.recipe.exposure)
	if err != nil {
		return err
	}
	if err := b.inside(ctx, b.tree(), append([]string{"systemd-analyze", "verify", "--man=no", "--recursive-errors=no"}, units...)...); err != nil {
		return err
	}
	on, err := filepath.Glob(filepath.Join(b.tree(), "etc/systemd/system/*.wants/*.service"))
	if err != nil {
		return err
	}
	for _, path := range on {
		if name := filepath.Base(path); wanted[name] == 0 && !strings.Contains(name, "@") {
			wanted[name] = maxExposure
		}
	}
	return b.checkExposure(ctx, wanted)
}

// ourUnits are the units of a folder, by where they are in the image, and how exposed each service may be: as the recipe
// says, else maxExposure. A template counts as one: systemd-analyze makes an instance of it.
func ourUnits(dir string, recipe map[string]int) (units []string, wanted map[string]int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	wanted = maps.Clone(recipe)
	for _, e := range entries {
		if e.IsDir() { // drop-ins
			continue
		}
		units = append(units, "/usr/lib/systemd/system/"+e.Name())
		if _, ok := wanted[e.Name()]; !ok && strings.HasSuffix(e.Name(), ".service") {
			wanted[e.Name()] = maxExposure
		}
	}
	return units, wanted, nil
}

// checkExposure tells what each unit's figure is, and fails for those whose figure is above what it may be.
func (b *build) checkExposure(ctx context.Context, most map[string]int) error {
	var bad []error
	for _, unit := range slices.Sorted(maps.Keys(most)) {
		var said bytes.Buffer
		cmd := exec.CommandContext(ctx, "chroot", b.tree(), "systemd-analyze", "security", "--offline=yes", "--no-pager",
			"/usr/lib/systemd/system/"+unit)
		cmd.Env, cmd.Stdout = b.environment(), &said
		if err := debian.Run(cmd); err != nil {
			return err
		}
		is, err := overallExposure(said.String())
		if err != nil {
			return fmt.Errorf("%s: %w", unit, err)
		}
		fmt.Fprintf(b.say, "exposure   %d.%d of %d.%d  %s\n", is/10, is%10, most[unit]/10, most[unit]%10, unit)
		if is > most[unit] {
			bad = append(bad, fmt.Errorf("%s has an exposure of %d.%d, more than %d.%d", unit, is/10, is%10, most[unit]/10, most[unit]%10))
		}
	}
	return errors.Join(bad...)
}

// overallExposure finds the figure, in tenths, in what systemd-analyze security says.
func overallExposure(said string) (int, error) {
	_, rest, ok := strings.Cut(said, "Overall exposure level for ")
	if ok {
		_, rest, ok = strings.Cut(rest, ": ")
	}
	word, _, _ := strings.Cut(rest, " ")
	if !ok {
		return 0, errors.New("systemd-analyze says no figure")
	}
	return tenths(word)
}

// tenths reads a figure such as 1.3 or 10.0 as 13 or 100.
func tenths(word string) (int, error) {
	whole, part, ok := strings.Cut(word, ".")
	n, err := strconv.ParseUint(whole+part, 10, 8)
	if err != nil || !ok || len(part) != 1 || n > 100 {
		return 0, fmt.Errorf("%q is no figure from 0.0 to 10.0", word)
	}
	return int(n), nil
}

// parseExposure reads lines "unit figure", as parseList has checked them.
func parseExposure(lines []string) (map[string]int, error) {
	all := map[string]int{}
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) != 2 || !strings.HasSuffix(f[0], ".service") {
			return nil, fmt.Errorf("%q is no service with a figure", line)
		}
		n, err := tenths(f[1])
		if err != nil {
			return nil, err
		}
		if _, twice := all[f[0]]; twice {
			return nil, fmt.Errorf("%s is there twice", f[0])
		}
		all[f[0]] = n
	}
	return all, nil
}
