package site_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/site"
)

func TestReadWired(t *testing.T) {
	got, err := site.Read(filepath.Join("testdata", "wired.toml"))
	if err != nil {
		t.Fatal(err)
	}
	line := func(name string) site.Line { return site.Line{Chip: "expander", Name: name} }
	low := func(l site.Line) site.Line { l.ActiveLow = true; return l }
	feedback := line("RELAY-BACK")
	want := struct {
		CEC, Input   string
		Brightness   []site.Level
		Contacts     []site.Contact
		Key          site.Key
		Meter        *site.Meter
		Relay        *site.Relay
		Thermometers []site.Thermometer
		Safety       site.Safety
	}{
		"auto", "hdmi1",
		[]site.Level{{Percent: 30}, {From: hours(6), Percent: 100}, {From: hours(17) + 30*time.Minute, Percent: 70}},
		[]site.Contact{
			{Name: "mains", Line: site.Line{Chip: "ftdi-cbus", Name: "0", ActiveLow: true}},
			{Name: "smoke", Line: site.Line{Chip: "ftdi-cbus", Name: "1"}},
			{Name: "door", Line: line("DOOR")}, {Name: "tamper", Line: line("TAMPER")}, {Name: "key", Line: low(line("KEY"))},
		},
		site.Key{Does: "off", For: hours(8)},
		&site.Meter{
			Driver: "s0", Lit: 120, Dark: 5, Line: low(line("S0")), PulsesPerKWh: 2000, Address: 0x40, ShuntMilliOhm: 100, MaxAmpere: 3,
		},
		&site.Relay{Line: line("RELAY"), Feedback: &feedback, Dwell: 30 * time.Second},
		[]site.Thermometer{
			{Name: "board", Driver: "hwmon", Chip: "coretemp", Channel: "temp1"},
			{Name: "cabinet", Driver: "w1", Chip: "28-0316a2795f1c"},
			{Name: "outside", Driver: "zone", Chip: "acpitz"},
		},
		site.Safety{Dim: 60, CutOff: 70, Sensors: []string{"cabinet"}},
	}
	have := want
	have.CEC, have.Input, have.Brightness, have.Contacts, have.Key = got.Panel.CEC, got.Panel.Input, got.Schedule.Brightness, got.Contacts, got.Key
	have.Meter, have.Relay, have.Thermometers, have.Safety = got.Meter, got.Relay, got.Thermometers, got.Safety
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("site (-want +got):\n%s", diff)
	}
}

func TestOneClearLineForWhatIsWired(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "wired.toml"))
	if err != nil {
		t.Fatal(err)
	}
	const port = `port = "/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0"`
	for _, tt := range []struct{ old, text, want string }{
		{`line = "1"`, `line = "0"`, `line 19: smoke.line: "0" of "ftdi-cbus" is mains.line already: each needs a line of its own`},
		{`line = "1"`, ``, `smoke.line: is missing`},
		{`line = "DOOR"`, `line = 3`, `door.line: must be text in quotation marks`},
		{`does = "off"`, `does = "dark"`, `key.does: "dark" is none of off, on`},
		{`for = "8h"`, `for = "8d"`, `key.for: "8d" is not a length of time`},
		{`outside = "zone:acpitz"`, `outside = "hwmon:coretemp:temp1"`, `temperature.outside: "hwmon:coretemp:temp1" is there already: each thermometer once`},
		{`dark = 5`, ``, `meter.lit: is there without meter.dark, and a panel that went dark would never be found`},
		{`driver = "s0"`, "driver = \"ina226\"\nbus = \"i2c\"", `meter.chip: does nothing with meter.driver = "ina226": remove it`},
		{`pulses_per_kwh = 2000`, `shunt_milliohm = 100`, `meter.shunt_milliohm: does nothing with meter.driver = "s0": remove it`},
		{`feedback = "RELAY-BACK"`, ``, `relay.feedback_active: does nothing with no relay.feedback: remove it`},
		{`lit = 120`, `lit = 4`, `meter.lit: is 4 W and meter.dark is 5 W`},
		{`driver = "s0"`, `driver = "ina219"`, `meter.bus: is missing: write bus = "bcm2835 (i2c@7e804000)" below [meter]`},
		{`pulses_per_kwh = 2000`, `pulses_per_kwh = 0`, `meter.pulses_per_kwh: is 0: write a number from 1 to 100000`},
		{`contact = "no"`, `contact = "on"`, `relay.contact: "on" is none of no, nc`},
		{`contact = "no"`, ``, `relay.contact: is missing: write contact = "no" below [relay]`},
		{`contact = "no"`, "contact = \"no\"\nsafe = \"open\"", `unknown key "relay.safe"`},
		{`feedback = "RELAY-BACK"`, `feedback = "RELAY"`, `relay.feedback: "RELAY" of "expander" is relay.line already`},
		{`line = "1"`, `line = "00"`, `line 19: smoke.line: "0" of "ftdi-cbus" is mains.line already`},
		{`active = "high"                     # closed at rest`, `active = "low" #`, `smoke.active: is "low", so that a cut cable would read as all well`},
		{`line = "DOOR"`, "line = \"DOOR\"\nactive = \"low\"", `door.active: is "low"`},
		{`line = "TAMPER"`, "line = \"TAMPER\"\nactive = \"low\"", `tamper.active: is "low"`},
		{"chip = \"expander\"\nline = \"DOOR\"", "chip = \"gpiochip0\"\nline = \"DOOR\"", `door.chip: "gpiochip0" is the kernel's number, which changes: write the chip's label, as gpiodetect shows it`},
		{"chip = \"expander\"\nline = \"RELAY\"", "chip = \"/dev/gpiochip12\"\nline = \"RELAY\"", `relay.chip: "/dev/gpiochip12" is the kernel's number`},
		{"chip = \"expander\"\nline = \"DOOR\"", "chip = \"gpiochip0 \"\nline = \"DOOR\"", `door.chip: "gpiochip0 " begins or ends with a space: remove it`},
		{"chip = \"expander\"\nline = \"DOOR\"", "chip = \"/dev//gpiochip0\"\nline = \"DOOR\"", `door.chip: "/dev//gpiochip0" is the kernel's number`},
		{"chip = \"expander\"\nline = \"DOOR\"", "chip = \"expander\"\nline = \" DOOR\"", `door.line: " DOOR" begins or ends with a space`},
		{`board = "hwmon:coretemp:temp1"`, `board = "hwmon:coretemp :temp1"`, `temperature.board: "coretemp " begins or ends with a space`},
		{port, `port = "/dev/ttyUSB0"`, `panel.port: "/dev/ttyUSB0" is the kernel's number, which changes: write the port's name in /dev/serial/by-id, or in /dev/serial/by-path`},
		{port, `port = "/dev/../dev/ttyACM12"`, `panel.port: "/dev/ttyACM12" is the kernel's number`},
		{port, `port = "/dev/ttyS0 "`, `panel.port: "/dev/ttyS0 " begins or ends with a space`},
		{`driver = "lg"`, "driver = \"cec\"\nport = \"/dev/cec0\"\n[panel2]", `panel.port: "/dev/cec0" is the kernel's number, which changes: have the adapter with a TV found (no panel.port, or panel.cec = "auto")`},
		{`cec = "auto"`, `cec = "/dev/cec1"`, `panel.cec: "/dev/cec1" is the kernel's number, which changes: have the adapter with a TV found`},
		{`driver = "s0"`, "driver = \"ina219\"\nbus = \"b\"\nmax_ampere = 10", `meter.max_ampere: is 10 A, which through meter.shunt_milliohm = 100 is 1000 mV: an ina219 measures 21 to 320 mV`},
		{`driver = "s0"`, "driver = \"ina226\"\nbus = \"b\"\nshunt_milliohm = 100", `meter.max_ampere: is 8 A, which through meter.shunt_milliohm = 100 is 800 mV: an ina226 measures 6 to 81 mV`},
		{`outside = "zone:acpitz"`, `outside = "w1:28-0316a2795f1c"`, `temperature.outside: "w1:28-0316a2795f1c" is there already`},
		{`outside = "zone:acpitz"`, nine(), `temperature: has 9 thermometers on the 1-wire bus: write at most 8`},
		{`dwell = "30s"`, `dwell = "2h"`, `relay.dwell: is 2h0m0s`},
		{`sensors = ["cabinet"]`, `sensors = ["cabinet", "attic"]`, `safety.sensors: "attic" is none of the thermometers below [temperature]`},
		{`sensors = ["cabinet"]`, `sensors = ["cabinet", "cabinet"]`, `safety.sensors: "cabinet" is there twice`},
		{`cabinet = "w1:28-0316a2795f1c"`, `cabinet = "w1:0316a2795f1c"`, `temperature.cabinet: "w1:0316a2795f1c" is no thermometer`},
		{`board = "hwmon:coretemp:temp1"`, `"Bo ard" = "hwmon:coretemp:temp1"`, `temperature.Bo ard: is not a name`},
		{`board = "hwmon:coretemp:temp1"`, `smoke = "hwmon:coretemp:temp1"`, `temperature.smoke: is the name of another sensor`},
		{`dim = 60`, `dim = 72`, `safety.dim: is 72 °C and the cut-off is 70 °C: dim before`},
		{`cut_off = 70`, `cut_off = 90`, `safety.cut_off: is 90: write a number from 60 to 80`},
		{`"06:00 100", "17:30 70"`, `"17:30 70", "06:00 100"`, `schedule.brightness: "06:00 100" is not later`},
		{`"06:00 100"`, `"06:00 101"`, `schedule.brightness: "06:00 101" is not a time and a percentage`},
		{`"00:00 30", "06:00 100", "17:30 70"`, `"07:00 0"`, `schedule.brightness: "07:00 0" reaches into a window, where nobody would see the picture: write at least 10`},
		{`"00:00 30", "06:00 100", "17:30 70"`, `"00:00 5", "07:01 100"`, `"00:00 5" reaches into a window`},
		{`"00:00 30", "06:00 100", "17:30 70"`, `"08:00 100", "18:30 9"`, `"18:30 9" reaches into a window`},
		{`"00:00 30", "06:00 100", "17:30 70"`, `"06:00 100", "17:30 1"`, `"17:30 1" reaches into a window`},
		{`cec = "auto"`, `cec = "cec0"`, `panel.cec: "cec0" is not a path from the root`},
		{`set_id = 1`, `edition = "old"`, `panel.edition: is of Philips panels`},
		{`driver = "lg"`, "driver = \"sicp\"\nedition = \"ancient\"", `panel.edition: "ancient" is none of new, old`},
		{`driver = "lg"`, "driver = \"sicp\"\nedition = 1", `panel.edition: must be text`},
		{`driver = "lg"`, "driver = \"sicp\"\nedition = \"\"", `panel.edition: "" is none of new, old`},
		{`driver = "lg"`, "driver = \"hdmi\"\n[output]\nvideo = \"null\"\n[panel2]", `output.video: is "null": a panel would show nothing of it and be on air all the same; write "drm" or "auto"`},
		{`driver = "lg"`, "driver = \"hdmi\"\n[output]\nvideo = \"window\"\n[panel2]", `output.video: is "window"`},
		{`driver = "lg"`, "driver = \"lg\"\n[output]\nvideo = \"null\"\n[panel2]", `output.video: is "null"`},
		{`driver = "lg"`, "driver = \"cec\"\n[output]\nvideo = \"window\"\n[panel2]", `output.video: is "window"`},
		{`driver = "lg"`, `driver = "hdmi"`, `panel.cec: is the second way to a panel on a serial line`},
	} {
		if strings.Count(string(data), tt.old) != 1 {
			t.Fatalf("%q is not once in the file", tt.old)
		}
		_, err := site.Parse([]byte(strings.Replace(string(data), tt.old, tt.text, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got\n%v\nwant %q", tt.text, err, tt.want)
		}
	}
}

// nine has eight thermometers beside the one of the file.
func nine() string {
	var lines []string
	for n := range 8 {
		lines = append(lines, fmt.Sprintf(`t%d = "w1:28-0316a2795f2%d"`, n, n))
	}
	return strings.Join(lines, "\n")
}

// TestRelayContact: what the file says of the coil's current is turned into what the line says of the panel.
func TestRelayContact(t *testing.T) {
	for _, tt := range []struct {
		keys string
		low  bool // the panel is fed while the line is low
		safe bool // fed without current
	}{
		{`contact = "no"`, false, false},
		{"contact = \"no\"\nactive = \"low\"", true, false},
		{`contact = "nc"`, true, true},
		{"contact = \"nc\"\nactive = \"low\"", false, true},
	} {
		s, err := site.Parse([]byte("[site]\nid = \"abc\"\ngate = \"G\"\n[panel]\ndriver = \"sim\"\n[relay]\nchip = \"c\"\nline = \"01\"\n" + tt.keys))
		if err != nil {
			t.Fatal(err)
		}
		want := &site.Relay{Line: site.Line{Chip: "c", Name: "1", ActiveLow: tt.low}, SafeClosed: tt.safe, Dwell: site.DefaultDwell}
		if diff := cmp.Diff(want, s.Relay); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.keys, diff)
		}
	}
}

// TestMeterDefaults: each of them measures with nothing but its bus written down.
func TestMeterDefaults(t *testing.T) {
	for driver, want := range map[string][2]int{"ina219": {100, 3}, "ina226": {10, 8}} {
		s, err := site.Parse([]byte("[site]\nid = \"abc\"\ngate = \"G\"\n[panel]\ndriver = \"sim\"\n[meter]\nbus = \"CP2112\"\ndriver = \"" + driver + "\""))
		if err != nil {
			t.Error(err)
		} else if got := [2]int{s.Meter.ShuntMilliOhm, s.Meter.MaxAmpere}; got != want {
			t.Errorf("%s: %v, want %v", driver, got, want)
		}
	}
}

func TestEdition(t *testing.T) {
	for panel, want := range map[string]site.Edition{
		"driver = \"sicp\"\nedition = \"old\"": site.EditionOld,
		"driver = \"sicp\"\nedition = \"new\"": site.EditionNew,
		"driver = \"sicp\"":                    site.EditionNew,
		"driver = \"mdc\"":                     "",
	} {
		s, err := site.Parse([]byte("[site]\nid = \"tinh-bien-01\"\ngate = \"Tịnh Biên\"\n[panel]\nport = \"/dev/ttyS0\"\n" + panel + "\n"))
		if err != nil {
			t.Errorf("%s: %v", panel, err)
		} else if s.Panel.Edition != want {
			t.Errorf("%s: edition is %q, want %q", panel, s.Panel.Edition, want)
		}
	}
}

// TestInput: the names of the panel's driver and no others, and none where nobody can ask or switch.
func TestInput(t *testing.T) {
	parse := func(driver site.Driver, line string) (*site.Site, error) {
		port := ""
		if driver.OnLine() {
			port = "port = \"/dev/serial/by-id/x\"\n"
		}
		return site.Parse([]byte("[site]\nid = \"abc\"\ngate = \"G\"\n[panel]\ndriver = \"" + string(driver) + "\"\n" + port + line))
	}
	for _, driver := range []site.Driver{site.MDC, site.LG, site.NEC, site.SICP, site.CEC, site.HDMI, site.Sim} {
		if s, err := parse(driver, ""); err != nil || s.Panel.Input != "" {
			t.Errorf("%s: %v", driver, err)
		}
		for _, name := range driver.Inputs() {
			if s, err := parse(driver, "input = \""+name+"\""); err != nil || s.Panel.Input != name {
				t.Errorf("%s, %s: %v", driver, name, err)
			}
		}
	}
	for _, tt := range []struct {
		driver     site.Driver
		line, want string
	}{
		{site.MDC, `input = "hmdi1"`, `line 7: panel.input: "hmdi1" is none of hdmi1, hdmi2, hdmi3, hdmi4, dp, dvi: did you mean "hdmi1"?`},
		{site.MDC, `input = "HDMI1"`, `line 7: panel.input: "HDMI1" is none of hdmi1, `},
		{site.LG, `input = "ops"`, `line 7: panel.input: "ops" is none of hdmi1, hdmi2, hdmi3, dp, dvi, vga`},
		{site.NEC, `input = ""`, `line 7: panel.input: "" is none of hdmi1, `},
		{site.SICP, `input = 1`, `line 7: panel.input: must be text`},
		{site.HDMI, `input = "hdmi1"`, `line 6: panel.input: is for panels on a serial line: with panel.driver = "hdmi" nobody can ask or switch it; remove it`},
		{site.CEC, `input = "hdmi1"`, `line 6: panel.input: is for panels on a serial line`},
	} {
		_, err := parse(tt.driver, tt.line)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s, %s: %v, want %s", tt.driver, tt.line, err, tt.want)
		}
	}
}

func TestThermometerOfThePanel(t *testing.T) {
	for keys, want := range map[string]bool{"": false, `thermometer = "believe"`: false, `thermometer = "ignore"`: true} {
		s, err := site.Parse([]byte("[site]\nid = \"abc\"\ngate = \"G\"\n[panel]\ndriver = \"sim\"\n" + keys))
		if err != nil || s.Panel.InsideLies != want {
			t.Errorf("%q: %v", keys, err)
		}
	}
}

func TestSignal(t *testing.T) {
	for keys, want := range map[string]bool{"": false, `signal = "believe"`: false, `signal = "ignore"`: true} {
		s, err := site.Parse([]byte("[site]\nid = \"abc\"\ngate = \"G\"\n[panel]\ndriver = \"sim\"\n" + keys))
		if err != nil || s.Panel.SignalLies != want {
			t.Errorf("%q: %v", keys, err)
		}
	}
}

// TestDarkOutsideOfTheWindows: what nobody is owed may be as dark as it likes, up to the second.
func TestDarkOutsideOfTheWindows(t *testing.T) {
	for _, levels := range []string{`"00:00 0", "07:00 100", "11:00 0", "14:00 80", "18:00 0"`, `"07:00 10", "18:00 0"`, `"12:00 1", "13:00 10"`} {
		if _, err := site.Parse([]byte("[site]\nid = \"abc\"\ngate = \"G\"\n[schedule]\nbrightness = [" + levels + "]\n[panel]\ndriver = \"sim\"\n")); err != nil {
			t.Errorf("%s: %v", levels, err)
		}
	}
}
