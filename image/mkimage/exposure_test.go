package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestEachServiceOfOursIsMeasured: templates too.
func TestEachServiceOfOursIsMeasured(t *testing.T) {
	dir := "../../systemd/system"
	units, wanted, err := ourUnits(dir, map[string]int{"bangtin-data.service": 42})
	if err != nil {
		t.Fatal(err)
	}
	services, err := filepath.Glob(dir + "/*.service")
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range services {
		services[i] = filepath.Base(path)
	}
	if got := slices.Sorted(maps.Keys(wanted)); !slices.Equal(got, services) || !slices.Contains(got, "bangtin-player@.service") {
		t.Errorf("measured are %q, there are %q", got, services)
	}
	if wanted["bangtin-data.service"] != 42 || wanted["bangtin-player@.service"] != maxExposure {
		t.Errorf("they may be %v", wanted)
	}
	if !slices.Contains(units, "/usr/lib/systemd/system/bangtin-player.socket") {
		t.Errorf("verified are %q", units)
	}
}

// TestWhatUnitsNameIsInTheImage: a page that a unit names is one that is laid into the tree.
func TestWhatUnitsNameIsInTheImage(t *testing.T) {
	laid := map[string]bool{}
	for from, to := range documents() {
		laid["/"+to] = true
		if _, err := os.Stat(filepath.Join("../..", from)); err != nil {
			t.Error(err)
		}
	}
	named := 0
	units, err := filepath.Glob("../../systemd/system/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range units {
		if filepath.Ext(unit) == ".d" {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^Documentation=file://(.*)$`).FindAllStringSubmatch(read(t, unit), -1) {
			named++
			if !laid[m[1]] {
				t.Errorf("%s names %s, which is not in the image", unit, m[1])
			}
		}
	}
	if named == 0 {
		t.Error("no unit names a page: the test reads them wrongly")
	}
}
