package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bangtin/image/layout"
)

// A unit is a unit file as systemd reads it: each setting with its section before it, and its values in order.
type unitFile map[string][]string

// readUnit reads a unit of ours, or Debian's drop-ins of ours, which stand in folders.
func readUnit(t *testing.T, paths ...string) unitFile {
	t.Helper()
	all := unitFile{}
	for _, path := range paths {
		section := ""
		for line := range strings.Lines(read(t, path)) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "[") {
				section = strings.Trim(line, "[]")
			}
			key, value, ok := strings.Cut(line, "=")
			if !ok || strings.HasPrefix(line, "#") {
				continue
			}
			all[section+"."+key] = append(all[section+"."+key], strings.Fields(value)...)
		}
	}
	return all
}

func ourUnits(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob("../../systemd/system/" + pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no units %s: %v", pattern, err)
	}
	return files
}

// TestUnitsStartWithoutData: a path that systemd is to open to a service, and that is not there, keeps it from starting
// (226/NAMESPACE). /data and /var are memory when the disk fails, and lack what tmpfiles could not make.
func TestUnitsStartWithoutData(t *testing.T) {
	for _, file := range ourUnits(t, "*.service") {
		u := readUnit(t, file)
		if len(u["Unit.ConditionPathExists"]) > 0 && u["Unit.ConditionPathExists"][0] == "/data/bangtin/site.toml" {
			continue // without data's folder there is nothing to run by
		}
		for _, path := range u["Service.ReadWritePaths"] {
			if !strings.HasPrefix(path, "-") {
				t.Errorf("%s wants %s", file, path)
			}
		}
		if len(u["Service.PrivateTmp"]) > 0 && !strings.Contains(file, "bangtin-player@") { // which is the daemon's
			t.Errorf("%s wants /var/tmp", file)
		}
	}
}

// TestWhatTheStartSaysIsRoots: the mark that nothing is kept lies where the daemon's user cannot make it, and units and
// layout mean the same place.
func TestWhatTheStartSaysIsRoots(t *testing.T) {
	if !strings.Contains(read(t, "../../systemd/tmpfiles.d/bangtin.conf"), "\nd      "+layout.BootRun+" 0755 root root -\n") {
		t.Error("tmpfiles makes no", layout.BootRun)
	}
	for _, name := range []string{"bangtin-logs", "bangtin-tail"} {
		u := readUnit(t, "../../systemd/system/"+name+".service")
		if !slices.Contains(u["Unit.ConditionPathExists"], "!"+layout.RescueRun) {
			t.Errorf("%s writes where nothing is kept", name)
		}
	}
	enrol := readUnit(t, "../../systemd/system/bangtin-enrol.service")
	if want := "/usr/bin/test ! -e " + layout.RescueRun; strings.Join(enrol["Service.ExecStartPre"], " ") != want {
		t.Error("a code is spent where nothing is kept")
	}
}
