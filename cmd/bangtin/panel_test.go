package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"bangtin/hal/rs232"
)

// A panelVector is one exchange of the reference.
type panelVector struct {
	Protocol string   `json:"protocol"`
	Name     string   `json:"name"`
	Request  string   `json:"request_hex"`
	Response string   `json:"response_hex"`
	Agree    string   `json:"agree"`
	Wrong    []string `json:"wrong"`
}

// wrong tells whether a part of the exchange must be refused.
func (v panelVector) wrong(part string) bool {
	return v.Agree == "published-but-wrong" && (len(v.Wrong) == 0 || slices.Contains(v.Wrong, part))
}

// short is what the command line calls the protocol.
func (v panelVector) short() string {
	return map[string]string{"samsung-mdc": "mdc", "lg-commercial": "lg", "nec-pd": "nec", "philips-sicp": "sicp"}[v.Protocol]
}

// panelVectors are the exchanges of every protocol whose codec has its reference.
func panelVectors(t *testing.T) []panelVector {
	t.Helper()
	files, err := filepath.Glob("../../hal/rs232/testdata/*-frames.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	var all []panelVector
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content struct{ Frames []panelVector }
		if err := json.Unmarshal(raw, &content); err != nil || len(content.Frames) == 0 {
			t.Fatalf("%s: no vectors, %v", file, err)
		}
		all = append(all, content.Frames...)
	}
	return all
}

// TestVectorsThroughTheCommandLine: what is right is decoded, what is wrong refused with one line, and what is decoded
// with a name is encoded to the same bytes.
func TestVectorsThroughTheCommandLine(t *testing.T) {
	d := &desk{t: t, dir: t.TempDir(), lang: "en", now: morning}
	again := 0
	for _, v := range panelVectors(t) {
		for part, frame := range map[string]string{"request": v.Request, "response": v.Response} {
			if frame == "" {
				continue
			}
			line := "panel decode --protocol " + v.short() + " " + frame
			if v.wrong(part) {
				if said := d.refuses(line, exitFailed); strings.Count(said, "\n") != 1 {
					t.Errorf("%s: not one line: %q", v.Name, said)
				}
				continue
			}
			said := d.must(line)
			if strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "kind=") {
				t.Errorf("%s: not one line: %q", v.Name, said)
			}
			if encode, ok := encodeOf(v.short(), said); ok {
				again++
				if got := d.must(encode); got != strings.ToUpper(frame)+"\n" {
					t.Errorf("%s: bangtin %s says %s, want %s", v.Name, encode, got, frame)
				}
			}
		}
	}
	if again < 20 {
		t.Errorf("only %d requests were encoded again", again)
	}
	t.Logf("%d requests were encoded again", again)
}

// encodeOf is the line that writes a request again which was decoded, where it has a name and no more to it.
func encodeOf(protocol, said string) (line string, ok bool) {
	fields := map[string]string{}
	for _, f := range strings.Fields(said) {
		key, value, _ := strings.Cut(f, "=")
		fields[key] = value
	}
	command := fields["command"]
	named := slices.Contains([]string{"power", "input", "brightness", "backlight", "volume", "mute", "temperature", "signal", "diagnosis", "serial", "model", "hours"}, command)
	if !named || fields["rest"] != "" {
		return "", false
	}
	value := map[string]string{"get": "get", "set": fields[command]}[fields["kind"]]
	return "panel encode --protocol " + protocol + " --id " + fields["id"] + " " + command + " " + value, value != ""
}

func TestPanelEncode(t *testing.T) {
	d := &desk{t: t, dir: t.TempDir(), lang: "en", now: morning}
	for line, want := range map[string]string{
		"panel encode --protocol mdc --id 1 power on":   "AA 11 01 01 01 14",
		"panel encode power on --protocol mdc --id 1":   "AA 11 01 01 01 14",
		"panel encode --protocol mdc --id all power on": "AA 11 FE 01 01 11",
		"panel encode --protocol sicp --id 1 power get": "05 01 00 19 1D",
		"panel encode --protocol sicp --id all mute on": "06 00 00 47 01 40",
	} {
		if got := d.must(line); got != want+"\n" {
			t.Errorf("bangtin %s says %s, want %s", line, got, want)
		}
	}
}

func TestPanelDecodeReadsHexAsItIsCopied(t *testing.T) {
	d := &desk{t: t, dir: t.TempDir(), lang: "en", now: morning}
	const want = "kind=ack command=power power=on id=1\n"
	for _, text := range []string{
		"AA FF 01 03 41 11 01 56", "aaff010341110156", "AAFF 0103 4111 0156", "aa_ff_01_03_41_11_01_56", "A AF F0103411101 56",
	} {
		if got := d.must("panel decode --protocol mdc " + text); got != want {
			t.Errorf("%s says %s", text, got)
		}
	}
}

func TestPanelDecodeQuotes(t *testing.T) {
	d := &desk{t: t, dir: t.TempDir(), lang: "en", now: morning}
	for model, want := range map[string]string{
		"QM55R":         `model=QM55R`,
		"QM 55R\x1b[2J": `model="QM 55R[2J"`,
		"QM\"55\"":      `model="QM\"55\""`,
		"QM55R\\":       `model="QM55R\\"`,
		"QM55R=power":   `model="QM55R=power"`,
		"\x00":          `model=""`,
	} {
		b, err := rs232.MDCFrame{Command: 0xFF, ID: 1, Data: []byte("A\x8A" + model)}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		want = "kind=ack command=model " + want + " id=1\n"
		if got := d.must("panel decode --protocol mdc " + hex.EncodeToString(b)); got != want {
			t.Errorf("got %swant %s", got, want)
		}
	}
}

func TestPanelRefuses(t *testing.T) {
	tests := map[string]struct {
		line  string
		code  int
		words []string
	}{
		"no protocol":           {"panel decode AA", exitUsage, []string{"--protocol"}},
		"unknown protocol":      {"panel decode --protocol morse AA", exitUsage, []string{"--protocol", "morse", "sicp"}},
		"protocol with escapes": {"panel encode --protocol \x1b[2J --id 1 power on", exitUsage, []string{"--protocol"}},
		"no bytes":              {"panel decode --protocol mdc", exitUsage, []string{"HEX"}},
		"no digit":              {"panel decode --protocol mdc AA 1G", exitFailed, []string{`"G" is no digit`}},
		"half a byte":           {"panel decode --protocol mdc AA 1", exitFailed, []string{"odd"}},
		"too long":              {"panel decode --protocol mdc " + strings.Repeat("AA", 1025), exitFailed, []string{"longer than any frame"}},
		"more than a frame":     {"panel decode --protocol mdc AA 11 01 01 01 14 00", exitFailed, []string{"length byte"}},
		"no ID":                 {"panel encode --protocol mdc power on", exitUsage, []string{"--id"}},
		"no number":             {"panel encode --protocol mdc --id one power on", exitUsage, []string{"--id", "one", "menu"}},
		"too high":              {"panel encode --protocol sicp --id 256 power on", exitUsage, []string{"--id", "256"}},
		"no words":              {"panel encode --protocol mdc --id 1", exitUsage, []string{"WORD"}},
		"unknown command":       {"panel encode --protocol mdc --id 1 sing loud", exitUsage, []string{"power on", "the commands are power"}},
		"unknown value":         {"panel encode --protocol mdc --id 1 power sideways", exitUsage, []string{"sideways"}},
		"no port":               {"panel discover", exitUsage, []string{"--port"}},
		"IDs upside down":       {"panel discover --port x --ids 9-1", exitUsage, []string{"--ids", "1-9"}},
		"IDs too high":          {"panel discover --port x --ids 1-256", exitUsage, []string{"--ids"}},
		"IDs that are words":    {"panel discover --port x --ids 1,", exitUsage, []string{"--ids"}},
		"discover a protocol":   {"panel discover --port x --protocol morse", exitUsage, []string{"--protocol"}},
		"a port that is none":   {"panel discover --port @none", exitFailed, []string{"@none", "/dev/serial/by-id", "no such file"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := &desk{t: t, dir: t.TempDir(), lang: "en", now: morning}
			if said := d.refuses(tt.line, tt.code, tt.words...); strings.Contains(said, "\x1b") {
				t.Errorf("an escape reaches the terminal: %q", said)
			}
		})
	}
}

// FuzzPanelDecode has any bytes decoded in any protocol: one line comes out, and nothing in it steers a terminal.
func FuzzPanelDecode(f *testing.F) {
	f.Add(byte(0), []byte{0xAA, 0xFF, 0x01, 0x03, 0x41, 0x11, 0x01, 0x56})
	f.Add(byte(3), []byte{6, 1, 1, 0x19, 2, 0x1D})
	f.Add(byte(1), []byte("a 01 OK01x"))
	f.Fuzz(func(t *testing.T, which byte, frame []byte) {
		protocol := rs232.Protocols()[int(which)%len(rs232.Protocols())]
		var out, errs bytes.Buffer
		p := &Program{
			Args:   []string{"--lang", "en", "panel", "decode", "--protocol", string(protocol), hex.EncodeToString(frame)},
			Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
		}
		code := p.Run(t.Context())
		all := out.String() + errs.String()
		if len(frame) > 0 && (strings.Count(all, "\n") != 1 || (code == exitOK) != (out.Len() > 0)) {
			t.Fatalf("exit %d: %q", code, all)
		}
		if strings.ContainsFunc(strings.ReplaceAll(all, "\n", ""), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q reaches the terminal", all)
		}
	})
}
