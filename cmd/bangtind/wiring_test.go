package main_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	main "bangtin/cmd/bangtind"
	"bangtin/hal"
	"bangtin/internal/site"
	"bangtin/internal/wire"
)

// siteWith is a site file with these tables beside what it must have.
func siteWith(t *testing.T, tables string) (*site.Site, error) {
	t.Helper()
	return site.Parse([]byte("[site]\nid = \"abc\"\ngate = \"G\"\n[panel]\ndriver = \"lg\"\nport = \"/dev/ttyX\"\n" + tables))
}

// TestWhatASiteFileMaySayCanBeBuilt: what the site file's own rules let pass no driver refuses at start.
func TestWhatASiteFileMaySayCanBeBuilt(t *testing.T) {
	tables := []string{
		"[mains]\nchip = \"c\"\nline = \"1\"\nactive = \"high\"", "[key]\nchip = \"c\"\nline = \"1\"\nactive = \"high\"",
		"[smoke]\nchip = \"c\"\nline = \"1\"", "[door]\nchip = \"/dev/cabinet\"\nline = \"007\"", "[tamper]\nchip = \"" + strings.Repeat("c", 64) + "\"\nline = \"1\"",
		"[meter]\nchip = \"c\"\nline = \"1\"\npulses_per_kwh = 100000", "[meter]\ndriver = \"ina219\"\nbus = \"CP2112\"", "[meter]\ndriver = \"ina226\"\nbus = \"soc/fe804000.i2c\"",
		"[relay]\nchip = \"c\"\nline = \"1\"\ncontact = \"nc\"\nfeedback = \"2\"\ndwell = \"10m\"", "[relay]\nchip = \"c\"\nline = \"1\"\ncontact = \"no\"\ndwell = \"0s\"",
		"[temperature]\na = \"hwmon:" + strings.Repeat("c", 63) + ":temp99\"\nb = \"zone:x y\"\n" + thermometers(8),
	}
	measured := 0
	for _, shunt := range []int{1, 2, 3, 5, 6, 7, 10, 20, 21, 22, 50, 80, 81, 82, 100, 319, 320, 321, 1000, 10000} {
		for ampere := 1; ampere <= 100; ampere++ {
			for _, driver := range []string{"ina219", "ina226"} {
				text := fmt.Sprintf("[meter]\ndriver = %q\nbus = \"b\"\nshunt_milliohm = %d\nmax_ampere = %d", driver, shunt, ampere)
				if _, err := siteWith(t, text); err == nil {
					tables = append(tables, text)
					measured++
				}
			}
		}
	}
	for _, text := range tables {
		s, err := siteWith(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if err := main.Rehearse(s); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	t.Logf("%d pairs of a shunt and a current", measured)
	if measured < 50 {
		t.Error("hardly a pair passes")
	}
}

func thermometers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "t%d = \"w1:28-0316a2795f2%d\"\n", i, i)
	}
	return b.String()
}

// TestPartsThatCannotBe: the display does without them, and each of their sensors is missed.
func TestPartsThatCannotBe(t *testing.T) {
	s, err := siteWith(t, "")
	if err != nil {
		t.Fatal(err)
	}
	bad := site.Line{Chip: "gpiochip0", Name: "1"}
	s.Contacts = []site.Contact{{Name: "smoke", Line: site.Line{Chip: "c", Name: "1", ActiveLow: true}}, {Name: "door", Line: bad}}
	s.Meter = &site.Meter{Driver: "ina219", Bus: "b", Address: 0x40, ShuntMilliOhm: 100, MaxAmpere: 10}
	s.Relay = &site.Relay{Line: bad}
	s.Thermometers = []site.Thermometer{
		{Name: "air", Driver: "hwmon", Chip: "a/b", Channel: "temp1"}, {Name: "zone", Driver: "zone", Chip: ""},
		{Name: "one", Driver: "w1", Chip: "28-0316a2795f1c"}, {Name: "two", Driver: "w1", Chip: "28-0316a2795f1c"},
	}
	want := []hal.Reading{
		{Sensor: "smoke", Kind: hal.Smoke}, {Sensor: "door", Kind: hal.Door}, {Sensor: "meter", Kind: hal.Meter},
		{Sensor: "air", Kind: hal.Temperature}, {Sensor: "zone", Kind: hal.Temperature},
		{Sensor: "one", Kind: hal.Temperature}, {Sensor: "two", Kind: hal.Temperature},
	}
	parts := []string{"[smoke]", "[door]", "[meter]", "temperature.air", "temperature.zone", "[temperature]", "[relay]"}
	lines := strings.Split(main.Rehearse(s).Error(), "\n")
	if len(lines) != len(parts) {
		t.Errorf("--check says %q", lines)
	}
	sensors, expect, relay, unusable, err := main.WireUp(s)
	if err != nil || relay != nil || unusable == nil || strings.Contains(unusable.Error(), "\n") {
		t.Errorf("relay %v, unusable %v, %v", relay, unusable, err)
	}
	for _, part := range parts {
		text := "cannot use " + part + ": "
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, text) }) || !strings.Contains(unusable.Error(), text) {
			t.Errorf("%s is not among %q and %q", part, lines, unusable)
		}
	}
	if diff := cmp.Diff(want, expect); diff != "" {
		t.Errorf("expected sensors (-want +got):\n%s", diff)
	}
	synctest.Test(t, func(t *testing.T) { missed(t, sensors, want) })
}

// missed lets the sensors run for 20 s, in which each must have said three times at least that it is unknown.
func missed(t *testing.T, sensors []hal.Sensor, want []hal.Reading) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	readings, ended := make(chan hal.Reading), make(chan error)
	for _, s := range sensors {
		go func() { ended <- s.Run(ctx, readings) }()
	}
	said := map[hal.Reading]int{}
	for left := len(sensors); left > 0; {
		select {
		case r := <-readings:
			if r.Quality != hal.QualityUnknown || r.Reason == "" || r.At.IsZero() {
				t.Errorf("it reads %+v", r)
			}
			said[hal.Reading{Sensor: r.Sensor, Kind: r.Kind}]++
		case err := <-ended:
			left--
			if err != context.DeadlineExceeded {
				t.Errorf("a sensor ended with %v", err)
			}
		}
	}
	for _, w := range want {
		if said[w] < 3 {
			t.Errorf("%s was heard %d times", w.Sensor, said[w])
		}
	}
}

func TestCheck(t *testing.T) {
	w := newWorld(t)
	for tables, want := range map[string]string{
		"": "site file is valid",
		"[temperature]\ncabinet = \"w1:28-0316a2795f1c\"\nboard = \"hwmon:nct6798:temp1\"\n": "dims and cuts off: cabinet, panel-inside where the panel tells it\n",
		"[safety]\nsensors = []\n":                                        "dims and cuts off: panel-inside where the panel tells it\n",
		"[meter]\ndriver = \"ina219\"\nbus = \"../i2c-7\"\n":              "cannot use [meter]: cannot open an I²C bus: \"../i2c-7\" is no adapter: write its name, as i2cdetect -l shows it\n",
		"[relay]\nchip = \"gpiochip0\"\nline = \"1\"\ncontact = \"no\"\n": "relay.chip: \"gpiochip0\" is the kernel's number",
	} {
		w.site = siteFile{windows: "00:00-24:00", driver: "cec", tables: tables}
		w.siteToml()
		var out, problems bytes.Buffer
		code := (&main.Main{Args: []string{"--site", w.path("site.toml"), "--check"}, Stdout: &out, Stderr: &problems, Wall: time.Now}).Run(t.Context())
		if good := strings.Contains(want, "valid") || strings.HasPrefix(want, "dims"); (code == 0) != good || (problems.Len() == 0) != good || !strings.Contains(out.String()+problems.String(), want) {
			t.Errorf("%q: %d, %s%s", tables, code, &out, &problems)
		}
	}
	if names, err := filepath.Glob(w.path("data", "*.db*")); err != nil || len(names) > 0 {
		t.Error("--check wrote into the data folder")
	}
}

// TestOnAirWithAMeterThatCannotBe: what is wrong beside the panel does not keep the display dark.
func TestOnAirWithAMeterThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.site = siteFile{windows: "00:00-24:00", driver: "cec", port: "/dev/cec-nowhere", tables: "[meter]\ndriver = \"ina219\"\nbus = \"../i2c-7\"\n"}
	w.inbox(w.approved(10))
	r := w.start()
	w.until("a picture, and saying what is wrong", func(s *wire.State) bool {
		return s.Player.State == "playing" && slices.Contains(s.Alarms, "hardware-unusable")
	})
	r.stop()
}

// TestEverythingThatCannotBeIsSaidAtOnce: the panel's error hides none of the others.
func TestEverythingThatCannotBeIsSaidAtOnce(t *testing.T) {
	err := main.Rehearse(&site.Site{
		Panel: site.Panel{Driver: "pdp", Port: "/dev/null", SetID: 1}, Meter: &site.Meter{Driver: "ina219", Bus: "../i2c-7"},
	})
	for _, want := range []string{"cannot use [panel]: ", "cannot use [meter]: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
