package peer_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal/haltest/peer"
)

func newPeer(t testing.TB, c peer.Config) *peer.Panel {
	t.Helper()
	p, err := peer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func do(t testing.TB, p *peer.Panel, commands ...string) {
	t.Helper()
	for _, c := range commands {
		if err := p.Do(c); err != nil {
			t.Fatal(err)
		}
	}
}

func raw(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func said(list []peer.Burst) []byte {
	var all []byte
	for _, b := range list {
		all = append(all, b.Bytes...)
	}
	return all
}

// Frames from panel-vectors.json, as far as a panel can be brought to say them.
func TestVectors(t *testing.T) {
	for _, test := range []struct {
		name             string
		config           peer.Config
		before           []string
		on               bool
		request, replies string
	}{
		{"mdc power on", peer.Config{Protocol: "mdc", ID: 1}, nil, false, "AA 11 01 01 01 14", "AA FF 01 03 41 11 01 56"},
		{"mdc power off", peer.Config{Protocol: "mdc", ID: 1}, nil, true, "AA 11 01 01 00 13", "AA FF 01 03 41 11 00 55"},
		{"mdc NAK", peer.Config{Protocol: "mdc", ID: 1}, []string{"nak"}, false, "AA 11 01 01 01 14", "AA FF 01 03 4E 11 01 63"},
		{"mdc all", peer.Config{Protocol: "mdc", ID: 1}, nil, false, "AA 11 FE 01 01 11", ""},
		{"mdc volume", peer.Config{Protocol: "mdc"}, nil, true, "AA 12 00 01 18 2B", "AA FF 00 03 41 12 18 6D"},
		{"mdc input", peer.Config{Protocol: "mdc"}, nil, true, "AA 14 00 01 21 36", "AA FF 00 03 41 14 21 78"},
		{"mdc panel on", peer.Config{Protocol: "mdc"}, nil, true, "AA F9 00 01 00 FA", "AA FF 00 03 41 F9 00 3C"},
		{"mdc error status", peer.Config{Protocol: "mdc"}, nil, true, "AA 0D 00 00 0D", "AA FF 00 08 41 0D 00 00 00 00 2A 00 7F"},
		{"lg power on", peer.Config{Protocol: "lg", ID: 1}, nil, false, "6B 61 20 30 31 20 30 31 0D", "61 20 30 31 20 4F 4B 30 31 78"},
		{"lg all", peer.Config{Protocol: "lg", ID: 1}, nil, false, "6B 61 20 30 30 20 30 31 0D", ""},
		{"lg standby", peer.Config{Protocol: "lg", ID: 1}, nil, false, "6B 61 20 30 31 20 46 46 0D", "61 20 30 31 20 4F 4B 30 30 78"},
		{"lg pm mode", peer.Config{Protocol: "lg", ID: 1}, nil, true, "73 6E 20 30 31 20 30 63 20 30 33 0D", "6E 20 30 31 20 4F 4B 30 63 30 33 78"},
		{"lg mute", peer.Config{Protocol: "lg", ID: 1}, nil, true, "6B 65 20 30 31 20 30 30 0D", "65 20 30 31 20 4F 4B 30 30 78"},
		{"lg backlight", peer.Config{Protocol: "lg", ID: 1}, nil, true, "6D 67 20 30 31 20 33 32 0D", "67 20 30 31 20 4F 4B 33 32 78"},
		{"lg hours", peer.Config{Protocol: "lg", ID: 1}, nil, true, "64 6C 20 30 31 20 46 46 0D", "6C 20 30 31 20 4F 4B 31 61 32 62 78"},
		{"nec backlight", peer.Config{Protocol: "nec", ID: 1}, nil, true, "01 30 41 30 45 30 41 02 30 30 31 30 30 30 36 34 03 77 0D",
			"01 30 30 41 46 31 32 02 30 30 30 30 31 30 30 30 30 30 36 34 30 30 36 34 03 04 0D"},
		{"nec power", peer.Config{Protocol: "nec", ID: 1}, nil, true, "01 30 41 30 41 30 36 02 30 31 44 36 03 74 0D",
			"01 30 30 41 42 31 32 02 30 32 30 30 44 36 30 30 30 30 30 34 30 30 30 31 03 74 0D"},
		{"nec power on", peer.Config{Protocol: "nec", ID: 1}, nil, false, "01 30 41 30 41 30 43 02 43 32 30 33 44 36 30 30 30 31 03 73 0D",
			"01 30 30 41 42 30 45 02 30 30 43 32 30 33 44 36 30 30 30 31 03 76 0D"},
		{"nec all", peer.Config{Protocol: "nec", ID: 1}, nil, false, "01 30 2A 30 41 30 36 02 30 31 44 36 03 1F 0D", ""},
		{"nec BCC 0D", peer.Config{Protocol: "nec", ID: 1}, []string{"temperature -10"}, true, "01 30 41 30 43 30 36 02 30 32 37 39 03 09 0D",
			"01 30 30 41 44 31 32 02 30 30 30 32 37 39 30 30 46 46 46 46 46 46 45 43 03 0D 0D"},
		{"nec BCC 00", peer.Config{Protocol: "nec", ID: 1}, []string{"fan broken", "signal off"}, true, "01 30 41 30 41 30 34 02 42 31 03 76 0D",
			"01 30 30 41 42 30 38 02 41 31 38 30 42 30 03 00 0D"},
		{"sicp on", peer.Config{Protocol: "sicp", ID: 1}, nil, true, "05 01 00 19 1D", "06 01 01 19 02 1D"},
		{"sicp off", peer.Config{Protocol: "sicp", ID: 1}, nil, false, "05 01 00 19 1D", "06 01 01 19 01 1E"},
		{"sicp power on", peer.Config{Protocol: "sicp", ID: 1}, nil, false, "06 01 00 18 02 1D", "06 01 01 00 06 00"},
		{"sicp NACK", peer.Config{Protocol: "sicp", ID: 1}, []string{"nak"}, true, "05 01 00 19 1D", "06 01 01 00 15 13"},
		{"sicp NAV", peer.Config{Protocol: "sicp", ID: 1}, []string{"busy"}, true, "05 01 00 19 1D", "06 01 01 00 18 1E"},
		{"sicp no signal", peer.Config{Protocol: "sicp", ID: 1}, []string{"signal off"}, true, "05 01 00 59 5D", "06 01 01 59 00 5F"},
		{"sicp group 0", peer.Config{Protocol: "sicp", ID: 1}, []string{"group 0"}, true, "05 01 00 A4 A0", "06 01 00 A4 02 A1"},
		{"sicp to a group", peer.Config{Protocol: "sicp", ID: 1}, nil, true, "05 01 02 19 1F", ""},
		{"sicp old", peer.Config{Protocol: "sicp", ID: 1, Old: true}, nil, true, "04 01 19 1C", "05 01 19 02 1F"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t, test.config)
			if test.on {
				p.Hear(powerOn(t, test.config))
			}
			do(t, p, test.before...)
			if got, want := said(p.Hear(raw(t, test.request))), raw(t, test.replies); !bytes.Equal(got, want) {
				t.Errorf("says % X, want % X", got, want)
			}
		})
	}
}

func powerOn(t testing.TB, c peer.Config) []byte {
	t.Helper()
	switch {
	case c.Protocol == "mdc" && c.ID == 0:
		return raw(t, "AA 11 00 01 01 13")
	case c.Protocol == "mdc":
		return raw(t, "AA 11 01 01 01 14")
	case c.Protocol == "lg":
		return []byte("ka 01 01\r")
	case c.Protocol == "nec":
		return raw(t, "01 30 41 30 41 30 43 02 43 32 30 33 44 36 30 30 30 31 03 73 0D")
	case c.Old:
		return raw(t, "05 01 18 02 1E")
	}
	return raw(t, "06 01 00 18 02 1D")
}

// TestStates: off, warming, on, and what is seen of it; power may be lost at any moment.
func TestStates(t *testing.T) {
	for _, protocol := range peer.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := peer.Config{Protocol: protocol, ID: 1, WarmUp: 10 * time.Second}
				p := newPeer(t, c)
				p.Mark()
				p.Hear(powerOn(t, c))
				do(t, p, "lose-power-in 15s")
				for _, step := range []struct {
					after time.Duration
					want  peer.State
				}{{0, peer.Warming}, {9999 * time.Millisecond, peer.Warming}, {time.Millisecond, peer.On}, {4999 * time.Millisecond, peer.On}, {time.Millisecond, peer.Off}} {
					time.Sleep(step.after)
					if got := p.State(); got != step.want {
						t.Errorf("is %s, want %s", got, step.want)
					}
				}
				p.Hear(powerOn(t, c))
				if p.Mark(); p.Seen(peer.On) || p.Seen(peer.Off) || !p.Seen(peer.Warming) {
					t.Error("while warming something else is seen")
				}
				do(t, p, "lose-power-in 1s")
				time.Sleep(time.Hour)
				if p.Seen(peer.On) || !p.Seen(peer.Off) {
					t.Error("a panel that lost power while it warmed up is seen on")
				}
			})
		})
	}
}

// TestFaults: what each does to the answer of a panel that was just switched on.
func TestFaults(t *testing.T) {
	for _, protocol := range peer.Protocols() {
		c := peer.Config{Protocol: protocol, ID: 1}
		request := powerOn(t, c)
		good := said(newPeer(t, c).Hear(request))
		for _, fault := range peer.Faults() {
			t.Run(protocol+" "+fault, func(t *testing.T) {
				p := newPeer(t, c)
				do(t, p, fault)
				var got []byte
				for range 4 {
					got = append(got, said(p.Hear(request))...)
				}
				whole, echo := bytes.Count(got, good), bytes.Count(got, request)
				want, loud := 4, false // that many good replies, and more beside them
				switch fault {
				case "deaf", "silent", "nak", "busy", "badsum", "ruin":
					want = 0
				case "garbage", "foreign", "merge", "echo":
					loud = true
				case "inside", "flip", "late":
					want = 3
				case "mishear":
					want = 3
				case "duplicate", "again":
					want, loud = 8, true
				}
				if whole != want {
					t.Errorf("says % X: %d good replies, want %d", got, whole, want)
				}
				if loud != (len(got) > 4*len(good)+8) && fault != "ruin" {
					t.Errorf("says % X", got)
				}
				if (fault == "echo") != (echo > 0) {
					t.Errorf("the request is heard back %d times", echo)
				}
				if lit := p.State() == peer.On; lit == slices.Contains([]string{"deaf", "nak", "busy", "disobey"}, fault) {
					t.Errorf("is %s", p.State())
				}
			})
		}
	}
}

func TestOrderOfBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(t, peer.Config{Protocol: "lg", ID: 1})
		do(t, p, "slow 3s", "split", "again 50ms", "garbage")
		var last time.Time
		for range 50 {
			for _, b := range p.Hear([]byte("ka 01 ff\r")) {
				if b.At.Before(last) || b.At.Before(time.Now()) {
					t.Fatalf("a burst leaves at %v, after one at %v", b.At, last)
				}
				last = b.At
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}

func TestBadCommands(t *testing.T) {
	p := newPeer(t, peer.Config{Protocol: "mdc"})
	for _, c := range []string{"", "no", "no such", "silent now", "slow -1s", "slow 2h", "lose-power-in", "group 256", "group x", "signal", "temperature 1000", "nonsense"} {
		if err := p.Do(c); err == nil {
			t.Errorf("Do(%q) did not fail", c)
		}
	}
	for _, c := range []peer.Config{{Protocol: "x", ID: 1}, {Protocol: "mdc", ID: 254}, {Protocol: "mdc", ID: -1}, {Protocol: "lg"}, {Protocol: "nec", ID: 101}, {Protocol: "sicp", ID: 256}} {
		if _, err := peer.New(c); err == nil {
			t.Errorf("New(%+v) did not fail", c)
		}
	}
}

// FuzzPeer: whatever arrives, no panel panics or answers without end, and it works afterwards.
func FuzzPeer(f *testing.F) {
	for i, protocol := range peer.Protocols() {
		f.Add(byte(i), powerOn(f, peer.Config{Protocol: protocol, ID: 1}), "garbage")
		f.Add(byte(i), powerOn(f, peer.Config{Protocol: protocol, ID: 1})[:4], "inside")
	}
	f.Add(byte(1), []byte("sn 01 0c 03\rsn 01 0c ff\rsv 01 02 ff\rka\rka 1\rka 01 \r\x00\xff 01 01\rxb 01 90 10\r"), "upper")
	f.Add(byte(2), []byte("\x010A0A04\x02B1\x03v\r\x010*0A\x7f\x7f\x02"), "batch")
	f.Add(byte(3), []byte{0x06, 0x01, 0x00, 0x47, 0x01, 0x41, 0x04, 0x01, 0x00, 0x05, 0xFF}, "mishear")
	f.Add(byte(7), []byte{0x04, 0x01, 0x19, 0x1C, 0x05, 0x01, 0x18, 0x02, 0x1E}, "late")
	f.Fuzz(func(t *testing.T, which byte, b []byte, fault string) {
		if len(b) > 4096 {
			return
		}
		c := peer.Config{Protocol: peer.Protocols()[which&3], ID: 1, Old: which&7 == 7}
		p := newPeer(t, c)
		p.Do(fault) // most are no words
		half := len(b) / 2
		n := len(said(p.Hear(b[:half]))) + len(said(p.Hear(b[half:])))
		if n > 256*(len(b)+1) {
			t.Fatalf("%d bytes are answered by %d", len(b), n)
		}
		do(t, p, "talk", "obey", "clean", "signal on")
		p.Hear(make([]byte, 600)) // ends whatever was begun
		if c.Protocol == "lg" {
			p.Hear([]byte("\r"))
		}
		if len(said(p.Hear(powerOn(t, c)))) == 0 {
			t.Fatal("the panel is deaf afterwards")
		}
	})
}
