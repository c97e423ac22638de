package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseList(t *testing.T) {
	got, err := parseList("# head\n\nmpv  # shows # what is on air\n  rauc #x\n", validPackage)
	if diff := cmp.Diff([]string{"mpv", "rauc"}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for name, text := range map[string]string{
		"nothing":       "# only words\n",
		"no reason":     "mpv\n",
		"empty reason":  "mpv #  \n",
		"twice":         "mpv # a\nrauc # b\nmpv # c\n",
		"two names":     "mpv rauc # a\n",
		"a version":     "mpv=0.40 # a\n",
		"capitals":      "Mpv # a\n",
		"an option":     "--purge # a\n",
		"a comma":       "mpv,rauc # a\n",
		"a name of one": "m # a\n",
		"long":          strings.Repeat("m", 129) + " # a\n",
	} {
		if got, err := parseList(text, validPackage); err == nil {
			t.Errorf("%s: %q was read as %q", name, text, got)
		}
	}
}

func TestValidPattern(t *testing.T) {
	for _, good := range []string{"/usr/share/doc", "/usr/share/locale/[a-d]*", "/etc/rc?.d"} {
		if err := validPattern(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "/", "/usr", "usr/share", "/usr/../etc", "/usr/share/", "/usr/share/[a", "/../etc/passwd", "//usr/share"} {
		if err := validPattern(bad); err == nil {
			t.Errorf("%q may be removed", bad)
		}
	}
}

// TestTheRecipe reads the one that images are made from.
func TestTheRecipe(t *testing.T) {
	r, err := readRecipe("../recipe")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range r.packages {
		for _, without := range r.without {
			if name == without {
				t.Errorf("%s is installed and left out", name)
			}
		}
	}
	target, err := targetOf("amd64")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(r.packages, " "), target.kernel) {
		t.Errorf("no %s among %q", target.kernel, r.packages)
	}
}

func TestARecipeThatIsNotWhole(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("packages", "mpv # a\n")
	write("without", "apt # a\n")
	write("remove", "/usr/share/doc # a\n")
	if _, err := readRecipe(dir); err == nil || !strings.Contains(err.Error(), "modules") {
		t.Errorf("without a list of modules: %v", err)
	}
	write("modules", "dm_verity # a\n")
	write("modules.display", "i915 # a\n")
	write("exposure", "dbus.service 3.0 # a\n")
	write("firmware.display", "/usr/lib/firmware/i915/adlp_dmc.bin # a\n")
	if _, err := readRecipe(dir); err != nil {
		t.Error(err)
	}
	write("modules", "dm_verity # "+strings.Repeat("a", maxList)+"\n")
	if _, err := readRecipe(dir); err == nil {
		t.Error("a list that is too long was read")
	}
	write("modules", "dm-verity # lsmod writes it with _\n")
	if _, err := readRecipe(dir); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a module under another name: %v", err)
	}
}

func TestPickSources(t *testing.T) {
	const (
		security = "Debian Debian-Security main bookworm-security http://security.invalid/debian-security/\n"
		main     = "Debian Debian main bookworm-updates http://updates.invalid/debian/\nDebian Debian main bookworm http://mirror.invalid/debian/\n"
		other    = "nodesource nodesource main nodistro http://other.invalid/\nDebian Debian contrib bookworm http://contrib.invalid/\n"
	)
	want := []string{
		"deb http://mirror.invalid/debian/ trixie main non-free-firmware",
		"deb http://mirror.invalid/debian/ trixie-updates main non-free-firmware",
		"deb http://security.invalid/debian-security/ trixie-security main non-free-firmware",
	}
	got, err := pickSources(other + security + main)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, targets := range []string{"", other, other + main, other + security} {
		if got, err := pickSources(targets); err == nil {
			t.Errorf("%q was picked from %q", got, targets)
		}
	}
}

func TestValidVersion(t *testing.T) {
	for _, good := range []string{"1.0", "v1.2.3-4-gabc-dirty", "26c1fe2", "1.0+2"} {
		if !validVersion(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", ".", "../x", "a/b", "-o", "a b", "a\nb", "ấ", strings.Repeat("1", 65)} {
		if validVersion(bad) {
			t.Errorf("%q may be part of a file's name", bad)
		}
	}
}
