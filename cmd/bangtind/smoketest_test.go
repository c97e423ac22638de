package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"

	main "bangtin/cmd/bangtind"
)

// hands is the person at a simulated rig: it reads each line, does what is asked, and types what it sees.
type hands struct {
	t     *testing.T
	rig   *sim.Rig
	text  strings.Builder
	keys  *io.PipeWriter
	undo  func()
	lazy  []string          // requests that it does not follow
	types map[string]string // what it types upon a request, in the place of doing it
	luck  map[string]func() // what happens by itself upon a request
}

func (h *hands) Write(p []byte) (int, error) {
	h.text.Write(p)
	for line := range strings.Lines(string(p)) {
		h.hear(line)
	}
	return len(p), nil
}

func (h *hands) hear(line string) {
	for _, lazy := range h.lazy {
		if strings.Contains(line, lazy) {
			h.undo = func() {}
			return
		}
	}
	for request, happens := range h.luck {
		if strings.Contains(line, request) {
			happens()
		}
	}
	for request, key := range h.types {
		if strings.Contains(line, request) {
			fmt.Fprintln(h.keys, key)
			return
		}
	}
	seen := h.rig.Snapshot()
	for request, do := range map[string]func(){
		"take the mains away":             h.turn(h.rig.SetMains, seen.Mains),
		"trip the smoke detector":         h.turn(h.rig.SetSmoke, seen.Smoke),
		"open the cabinet's door":         h.turn(h.rig.SetDoor, seen.Door),
		"operate the tamper contact":      h.turn(h.rig.SetTamper, seen.Tamper),
		"turn the key":                    h.turn(h.rig.TurnKey, seen.Key),
		"put it back as it was":           func() { h.undo() },
		"reset the smoke detector":        func() { h.rig.SetSmoke(false) },
		"Is the panel lit?":               h.say(seen.Lit),
		"standby lamp dark now?":          h.say(!seen.RelayClosed),
		"standby lamp lit again?":         h.say(seen.RelayClosed),
		"Before you touched it, it read:": h.say(true),
	} {
		if strings.Contains(line, request) {
			do()
		}
	}
}

func (h *hands) turn(set func(bool), is bool) func() {
	return func() {
		h.undo = func() { set(is) }
		set(!is)
	}
}

func (h *hands) say(yes bool) func() {
	return func() { fmt.Fprintln(h.keys, map[bool]string{true: "y", false: "n"}[yes]) }
}

// commissioned is what came of a smoke-test.
type commissioned struct {
	code               int
	said, report, errs string
}

// commission runs a smoke-test on a rig, with a person whose habits prepare sets.
func commission(t *testing.T, site string, relay func(hal.Relay) hal.Relay, prepare func(*hands), args ...string) (c commissioned) {
	t.Helper()
	data := t.TempDir()
	path := filepath.Join(t.TempDir(), "site.toml")
	text := fmt.Sprintf("[site]\nid = \"tinh-bien-01\"\ngate = \"Cửa khẩu thử nghiệm\"\ndata = %q\n[panel]\ndriver = \"sim\"\n%s", data, site)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if relay == nil {
		relay = func(r hal.Relay) hal.Relay { return r }
	}
	synctest.Test(t, func(t *testing.T) {
		in, keys := io.Pipe()
		h := &hands{t: t, rig: sim.NewRig(sim.Config{}), keys: keys, undo: func() {}}
		if prepare != nil {
			prepare(h)
		}
		var errs strings.Builder
		m := &main.Main{
			Args: append([]string{"--site", path, "smoke-test"}, args...), Stdin: in, Stdout: h, Stderr: &errs, Wall: time.Now,
			Getenv: func(string) string { return "" },
		}
		m.OnRig(h.rig, relay)
		c.code = m.Run(t.Context())
		keys.Close()
		c.said, c.errs = h.text.String(), errs.String()
	})
	if reports, _ := filepath.Glob(filepath.Join(data, "smoke-test-*.txt")); len(reports) == 1 {
		raw, err := os.ReadFile(reports[0])
		if err != nil {
			t.Fatal(err)
		}
		if c.report = string(raw); !strings.Contains(c.said, reports[0]) {
			t.Errorf("the report is in %s, which nobody was told", reports[0])
		}
	}
	return c
}

// needs checks what a report says.
func (c commissioned) needs(t *testing.T, code int, want ...string) {
	t.Helper()
	if c.code != code {
		t.Errorf("exit code %d, want %d: %s", c.code, code, c.errs)
	}
	for _, w := range want {
		if !regexp.MustCompile("(?m)" + w).MatchString(c.report) {
			t.Errorf("the report does not say %s", w)
		}
	}
	if t.Failed() {
		t.Logf("said:\n%s\nreport:\n%s", c.said, c.report)
	}
}

func TestSmokeTestOfAGoodDisplay(t *testing.T) {
	c := commission(t, "[output]\nvideo = \"null\"\n", nil, nil, "--language", "en")
	c.needs(t, 0,
		`^display: tinh-bien-01, Cửa khẩu thử nghiệm$`, `^panel: driver=sim$`,
		`^PASS: mains contact\n    read mains absent after 0s\n    read mains present after 0s$`, `^PASS: smoke contact$`, `^PASS: door contact$`,
		`^PASS: tamper contact$`, `^PASS: key switch$`, `^PASS: thermometers\n    cabinet: 25°C\n    panel: 30°C$`,
		`^PASS: panel on\n    read back after \d+(\.\d)?s\n    seen to be so\n    model=simulated panel\n    serial=SIM0000001$`,
		`^PASS: brightness\n    it was 100 %\n    set to 20 % and read back\n    set to 100 % and read back$`,
		`^PASS: meter, panel lit\n    120W to 120W$`, `^PASS: panel off$`,
		`^PASS: meter, panel dark\n    500mW to 500mW\n    for the site file, below \[meter\]: lit = 84 and dark = 1$`,
		`^PASS: relay$`, `^PASS: safety chain\n    relay open after \d+m?s\n    panel acknowledged to go off after \d+ms$`,
	)
	if strings.Contains(c.report, "FAIL") || strings.Contains(c.report, "NOT TRIED") {
		t.Errorf("a good display is not good:\n%s", c.report)
	}
}

func TestSmokeTestFinds(t *testing.T) {
	for _, test := range []struct {
		name    string
		relay   func(hal.Relay) hal.Relay
		prepare func(*hands)
		code    int
		want    []string
	}{
		{"a smoke contact that never changes", nil, func(h *hands) { h.rig.SetSensorFault(sim.SmokeSensor, sim.SensorStuck) }, 1, []string{
			`^FAIL: smoke contact\n    did not read smoke within 1m0s: still no smoke$`, `^PASS: door contact$`, `^FAIL: safety chain\n    no smoke was read within 1m0s$`,
		}},
		{"a smoke contact that is gone", nil, func(h *hands) { h.rig.SetSensorFault(sim.SmokeSensor, sim.SensorGone) }, 1, []string{
			`^FAIL: smoke contact\n    nothing that can be believed: sensor is gone$`,
		}},
		{"a smoke contact that says nothing", nil, func(h *hands) { h.rig.SetSensorFault(sim.SmokeSensor, sim.SensorQuiet) }, 1, []string{
			`^FAIL: smoke contact\n    nothing that can be believed: nothing heard yet$`,
		}},
		{"a smoke contact that says nothing, and smoke that was typed", nil, func(h *hands) {
			h.rig.SetSensorFault(sim.SmokeSensor, sim.SensorQuiet)
			h.types = map[string]string{"trip the smoke detector now": "t"}
		}, 1, []string{
			`^FAIL: safety chain\n    the smoke was typed: .*\n    relay open after (.*\n)+    smoke: nothing that can be believed: nothing heard yet$`,
		}},
		{"a thermometer that says nothing", nil, func(h *hands) { h.rig.SetSensorFault(sim.CabinetSensor, sim.SensorQuiet) }, 1, []string{
			`^FAIL: thermometers\n    cabinet: nothing that can be believed: nothing heard yet$`,
			`^FAIL: safety chain\n(    .*\n)+    cabinet: nothing that can be believed: nothing heard yet$`,
		}},
		{"a thermometer that falls silent with the panel's supply", nil, func(h *hands) {
			h.luck = map[string]func(){"trip the smoke detector now": func() { h.rig.SetSensorFault(sim.CabinetSensor, sim.SensorQuiet) }}
		}, 1, []string{
			`^PASS: thermometers$`, `^FAIL: safety chain\n    relay open after (.*\n)+    cabinet: nothing that can be believed: it fell silent$`,
		}},
		{"a contact wired the other way round", nil, func(h *hands) {
			h.rig.SetTamper(true)
			h.types = map[string]string{"Before you touched it, it read: tampered with": "n"}
		}, 1, []string{`^FAIL: tamper contact\n(    .*\n)+    it read the other way round`}},
		{"a door that was open", nil, func(h *hands) { h.rig.SetDoor(true) }, 0, []string{`^PASS: door contact\n    read closed after 0s\n    read open after 0s$`}},
		{"a relay that does not move", func(hal.Relay) hal.Relay { return welded{} }, nil, 1, []string{
			`^FAIL: relay\n(    .*\n)*    the feedback does not agree$`, `^FAIL: safety chain\n    the relay did not open: the feedback does not agree$`,
		}},
		{"a relay that says it moved and did not", func(r hal.Relay) hal.Relay { return idleRelay{} }, nil, 1, []string{
			`^FAIL: relay\n(    .*\n)*    the person sees the opposite$`,
		}},
		{"a relay that cannot be kept closed while something else is tried", func(r hal.Relay) hal.Relay { return &looseRelay{Relay: r} }, nil, 1, []string{
			`^FAIL: relay, outside its step\n    cannot keep the relay as it was set: the line is gone$`, `^PASS: relay$`, `^PASS: safety chain$`,
		}},
		{"a relay that is slow", func(r hal.Relay) hal.Relay { return slowRelay{r} }, nil, 1, []string{
			`^FAIL: safety chain\n    the relay was open after 2\.53s; 2s are allowed$`,
		}},
		{"a silent panel", nil, func(h *hands) { h.rig.SetPanelFault(sim.Silent, true) }, 1, []string{
			`^FAIL: panel on\n    the panel does not obey: .*does not answer$`, `^FAIL: panel off$`, `^NOT TRIED: safety chain\n    not made: the panel is not on$`,
		}},
		{"a panel that disobeys", nil, func(h *hands) { h.rig.SetPanelFault(sim.Disobeys, true) }, 1, []string{
			`^FAIL: panel on\n    it acknowledges, and reads off$`, `^FAIL: brightness$`,
		}},
		{"a black panel", nil, func(h *hands) { h.rig.SetPanelFault(sim.Black, true) }, 1, []string{
			`^FAIL: panel on\n    read back after .*\n    the person sees the opposite$`, `^FAIL: meter, panel dark\n    .*\n    lit and dark draw too much alike`,
		}},
		{"a panel that cannot be read", nil, func(h *hands) { h.rig.SetPanelFault(sim.Blind, true) }, 0, []string{
			`^PASS: panel on\n    acknowledged; this panel cannot be read back\n    seen to be so$`, `^PASS: safety chain$`,
		}},
		{"smoke that was typed", nil, func(h *hands) { h.types = map[string]string{"trip the smoke detector now": "t"} }, 0, []string{
			`^PASS: safety chain\n    the smoke was typed: the contact had no part in it\n    relay open after`,
		}},
		{"a hot cabinet", nil, func(h *hands) { h.rig.SetTemperature(sim.CabinetSensor, 353_150_000_000) }, 1, []string{
			`^FAIL: thermometers\n    cabinet: 80°C is not what a cabinet has; the display cuts off at 75 °C$`,
		}},
		{"a lazy person", nil, func(h *hands) { h.types = map[string]string{"turn the key": ""} }, 3, []string{
			`^NOT TRIED: key switch\n    skipped$`, `^PASS: safety chain$`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			commission(t, "", test.relay, test.prepare, "--language", "en").needs(t, test.code, test.want...)
		})
	}
}

// welded is a relay whose feedback contact never agrees.
type welded struct{}

func (welded) Set(context.Context, bool) error { return errors.New("the feedback does not agree") }

// idleRelay has no feedback contact, and no contact that moves either.
type idleRelay struct{}

func (idleRelay) Set(context.Context, bool) error { return nil }

// looseRelay fails the first time that it is closed, and not again.
type looseRelay struct {
	hal.Relay
	failed bool // one Set at a time: heldRelay sees to that
}

func (r *looseRelay) Set(ctx context.Context, closed bool) error {
	if closed && !r.failed {
		r.failed = true
		return errors.New("the line is gone")
	}
	return r.Relay.Set(ctx, closed)
}

// slowRelay takes longer than is allowed.
type slowRelay struct{ hal.Relay }

func (r slowRelay) Set(ctx context.Context, closed bool) error {
	if !closed {
		time.Sleep(2500 * time.Millisecond)
	}
	return r.Relay.Set(ctx, closed)
}

// TestSmokeTestHoldsTheMeterOfTheSiteFile: what is written there must bear out what is measured.
func TestSmokeTestHoldsTheMeterOfTheSiteFile(t *testing.T) {
	meter := "[meter]\ndriver = \"ina226\"\nbus = \"x\"\nlit = %d\ndark = %d\n"
	commission(t, fmt.Sprintf(meter, 100, 2), nil, nil, "--language", "en").needs(t, 0, `^PASS: meter, panel dark$`)
	commission(t, fmt.Sprintf(meter, 150, 2), nil, nil, "--language", "en").needs(t, 1,
		`^FAIL: meter, panel dark\n(    .*\n)*    meter.lit is 150 W, and this panel was lit with less$`)
}

// TestSmokeTestSpeaksVietnamese unless it is told otherwise.
func TestSmokeTestSpeaksVietnamese(t *testing.T) {
	c := commission(t, "", nil, func(h *hands) { h.keys.Close() })
	c.needs(t, 3, `^CHƯA THỬ: tiếp điểm báo khói\n    không có người trả lời$`, `^ĐẠT: bật màn hình$`, `^CHƯA THỬ: rơ-le$`)
	if !strings.Contains(c.said, "Xin kích đầu báo khói (bằng nút thử hoặc nam châm thử của nó). Phải đọc được: có khói. [Enter = bỏ qua]") {
		t.Errorf("it says\n%s", c.said)
	}
}

// TestNoTestFeedsWhatAFireHasCutOff: where the journal took nothing, or is gone, the latch stands in its copy alone.
func TestNoTestFeedsWhatAFireHasCutOff(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	latch, _, err := control.OpenLatchFile(filepath.Join(data, "fire-latch"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "site.toml")
	text := fmt.Sprintf("[site]\nid = \"tinh-bien-01\"\ngate = \"G\"\ndata = %q\n[panel]\ndriver = \"hdmi\"\n", data)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, fire := range []string{"smoke reported by smoke", ""} {
		if err := latch.Save(fire); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"smoke-test", "--language", "en"}, {"smoke", "-hardware", "--yes"}} {
			var out, errs strings.Builder
			m := &main.Main{Args: append([]string{"--site", path}, args...), Stdout: &out, Stderr: &errs, Wall: time.Now}
			m.OnRig(sim.NewRig(sim.Config{}), func(r hal.Relay) hal.Relay { return r })
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // whatever is begun ends at once
			code := m.Run(ctx)
			if refused := strings.Contains(errs.String(), "a fire has cut off (smoke reported by smoke)"); refused != (fire != "") || refused && code != 1 {
				t.Errorf("%s after %q: exit code %d, %s%s", args, fire, code, out.String(), errs.String())
			}
		}
	}
}

// TestSmokeTestLeavesARunningDisplayAlone: the lock belongs to the daemon, and the message says what to do.
func TestSmokeTestLeavesARunningDisplayAlone(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	f, err := os.Create(filepath.Join(data, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "site.toml")
	text := fmt.Sprintf("[site]\nid = \"tinh-bien-01\"\ngate = \"G\"\ndata = %q\n[panel]\ndriver = \"mdc\"\nport = \"/dev/null\"\n", data)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"smoke-test", "--language", "en"}, {"smoke", "-hardware", "--yes"}} {
		var out, errs strings.Builder
		m := &main.Main{Args: append([]string{"--site", path}, args...), Stdout: &out, Stderr: &errs, Wall: time.Now}
		if code := m.Run(t.Context()); code != 1 || !strings.Contains(errs.String(), "systemctl stop bangtind") {
			t.Errorf("%s: exit code %d, %s", args, code, errs.String())
		}
	}
}
