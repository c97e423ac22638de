package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseList(t *testing.T) {
	got, err := parseList("# head\n\nmpv  # shows # what is on air\n  rauc #x\nshim  [amd64] # y\ngrub [arm64] # z\n", "amd64", validPackage)
	if diff := cmp.Diff([]string{"mpv", "rauc", "shim"}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if got, err := parseList("mpv [arm64] # a\n", "amd64", validPackage); len(got) > 0 || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for name, text := range map[string]string{
		"nothing":       "# only words\n",
		"no reason":     "mpv\n",
		"empty reason":  "mpv #  \n",
		"twice":         "mpv # a\nrauc # b\nmpv # c\n",
		"two names":     "mpv rauc # a\n",
		"no machine":    "mpv [vax] # a\n",
		"two machines":  "mpv [amd64] [arm64] # a\n",
		"twice, apart":  "rauc # a\nmpv [amd64] # a\nmpv [arm64] # b\n",
		"a version":     "mpv=0.40 # a\n",
		"capitals":      "Mpv # a\n",
		"an option":     "--purge # a\n",
		"a comma":       "mpv,rauc # a\n",
		"a name of one": "m # a\n",
		"long":          strings.Repeat("m", 129) + " # a\n",
	} {
		if got, err := parseList(text, "amd64", validPackage); err == nil {
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

// TestTarget: another compiler is asked for only where the target is not this machine.
func TestTarget(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		target, err := targetOf(arch)
		if err != nil {
			t.Fatal(err)
		}
		env := target.environ()
		if foreign := slices.Contains(env, "CC="+target.cc); foreign == (arch == runtime.GOARCH) || !slices.Contains(env, "GOARCH="+arch) {
			t.Errorf("%s on %s: %q", arch, runtime.GOARCH, env)
		}
	}
	if _, err := targetOf("vax"); err == nil {
		t.Error("anything is built")
	}
}

// TestTheRecipe reads the one that images are made from.
func TestTheRecipe(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		r, err := readRecipe("../recipe", arch)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range r.packages {
			if slices.Contains(r.without, name) {
				t.Errorf("%s is installed and left out", name)
			}
		}
		target, err := targetOf(arch)
		if err != nil {
			t.Fatal(err)
		}
		kernels := slices.DeleteFunc(slices.Clone(r.packages), func(name string) bool { return !strings.HasPrefix(name, "linux-image") })
		if diff := cmp.Diff([]string{target.kernel}, kernels); diff != "" {
			t.Errorf("%s: %s", arch, diff)
		}
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
	if _, err := readRecipe(dir, "amd64"); err == nil || !strings.Contains(err.Error(), "modules") {
		t.Errorf("without a list of modules: %v", err)
	}
	write("modules", "dm_verity # a\n")
	write("modules.display", "i915 # a\n")
	write("exposure", "dbus.service 3.0 # a\n")
	write("firmware.display", "/usr/lib/firmware/i915/adlp_dmc.bin # a\n")
	if _, err := readRecipe(dir, "amd64"); err != nil {
		t.Error(err)
	}
	write("modules", "dm_verity # "+strings.Repeat("a", maxList)+"\n")
	if _, err := readRecipe(dir, "amd64"); err == nil {
		t.Error("a list that is too long was read")
	}
	write("modules", "dm-verity # lsmod writes it with _\n")
	if _, err := readRecipe(dir, "amd64"); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a module under another name: %v", err)
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
