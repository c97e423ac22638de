package cec_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/cec"
)

func TestPowerStatus(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		want  hal.Power
		told  bool
	}{
		{[]byte{0x04, 0x90, 0}, hal.PowerOn, true},
		{[]byte{0x04, 0x90, 1}, hal.PowerOff, true},
		{[]byte{0x04, 0x90, 2}, hal.PowerWarming, true},
		{[]byte{0x04, 0x90, 3}, hal.PowerCooling, true},
		{[]byte{0x04, 0x90, 4}, hal.PowerUnknown, false},
		{[]byte{0x04, 0x90, 0, 9}, hal.PowerOn, true}, // longer than today's CEC
		{[]byte{0x04, 0x90}, hal.PowerUnknown, false},
		{[]byte{0x04}, hal.PowerUnknown, false},
		{[]byte{0x04, 0x8F}, hal.PowerUnknown, false},
	} {
		_, power, told, err := cec.ParsePower(c.bytes)
		if power != c.want || told != c.told || err != nil {
			t.Errorf("% X: %v, %v, %v, want %v, %v", c.bytes, power, told, err, c.want, c.told)
		}
	}
	for _, bad := range [][]byte{nil, bytes.Repeat([]byte{0x04}, 17)} {
		if _, _, _, err := cec.ParsePower(bad); err == nil {
			t.Errorf("%d bytes are taken for a message", len(bad))
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte{0x04, 0x90, 0})
	f.Add([]byte{0x0F, 0x87, 0, 0xE0, 0x91})
	f.Add([]byte{0x0F, 0x80, 0x10, 0, 0x20, 0})
	f.Add([]byte{0x04})
	f.Fuzz(func(t *testing.T, b []byte) {
		again, power, told, err := cec.ParsePower(b)
		if (err == nil) != (len(b) >= 1 && len(b) <= 16) {
			t.Fatalf("% X: %v", b, err)
		}
		if err == nil && !bytes.Equal(again, b) {
			t.Fatalf("% X becomes % X", b, again)
		}
		if told && (power == hal.PowerUnknown || b[1] != 0x90 || b[2] > 3) {
			t.Fatalf("% X tells %v", b, power)
		}
	})
}

func TestJudge(t *testing.T) {
	start := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	for name, c := range map[string]struct {
		told  map[time.Time]bool
		words map[time.Time]hal.Power
		said  hal.Power
		at    float64
		want  hal.Power
	}{
		"never commanded":                {nil, nil, hal.PowerOn, 0, hal.PowerOn},
		"on, 1 s after standby":          {map[time.Time]bool{at(0): false}, nil, hal.PowerOn, 1, hal.PowerCooling},
		"on, 9 s after standby":          {map[time.Time]bool{at(0): false}, nil, hal.PowerOn, 9, hal.PowerOn},
		"off, 1 s after standby":         {map[time.Time]bool{at(0): false}, nil, hal.PowerOff, 1, hal.PowerOff},
		"on again, after it was cooling": {map[time.Time]bool{at(0): false}, map[time.Time]hal.Power{at(2): hal.PowerCooling}, hal.PowerOn, 5, hal.PowerOn},
		"off, 5 s after a wake":          {map[time.Time]bool{at(0): true}, nil, hal.PowerOff, 5, hal.PowerWarming},
		"off, 11 s after a wake":         {map[time.Time]bool{at(0): true}, nil, hal.PowerOff, 11, hal.PowerOff},
		"off, after it was on":           {map[time.Time]bool{at(0): true}, map[time.Time]hal.Power{at(4): hal.PowerOn}, hal.PowerOff, 5, hal.PowerOff},
		"on, standby and wake":           {map[time.Time]bool{at(0): false, at(1): true}, nil, hal.PowerOn, 2, hal.PowerWarming},
		"off, wake and standby":          {map[time.Time]bool{at(0): true, at(1): false}, nil, hal.PowerOff, 2, hal.PowerCooling},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cec.Judge(c.told, c.words, c.said, at(c.at)); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	for name, c := range map[string]struct {
		all  map[string]uint16
		want string
		says []string // of the error
	}{
		"none":                  {nil, "", []string{"no CEC adapter"}},
		"one, TV hides":         {map[string]uint16{"/dev/cec3": 0xFFFF}, "/dev/cec3", nil},
		"one of two has a TV":   {map[string]uint16{"/dev/cec0": 0xFFFF, "/dev/cec1": 0x1000}, "/dev/cec1", nil},
		"a TV's own socket":     {map[string]uint16{"/dev/cec0": 0, "/dev/cec1": 0x1000}, "/dev/cec1", nil},
		"two TVs":               {map[string]uint16{"/dev/cec0": 0x2000, "/dev/cec1": 0x1000}, "", []string{"/dev/cec0 (2.0.0.0)", "/dev/cec1 (1.0.0.0)"}},
		"two adapters, no TV":   {map[string]uint16{"/dev/cec0": 0xFFFF, "/dev/cec1": 0xFFFF}, "", []string{"/dev/cec0 (f.f.f.f)", "/dev/cec1 (f.f.f.f)"}},
		"only a TV's own, sole": {map[string]uint16{"/dev/cec0": 0}, "/dev/cec0", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := cec.Choose(c.all)
			if got != c.want || (err != nil) != (c.says != nil) || err != nil && !errors.Is(err, hal.ErrPortGone) {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
			for _, part := range c.says {
				if err != nil && !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
		})
	}
}

// edid makes the EDID of a display that gives its source this address, behind a data block of another kind.
func edid(address uint16) []byte {
	b := make([]byte, 256)
	copy(b, []byte{0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0})
	copy(b[128:], []byte{0x02, 3, 15, 0, 0x23, 9, 7, 7, 0x65, 0x03, 0x0C, 0x00, byte(address >> 8), byte(address)})
	return sealed(b)
}

func sealed(b []byte) []byte {
	b[255] = 0
	for _, x := range b[128:255] {
		b[255] -= x
	}
	return b
}

func TestEDID(t *testing.T) {
	if got, err := cec.ParseEDID(edid(0x2100)); got != 0x2100 || err != nil {
		t.Errorf("address is %04x, %v, want 2100", got, err)
	}
	for name, spoil := range map[string]func(b []byte) []byte{
		"empty":           func([]byte) []byte { return nil },
		"cut":             func(b []byte) []byte { return b[:255] },
		"no extension":    func(b []byte) []byte { return b[:128] },
		"header":          func(b []byte) []byte { b[0] = 1; return b },
		"checksum":        func(b []byte) []byte { b[255]++; return b },
		"not CEA":         func(b []byte) []byte { b[128] = 0x70; return sealed(b) },
		"not HDMI":        func(b []byte) []byte { b[137] = 0xD8; return sealed(b) },
		"block too long":  func(b []byte) []byte { b[132] = 0x3F; return sealed(b) },
		"timings too far": func(b []byte) []byte { b[130] = 128; return sealed(b) },
		"address f.f.f.f": func([]byte) []byte { return edid(0xFFFF) },
		"too long":        func(b []byte) []byte { return append(b, make([]byte, 7*128)...) },
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := cec.ParseEDID(spoil(edid(0x1000))); err == nil {
				t.Errorf("address is %04x, want an error", got)
			}
		})
	}
}

func FuzzEDID(f *testing.F) {
	f.Add(edid(0x1000))
	f.Add(edid(0xFFFF))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 256 {
			sealed(b) // or hardly any would get to the blocks
		}
		if a, err := cec.ParseEDID(b); err == nil && (a == 0 || a == 0xFFFF) {
			t.Fatalf("address is %04x", a)
		}
	})
}

func TestConnectedAddress(t *testing.T) {
	root := t.TempDir()
	plug := func(connector string, b []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(root, connector), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, connector, "edid"), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want uint16, ok bool) {
		t.Helper()
		if got, found := cec.ConnectedAddress(root); found != ok || ok && got != want {
			t.Errorf("%04x, %v, want %04x, %v", got, found, want, ok)
		}
	}
	check(0, false)
	plug("card0-HDMI-A-1", nil) // nothing connected
	plug("card0-DP-1", edid(0x3000))
	check(0, false)
	plug("card0-HDMI-A-2", edid(0x2000))
	check(0x2000, true)
	plug("card0-HDMI-A-1", edid(0x1000))
	check(0, false)
}
