package site_test

import (
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
	feedback := low(line("RELAY-BACK"))
	want := struct {
		CEC          string
		Brightness   []site.Level
		Contacts     []site.Contact
		Key          site.Key
		Meter        *site.Meter
		Relay        *site.Relay
		Thermometers []site.Thermometer
		Safety       site.Safety
	}{
		"auto",
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
		&site.Relay{Line: low(line("RELAY")), Feedback: &feedback, SafeClosed: true, Dwell: 2 * time.Minute},
		[]site.Thermometer{
			{Name: "board", Driver: "hwmon", Chip: "coretemp", Channel: "temp1"},
			{Name: "cabinet", Driver: "w1", Chip: "28-0316a2795f1c"},
			{Name: "outside", Driver: "zone", Chip: "acpitz"},
		},
		site.Safety{Dim: 60, CutOff: 70},
	}
	have := want
	have.CEC, have.Brightness, have.Contacts, have.Key = got.Panel.CEC, got.Schedule.Brightness, got.Contacts, got.Key
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
	for _, tt := range []struct{ old, text, want string }{
		{`line = "1"`, `line = "0"`, `line 18: smoke.line: "0" of "ftdi-cbus" is mains.line already: each needs a line of its own`},
		{`line = "1"`, ``, `smoke.line: is missing`},
		{`line = "DOOR"`, `line = 3`, `door.line: must be text in quotation marks`},
		{`does = "off"`, `does = "dark"`, `key.does: "dark" is none of off, on`},
		{`for = "8h"`, `for = "8d"`, `key.for: "8d" is not a length of time`},
		{`lit = 120`, `lit = 4`, `meter.lit: is 4 W and meter.dark is 5 W`},
		{`driver = "s0"`, `driver = "ina219"`, `meter.bus: is missing: write bus = "bcm2835 (i2c@7e804000)" below [meter]`},
		{`pulses_per_kwh = 2000`, `pulses_per_kwh = 0`, `meter.pulses_per_kwh: is 0: write a number from 1 to 100000`},
		{`safe = "closed"`, `safe = "on"`, `relay.safe: "on" is none of closed, open`},
		{`dwell = "2m"`, `dwell = "2h"`, `relay.dwell: is 2h0m0s`},
		{`cabinet = "w1:28-0316a2795f1c"`, `cabinet = "w1:0316a2795f1c"`, `temperature.cabinet: "w1:0316a2795f1c" is no thermometer`},
		{`board = "hwmon:coretemp:temp1"`, `"Bo ard" = "hwmon:coretemp:temp1"`, `temperature.Bo ard: is not a name`},
		{`board = "hwmon:coretemp:temp1"`, `smoke = "hwmon:coretemp:temp1"`, `temperature.smoke: is the name of another sensor`},
		{`dim = 60`, `dim = 72`, `safety.dim: is 72 °C and the cut-off is 70 °C: dim before`},
		{`cut_off = 70`, `cut_off = 90`, `safety.cut_off: is 90: write a number from 60 to 80`},
		{`"06:00 100", "17:30 70"`, `"17:30 70", "06:00 100"`, `schedule.brightness: "06:00 100" is not later`},
		{`"06:00 100"`, `"06:00 101"`, `schedule.brightness: "06:00 101" is not a time and a percentage`},
		{`cec = "auto"`, `cec = "cec0"`, `panel.cec: "cec0" is not a path from the root`},
		{`set_id = 1`, `edition = "old"`, `panel.edition: is of Philips panels`},
		{`driver = "lg"`, "driver = \"sicp\"\nedition = \"ancient\"", `panel.edition: "ancient" is none of new, old`},
		{`driver = "lg"`, "driver = \"sicp\"\nedition = 1", `panel.edition: must be text`},
		{`driver = "lg"`, "driver = \"sicp\"\nedition = \"\"", `panel.edition: "" is none of new, old`},
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

func TestEdition(t *testing.T) {
	for panel, want := range map[string]site.Edition{
		"driver = \"sicp\"\nedition = \"old\"": site.EditionOld,
		"driver = \"sicp\"\nedition = \"new\"": site.EditionNew,
		"driver = \"sicp\"":                    site.EditionNew,
		"driver = \"mdc\"":                     "",
	} {
		s, err := site.Parse([]byte("[site]\nid = \"tinh-bien-01\"\ngate = \"Tịnh Biên\"\n[panel]\nport = \"/dev/ttyUSB0\"\n" + panel + "\n"))
		if err != nil {
			t.Errorf("%s: %v", panel, err)
		} else if s.Panel.Edition != want {
			t.Errorf("%s: edition is %q, want %q", panel, s.Panel.Edition, want)
		}
	}
}
