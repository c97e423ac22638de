// Package internal_test holds the law of the house: who may import whom. The table is docs/DESIGN.md §1.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// law says what of ours each room may import directly. A room that is not listed is a finding: the table and the
// tree change together.
func law() map[string][]string {
	drivers := []string{"hal"}
	return map[string][]string{
		"hal":                       {},
		"hal/gpio":                  drivers,
		"hal/rs232":                 drivers,
		"hal/hwmon":                 drivers,
		"hal/cec":                   drivers,
		"hal/pair":                  drivers,
		"hal/sim":                   drivers,
		"hal/drm":                   drivers,
		"hal/haltest":               drivers,
		"hal/haltest/peer":          {}, // panels that must not share a mistake with the drivers they judge
		"hal/haltest/panelpeer":     {"hal/haltest/peer"},
		"hal/haltest/panelproc":     {},
		"media":                     {"internal/trust", "internal/journal"},
		"media/mpv":                 {"media"},
		"media/fetch":               {"media"},
		"internal/trust":            {},
		"internal/site":             {},
		"internal/journal":          {},
		"internal/journal/sqlite":   {"internal/journal", "internal/sqlfile"},
		"internal/sqlfile":          {},
		"internal/quota":            {},
		"internal/notice":           {},
		"internal/flash":            {},
		"internal/fileset":          {},
		"internal/bootdisk":         {},
		"internal/stick":            {"internal/site", "internal/trust"},
		"internal/watchdog":         {},
		"internal/wire":             {"internal/trust"},
		"internal/control":          {"hal", "media", "internal/wire", "internal/journal"},
		"internal/control/local":    {},
		"internal/control/command":  {"internal/control", "internal/wire", "internal/journal", "internal/quota", "media"},
		"internal/pki":              {},
		"internal/pki/enrol":        {"internal/pki", "internal/trust", "internal/wire"},
		"internal/fleet/guard":      {},
		"internal/fleet":            {"internal/wire", "internal/trust", "internal/journal", "internal/pki", "internal/quota", "internal/fleet/guard"},
		"internal/fleet/department": {"internal/wire", "internal/pki", "internal/fleet/guard"},
		"internal/fleet/brokertest": {
			"internal/wire", "internal/trust", "internal/journal", // a stand-in for broker and centre, for tests and the demo
		},
		"internal/centre":       {"internal/wire", "internal/trust", "internal/journal", "internal/fleet/department", "internal/centre/store"},
		"internal/centre/store": {"internal/wire", "internal/journal", "internal/sqlfile"},
		"internal/centre/depot": {"internal/wire", "media"},
		"cmd/bangtin-center": {
			"internal/trust", "internal/wire", "internal/pki", "internal/pki/enrol", "internal/fleet/department", "internal/journal", "internal/centre",
			"internal/centre/store", "internal/centre/depot", "internal/watchdog",
		},
		"cmd/bangtin": {"internal/flash", "internal/trust", "internal/wire", "internal/pki", "internal/pki/enrol", "media", "internal/fleet", "internal/fleet/department", "hal/rs232", "internal/site", "internal/stick"},
		"cmd/bangtind": {
			"hal", "hal/cec", "hal/drm", "hal/gpio", "hal/haltest", "hal/hwmon", "hal/pair", "hal/rs232", "hal/sim", "media", "media/fetch", "media/mpv", "internal/trust", "internal/site", "internal/journal",
			"internal/journal/sqlite", "internal/wire", "internal/pki", "internal/pki/enrol", "internal/fleet", "internal/control", "internal/control/local",
			"internal/control/command", "internal/watchdog", "internal/notice", "internal/fileset",
		},
		"cmd/bangtin-console":   {"internal/control/local", "internal/notice"},
		"cmd/bangtin-setup":     {"internal/site", "internal/stick", "internal/trust", "internal/notice", "internal/fileset", "internal/pki/enrol", "image/layout", "image/initrd/slate"},
		"cmd/bangtin-player":    {"media", "media/mpv"}, // its tests alone
		"cmd/bangtin-demo":      {"internal/control/local", "internal/fleet/brokertest", "internal/trust", "internal/wire", "internal/journal"},
		"cmd/bangtin-rescue":    {"image/initrd/mapper", "image/layout", "internal/bootdisk", "internal/notice"},
		"cmd/bangtin-bootctl":   {"image/layout", "internal/bootdisk", "updater/bootctl"},
		"image/bootspike":       {"image/bootspike/guest", "image/cpio", "image/debian", "image/layout", "updater/bootctl"},
		"image/bootspike/guest": {"image/layout", "updater/bootctl"}, // it changes environments with the product's own code
		"image/boottest":        {"image/boottest/guest", "image/cpio", "image/debian"},
		"image/boottest/guest":  {},
		"image/cpio":            {},
		"image/debian":          {},
		"image/drawslate":       {},
		"image/initrd":          {"image/layout", "image/initrd/disk", "image/initrd/mapper", "image/initrd/slate", "image/initrd/verity"},
		"image/initrd/disk":     {"image/layout", "image/initrd/verity"},
		"image/initrd/mapper":   {},
		"image/initrd/slate":    {},
		"image/initrd/verity":   {},
		"image/imagetest":       {"image/cpio", "image/initrd/slate", "image/layout", "hal/haltest/peer"}, // the other ends of a controller's lines, and what its screen has first
		"image/imagetest/agent": {},
		"image/imagetest/plain": {"image/layout"},
		"image/layout":          {},
		"image/mkimage":         {"image/cpio", "image/debian", "image/initrd/slate", "image/layout", "image/testkey", "updater/bootctl"},
		"image/secureboot":      {"image/layout", "image/testkey", "updater/bootctl"}, // where things lie, and an environment with a command line
		"image/testkey":         {},
		"updater/bootctl":       {"image/layout"},
	}
}

// forbidden lists what must not be reached even over others, with the reason.
func forbidden() []edge {
	return []edge{
		{"cmd/bangtind", "github.com/mochi-mqtt/server", "the daemon must not be able to become a broker: nothing listens on a controller"},
		{"cmd/bangtind", "net/http/pprof", "no listening port, not even for debugging"},
		{"cmd/bangtind", "testing", "the daemon carries the suite for panels, and not go test with its flags"},
		{"cmd/bangtin-player", module + "media", "what starts mpv as another user trusts nobody's word for mpv's arguments"},
		{"cmd/bangtin-player", cgo, "it is in front of mpv for ever, and small"},
		{"cmd/bangtin-player", "net", "it uses one connection, which it is given"},
		{"cmd/bangtin", cgo, "the department's tool builds without a C compiler on three systems"},
		{"cmd/bangtin", "github.com/mattn/go-sqlite3", "it builds without cgo too, and then cannot open a file"},
		{"cmd/bangtin", module + "internal/sqlfile", "the department's tool keeps no database"},
		{"cmd/bangtin", module + "internal/control", "the department's tool decides nothing for a display"},
		{"cmd/bangtin-console", cgo, "it shows what is wrong when hardly anything runs"},
		{"cmd/bangtin-console", "net/http", "it hears the terminal and local sockets, and no network"},
		{"hal", module + "internal", "hardware knows nothing of the department"},
		{"cmd/bangtind", "testing", "a daemon has no flags of go test"},
		{"hal/haltest", "testing", "the suite runs in the daemon too, which must not get the flags of go test"},
		{"media", module + "hal", "what is shown must not depend on the panel that shows it"},
		{"media", "net/http", "what may be shown is decided without a network"},
		{"internal/control", module + "internal/fleet", "decisions must not depend on whether there is a network"},
		{"internal/control", module + "internal/journal/sqlite", "the safety chain works when the disk does not"},
		{"internal/control", "github.com/eclipse/paho", "decisions must not depend on whether there is a network"},
		{"internal/control", module + "internal/control/command", "decisions must not depend on what may speak with a network or a bus"},
		{"internal/centre", module + "internal/journal/sqlite", "the centre's store is its own: a display's journal has one owner"},
		{"cmd/bangtin-center", module + "internal/control", "the department's server decides nothing for a display"},
		{"internal/trust", "net", "what may be obeyed is decided by signatures alone"},
		{"cmd/bangtin-bootctl", cgo, "what decides which slot starts needs no C library"},
		{"cmd/bangtin-bootctl", "net", "what decides which slot starts hears RAUC alone"},
		{"cmd/bangtin-setup", cgo, "what runs before the daemon needs no C library"},
		{"cmd/bangtin-setup", module + "internal/journal", "what is taken from a stick depends on no journal"},
		{"image/initrd", "net", "what decides whether a root is the signed one hears nobody"},
		{"image/initrd", cgo, "the initrd has no C library"},
		{"media/mpv", module + "internal/journal/sqlite", "the player remembers nothing"},
	}
}

type edge struct{ from, to, reason string }

// cgo stands for any package outside the standard library that is written with cgo.
const cgo = "C"

type room struct {
	ImportPath string
	Imports    []string

	TestImports, XTestImports []string

	Deps     []string // cgo too
	Doc      string
	GoFiles  []string
	CgoFiles []string
	Standard bool
}

const module = "bangtin/"

func rooms(t *testing.T) map[string]room {
	t.Helper()
	all := map[string]room{}
	written := []string{} // with cgo, and not by the makers of Go
	for _, r := range list(t) {
		if len(r.CgoFiles) > 0 && !r.Standard {
			written = append(written, r.ImportPath)
		}
		if name, ours := strings.CutPrefix(r.ImportPath, module); ours && len(r.GoFiles) > 0 {
			all[name] = r
		}
	}
	if len(written) == 0 {
		t.Error("no package with cgo at all: the display's journal has one, so this cannot see them")
	}
	for name, r := range all {
		if slices.ContainsFunc(r.Deps, func(dep string) bool { return slices.Contains(written, dep) }) {
			r.Deps = append(r.Deps, cgo)
			all[name] = r
		}
	}
	return all
}

// list is every room and what they reach.
func list(t *testing.T) []room {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps,TestImports,XTestImports,Doc,GoFiles,CgoFiles,Standard", "bangtin/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("cannot list the rooms: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("cannot list the rooms: %v", err)
	}
	var all []room
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var r room
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
}

func TestRoomsImportWhatTheTableAllows(t *testing.T) {
	for name, r := range rooms(t) {
		allowed, known := law()[name]
		if !known {
			t.Errorf("room %s is not in the table", name)
		}
		for _, imp := range r.Imports {
			ours, isOurs := strings.CutPrefix(imp, module)
			if isOurs && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which the table does not allow", name, ours)
			}
		}
	}
}

func TestForbiddenEdges(t *testing.T) {
	all := rooms(t)
	for _, e := range forbidden() {
		r, ok := all[e.from]
		if !ok {
			t.Errorf("room %s does not exist", e.from)
			continue
		}
		for _, dep := range r.Deps {
			if dep == e.to || strings.HasPrefix(dep, e.to+"/") {
				t.Errorf("%s reaches %s: %s", e.from, dep, e.reason)
			}
		}
	}
}

func TestEveryRoomSaysWhatItIs(t *testing.T) {
	for name, r := range rooms(t) {
		if r.Doc == "" {
			t.Errorf("%s has no package comment", name)
		}
	}
}

func TestEveryRuleIsUsed(t *testing.T) {
	all := rooms(t)
	for name, allowed := range law() {
		r, ok := all[name]
		if !ok {
			t.Errorf("the table names %s, which does not exist", name)
			continue
		}
		for _, to := range allowed {
			used := append(slices.Concat(r.Imports, r.TestImports), r.XTestImports...)
			if !slices.Contains(used, module+to) {
				t.Errorf("the table lets %s import %s, which it does not", name, to)
			}
		}
	}
}
