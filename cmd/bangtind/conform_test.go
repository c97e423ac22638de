package main_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"bangtin/hal/haltest/panelproc"

	main "bangtin/cmd/bangtind"
)

// smoke runs `bangtind smoke` on a panel of that site file and returns the exit code, what was said and the report.
func smoke(t *testing.T, panel, typed string, args ...string) (code int, said, report string) {
	t.Helper()
	data, path := t.TempDir(), filepath.Join(t.TempDir(), "site.toml")
	text := fmt.Sprintf("[site]\nid = \"tinh-bien-01\"\ngate = \"Cửa khẩu thử nghiệm\"\ndata = %q\n[panel]\n%s", data, panel)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var errs strings.Builder
	in, keys := io.Pipe()
	defer keys.Close()
	out := &impatient{keys: keys, types: typed, leave: cancel, stays: !strings.Contains(panel, "/dev/pts")}
	m := &main.Main{
		Args: append([]string{"--site", path, "smoke", "--language", "en"}, args...), Stdin: in, Stdout: out, Stderr: &errs, Wall: time.Now,
	}
	m.ReadFrom(filepath.Join(filepath.Dir(path), "sys"))
	if err := os.CopyFS(filepath.Join(filepath.Dir(path), "sys"), hotChip()); err != nil {
		t.Fatal(err)
	}
	code = m.Run(ctx)
	if reports, _ := filepath.Glob(filepath.Join(data, "smoke-*.txt")); len(reports) == 1 {
		raw, err := os.ReadFile(reports[0])
		if err != nil {
			t.Fatal(err)
		}
		report = string(raw)
	}
	return code, out.text.String() + errs.String(), report
}

// impatient is who answers when it is asked, and leaves after the first check that passed, unless it stays.
type impatient struct {
	text  strings.Builder
	keys  io.WriteCloser
	types string // nothing is somebody who walks away
	leave func()
	stays bool
}

func (p *impatient) Write(b []byte) (int, error) {
	p.text.Write(b)
	if strings.Contains(string(b), "Begin?") {
		_, _ = io.WriteString(p.keys, p.types)
		p.keys.Close()
	}
	if !p.stays && strings.Contains(p.text.String(), "pass on and off") {
		p.leave()
	}
	return len(b), nil
}

func TestSmokeOfTheSimulator(t *testing.T) {
	t.Parallel()
	code, said, report := smoke(t, "driver = \"mdc\"\nport = \"/dev/null\"\n", "")
	if code != 0 || !strings.Contains(report, "panel: driver=sim\n") || !strings.Contains(report, "\n12 passed, 0 failed, 4 skipped\n") {
		t.Errorf("exit code %d, said\n%s\nreport\n%s", code, said, report)
	}
}

// TestSmokeAsksBefore: a panel on the wall is switched by nobody who did not say so.
func TestSmokeAsksBefore(t *testing.T) {
	t.Parallel()
	panel := panelproc.StartPanel(t, panelproc.BuildPanel(t), "-protocol=nec", "-id=1", "-warmup=100ms")
	code, said, report := smoke(t, fmt.Sprintf("driver = \"nec\"\nport = %q\n", panel.Path), "", "-hardware")
	if code != 1 || report != "" || !strings.Contains(said, "Nothing was done.") {
		t.Errorf("nobody said yes: exit code %d, said\n%s", code, said)
	}
	if state := panel.State(); state != "off" {
		t.Errorf("nobody said yes, and the panel is %s", state)
	}
}

// TestSmokeOfAPanelOnTheLine: the report has what the panel says of itself, each check, and every byte. The driver waits
// as for a real panel, two minutes for the whole suite: the person ends it after the first check, and has a report all the same.
func TestSmokeOfAPanelOnTheLine(t *testing.T) {
	t.Parallel()
	panel := panelproc.StartPanel(t, panelproc.BuildPanel(t), "-protocol=lg", "-id=1", "-warmup=100ms")
	code, said, report := smoke(t, fmt.Sprintf("driver = \"lg\"\nport = %q\n", panel.Path), "y\n", "-hardware")
	if code != 1 {
		t.Errorf("exit code %d of a suite that was cut short, said\n%s", code, said)
	}
	for _, want := range []string{
		`^panel: driver=lg port=/dev/pts/\d+ set_id=1$`, `^the panel says:$`, `^     serial=\w`, `^     hours=\d`,
		`^pass on and off \(`, `^skip close \(0s\)\n     not made: context canceled$`, `^1 passed, 0 failed, 15 skipped$`,
		`^ +\d+\.\d{6} opened /dev/pts/\d+$`, `^ +\d+\.\d{6} > 6B 61 20 30 31 20 30 31 0D$`, `^ +\d+\.\d{6} < `, `^ +\d+\.\d{6} closed$`,
	} {
		if !regexp.MustCompile("(?m)" + want).MatchString(report) {
			t.Errorf("the report does not say %s:\n%s\n%.4000s", want, said, report)
		}
	}
}

// TestSmokeRefusesWhatCannotBeTalkedTo.
func TestSmokeRefusesWhatCannotBeTalkedTo(t *testing.T) {
	t.Parallel()
	if code, said, _ := smoke(t, "driver = \"hdmi\"\n", "", "-hardware", "--yes"); code != 1 || !strings.Contains(said, "nobody can talk to") {
		t.Errorf("exit code %d, said\n%s", code, said)
	}
}

// hotChip is a sysfs with one thermometer, which measures 80 °C.
func hotChip() fstest.MapFS {
	const chip = "class/hwmon/hwmon0/"
	return fstest.MapFS{chip + "name": {Data: []byte("lm75\n")}, chip + "temp1_input": {Data: []byte("80000\n")}}
}

// TestSmokeEndsAtAFire: the suite keeps a panel fed for half an hour, and watches what the site file has watched.
func TestSmokeEndsAtAFire(t *testing.T) {
	t.Parallel()
	panel := panelproc.StartPanel(t, panelproc.BuildPanel(t), "-protocol=lg", "-id=1", "-warmup=100ms")
	site := fmt.Sprintf("driver = \"lg\"\nport = %q\n[temperature]\nback = \"hwmon:lm75:temp1\"\n", panel.Path)
	code, said, report := smoke(t, site, "y\n", "-hardware")
	const want = "cannot go on with a panel near a fire: back"
	if code != 1 || !strings.Contains(said, want) || !strings.Contains(report, want) {
		t.Errorf("exit code %d, said\n%s\nreport\n%.2000s", code, said, report)
	}
	if state := panel.State(); state != "off" {
		t.Errorf("the panel is %s", state)
	}
}
