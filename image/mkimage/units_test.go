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

func unitFiles(t *testing.T, pattern string) []string {
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
	for _, file := range unitFiles(t, "*.service") {
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

// TestNothingIsGivenUp: systemd's own limit, five starts in ten seconds, would end a service until somebody comes.
func TestNothingIsGivenUp(t *testing.T) {
	once := []string{"nftables.service", "systemd-pstore.service"} // Debian's that do one thing at the start
	names := []string{"dbus.service", "polkit.service", "wpa_supplicant.service", "systemd-logind.service", "systemd-udevd.service", "systemd-journald.service"}
	for line := range strings.Lines(read(t, "../../systemd/system-preset/00-bangtin.preset")) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "enable" && !slices.Contains(once, f[1]) && !strings.HasSuffix(f[1], ".timer") {
			names = append(names, f[1])
		}
	}
	for _, name := range names {
		paths, err := filepath.Glob("../../systemd/system/" + name + ".d/*.conf")
		if own, more := filepath.Glob("../../systemd/system/" + name); err != nil || more != nil || len(own)+len(paths) == 0 {
			t.Errorf("%s: no unit and no drop-in: %v, %v", name, err, more)
			continue
		} else {
			paths = append(own, paths...)
		}
		u := readUnit(t, paths...)
		if slices.Equal(u["Service.Type"], []string{"oneshot"}) && u["Service.Restart"] == nil {
			continue // it is started when there is something to do
		}
		if !slices.Equal(u["Unit.StartLimitIntervalSec"], []string{"0"}) {
			t.Errorf("%s is given up after five starts", name)
		}
		if strings.HasSuffix(name, ".service") && len(u["Service.Restart"])+len(u["Service.RestartSec"]) == 0 {
			t.Errorf("%s is not started again, or at once", name)
		}
	}
	upheld := readUnit(t, "../../systemd/system/multi-user.target.d/10-bangtin.conf")["Unit.Upholds"]
	for _, name := range []string{"NetworkManager.service", "bangtin-player.socket", "bangtind.path", "bangtin-enrol.path"} {
		if !slices.Contains(upheld, name) {
			t.Errorf("nobody starts %s again", name)
		}
	}
}

// TestAHangingStartEnds: systemd times the start as a whole, as the program that would conflicts with it.
func TestAHangingStartEnds(t *testing.T) {
	u := readUnit(t, "../../systemd/system/multi-user.target.d/10-bangtin.conf")
	if !slices.Equal(u["Unit.JobTimeoutSec"], []string{"30min"}) || !slices.Equal(u["Unit.JobTimeoutAction"], []string{"reboot"}) {
		t.Errorf("a start that hangs hangs for ever: %v", u)
	}
}

// TestAFirewallThatFailsIsSaid: who is to be started by a failure is there.
func TestAFirewallThatFailsIsSaid(t *testing.T) {
	u := readUnit(t, "../../systemd/system/nftables.service.d/10-bangtin.conf")
	if !slices.Equal(u["Unit.OnFailure"], []string{"bangtin-firewall.service"}) {
		t.Fatal("nobody says it:", u["Unit.OnFailure"])
	}
	says := readUnit(t, "../../systemd/system/bangtin-firewall.service")
	if strings.Join(says["Service.ExecStart"], " ") != "/usr/bin/bangtin-rescue firewall" {
		t.Error("it says", says["Service.ExecStart"])
	}
}

// TestWhatPowerCutsLeave: half a file, of every write of setup's, is gone at the next start.
func TestWhatPowerCutsLeave(t *testing.T) {
	text := read(t, "../../systemd/tmpfiles.d/bangtin.conf")
	for _, name := range []string{"setup.json", "site.toml", "site.seal", "trust.json", "enrol.code", "enrol.answer"} {
		if !strings.Contains(text, "\nr!     /data/bangtin/."+name+"-*\n") {
			t.Errorf("what is left of %s stays for ever", name)
		}
	}
}
