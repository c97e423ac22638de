package rs232_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"bangtin/hal/rs232"
)

// inWords is what Describe says, as one line.
func inWords(t testing.TB, p rs232.Protocol, frame []byte) string {
	t.Helper()
	fields, err := rs232.Describe(p, frame)
	if err != nil {
		t.Fatalf("% X: %v", frame, err)
	}
	var words []string
	for _, f := range fields {
		words = append(words, f.Key+"="+f.Value)
	}
	return strings.Join(words, " ")
}

func TestDescribe(t *testing.T) {
	tests := []struct {
		protocol    rs232.Protocol
		frame, want string
	}{
		{"mdc", "AA FF 01 03 41 11 01 56", "kind=ack command=power power=on id=1"},
		{"mdc", "AA 11 01 01 01 14", "kind=set command=power power=on id=1"},
		{"mdc", "AA 11 01 00 12", "kind=get command=power id=1"},
		{"mdc", "AA 11 FE 01 01 11", "kind=set command=power power=on id=all"},
		{"mdc", "AA 11 01 01 02 15", "kind=set command=power power=0x02 id=1"},
		{"mdc", "AA FF 01 03 4E 11 01 63", "kind=nak command=power id=1 code=01"},
		{"mdc", "AA FF 00 03 41 F9 00 3C", "kind=ack command=F9 F9=00 id=0 panel=on"},
		{"mdc", "AA FF 00 03 41 F9 01 3D", "kind=ack command=F9 F9=01 id=0 panel=off"},
		{"mdc", "AA 13 FE 01 01 13", "kind=set command=mute mute=on id=all"},
		{"mdc", "AA 14 FE 01 23 36", "kind=set command=input input=hdmi2 id=all"},
		{"mdc", "AA 14 01 01 40 56", "kind=set command=input input=0x40 id=1"},
		{"mdc", "AA 62 FE 01 00 61", "kind=set command=62 62=00 id=all"},
		{"mdc", "AA 25 01 01 32 59", "kind=set command=brightness brightness=50 id=1"},
		{"mdc", "AA 58 01 01 32 8C", "kind=set command=backlight backlight=50 id=1"},
		{"mdc", "AA 85 01 01 4B D2", "kind=set command=85 85=4B id=1"},
		{"mdc", "AA FF 00 08 41 0D 00 00 00 00 2A 00 7F", "kind=ack command=diagnosis diagnosis=none id=0 temperature=42 signal=yes"},
		{"mdc", "AA FF 00 08 41 0D 01 00 00 01 2A 01 82", "kind=ack command=diagnosis diagnosis=lamp,fan id=0 temperature=42 signal=no"},
		{"mdc", "AA FF 00 08 41 0D 00 00 00 02 2A 02 83", "kind=ack command=diagnosis diagnosis=none id=0 temperature=42"},
		{"mdc", "AA FF 01 09 41 00 01 0A 00 21 01 00 00 77", "kind=ack command=00 00=010A0021010000 id=1 power=on volume=10 mute=off input=hdmi1"},
		{"mdc", "AA FF 01 04 41 83 80 00 48", "kind=ack command=hours hours=5461 id=1"},
		{"sicp", "06 01 00 18 02 1D", "kind=set command=power power=on id=1"},
		{"sicp", "05 01 00 19 1D", "kind=get command=power id=1"},
		{"sicp", "06 01 01 19 02 1D", "kind=report command=power power=on id=1 group=1"},
		{"sicp", "06 01 00 19 01 1F", "kind=report command=power power=off id=1"},
		{"sicp", "06 01 01 00 06 00", "kind=ack id=1 group=1"},
		{"sicp", "06 01 01 00 15 13", "kind=nak id=1 group=1"},
		{"sicp", "06 01 01 00 18 1E", "kind=nav id=1 group=1"},
		{"sicp", "06 00 00 18 02 1C", "kind=set command=power power=on id=all"},
		{"sicp", "07 01 01 0F 4D 00 45", "kind=report command=hours hours=19712 id=1 group=1"},
		{"sicp", "06 01 00 0F 02 0A", "kind=get command=hours id=1"},
		{"sicp", "06 01 01 71 01 76", "kind=report command=backlight backlight=off id=1 group=1"},
		{"sicp", "09 01 00 AC 0D 09 01 00 A1", "kind=set command=input input=hdmi1 id=1 rest=090100"},
		{"sicp", "09 01 00 AC 06 00 01 00 A3", "kind=set command=input input=hdmi2 id=1"},
		{"sicp", "06 01 00 A3 02 A6", "kind=set command=A3 A3=02 id=1"},
		{"sicp", "06 01 00 A4 02 A1", "kind=report command=A4 A4=02 id=1"},
		{"sicp", "06 01 00 A2 00 A5", "kind=get command=A2 A2=00 id=1"},
		{"sicp", "06 01 00 A1 00 A6", "kind=get command=model id=1"},
		{"sicp", "06 01 01 59 00 5F", "kind=report command=signal signal=no id=1 group=1"},
		{"sicp", "07 01 01 2F 2A 3D 3F", "kind=report command=temperature temperature=42,61 id=1 group=1"},
		{"sicp", "06 01 01 19 09 16", "kind=report command=power power=0x09 id=1 group=1"},
	}
	for _, test := range tests {
		t.Run(string(test.protocol)+" "+test.want, func(t *testing.T) {
			if got := inWords(t, test.protocol, unhex(t, test.frame)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestDescribeRefuses(t *testing.T) {
	tests := []struct {
		protocol    rs232.Protocol
		frame, word string
	}{
		{"mdc", "", "does not begin with AA"},
		{"mdc", "AA 11 01", "too few"},
		{"mdc", "AA 11 01 01 01", "length byte"},
		{"mdc", "AA 11 01 01 01 14 00", "length byte"},
		{"mdc", "00 AA 11 01 01 01 14", "does not begin with AA"},
		{"mdc", "AA 11 01 01 01 15", "15 and should be 14"},
		{"mdc", "AA FF 01 03 42 11 01 57", "neither ACK nor NAK"},
		{"mdc", "AA FF 01 00 00", "neither ACK nor NAK"},
		{"sicp", "", "0 bytes"},
		{"sicp", "04 01 19 1C", "4 bytes"},
		{"sicp", "06 01 01 19 02", "size byte"},
		{"sicp", "06 01 01 19 02 1D 00", "size byte"},
		{"sicp", "06 01 01 19 02 1C", "1C and should be 1D"},
		{"morse", "06", `"morse"`},
	}
	for _, test := range tests {
		t.Run(test.frame, func(t *testing.T) {
			fields, err := rs232.Describe(test.protocol, unhex(t, test.frame))
			if err == nil || !strings.Contains(err.Error(), test.word) {
				t.Errorf("got %v, error %v, which should say %q", fields, err, test.word)
			}
		})
	}
}

func TestCompose(t *testing.T) {
	tests := []struct {
		protocol rs232.Protocol
		id       int
		words    string
		want     string // empty: refused
	}{
		{"mdc", 1, "power on", "AA 11 01 01 01 14"},
		{"mdc", 1, "power get", "AA 11 01 00 12"},
		{"mdc", 254, "power on", "AA 11 FE 01 01 11"},
		{"mdc", 0, "volume 24", "AA 12 00 01 18 2B"},
		{"mdc", 0, "input hdmi1", "AA 14 00 01 21 36"},
		{"mdc", 256, "power on", ""},
		{"mdc", -1, "power on", ""},
		{"mdc", 1, "power", ""},
		{"mdc", 1, "power on off", ""},
		{"mdc", 1, "power 1", ""},
		{"mdc", 1, "volume 101", ""},
		{"mdc", 1, "volume +1", ""},
		{"mdc", 1, "serial 7", ""},
		{"mdc", 1, "F9 00", ""},
		{"mdc", 1, "input scart", ""},
		{"sicp", 1, "power on", "06 01 00 18 02 1D"},
		{"sicp", 1, "power get", "05 01 00 19 1D"},
		{"sicp", 1, "backlight off", "06 01 00 72 01 74"},
		{"sicp", 1, "hours get", "06 01 00 0F 02 0A"},
		{"sicp", 1, "model get", "06 01 00 A1 00 A6"},
		{"sicp", 1, "input ops", "09 01 00 AC 0B 00 01 00 AE"},
		{"sicp", 1, "brightness get", "05 01 00 33 37"},
		{"sicp", 1, "brightness 50", ""},
		{"sicp", 1, "signal yes", ""},
		{"sicp", 256, "power on", ""},
		{"sicp", 1, "diagnosis get", ""},
		{"morse", 1, "power on", ""},
	}
	for _, test := range tests {
		t.Run(string(test.protocol)+" "+test.words, func(t *testing.T) {
			b, err := rs232.Compose(test.protocol, test.id, strings.Fields(test.words))
			if !bytes.Equal(b, unhex(t, test.want)) || (err == nil) != (test.want != "") {
				t.Errorf("got % X, error %v, want %s", b, err, test.want)
			}
		})
	}
}

// TestVectorsInWords: every frame of the reference can be said and is said the same when it is written again; what is
// wrong is refused.
func TestVectorsInWords(t *testing.T) {
	named, tried := 0, 0
	each := func(p rs232.Protocol, name, frame string, wrong bool) {
		b := unhex(t, frame)
		if len(b) == 0 {
			return
		}
		tried++
		fields, err := rs232.Describe(p, b)
		if (err != nil) != wrong {
			t.Errorf("%s %s: %v, error %v, wrong is %v", p, name, fields, err, wrong)
			return
		}
		if words, id, ok := requestIn(p, fields); ok {
			named++
			if again, err := rs232.Compose(p, id, words); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%s %s: %q is written as % X, error %v, want % X", p, name, words, again, err, b)
			}
		}
	}
	for _, v := range vectors(t) {
		wrong := v.Agree == "published-but-wrong"
		each(rs232.ProtocolMDC, v.Name, v.Request, wrong)
		each(rs232.ProtocolMDC, v.Name, v.Response, wrong)
	}
	for _, v := range sicpVectors(t) {
		each(rs232.ProtocolSICP, v.Name, v.Request, slices.Contains(v.Wrong, "request"))
		each(rs232.ProtocolSICP, v.Name, v.Response, slices.Contains(v.Wrong, "response"))
	}
	t.Logf("%d frames, %d of them requests with a name", tried, named)
	if named < 20 {
		t.Errorf("only %d requests have a name", named)
	}
}

// requestIn returns what Compose takes to write the request that the fields say, where it has a name and no more to it.
func requestIn(p rs232.Protocol, fields []rs232.Field) (words []string, id int, ok bool) {
	get := func(key string) string {
		i := slices.IndexFunc(fields, func(f rs232.Field) bool { return f.Key == key })
		if i < 0 {
			return ""
		}
		return fields[i].Value
	}
	command := get("command")
	if len(command) < 4 || get("rest") != "" {
		return nil, 0, false
	}
	switch id = rs232.MDCBroadcast; {
	case get("id") != "all":
		id = atoi(get("id"))
	case p == rs232.ProtocolSICP:
		id = rs232.SICPBroadcast
	}
	switch get("kind") {
	case "get":
		return []string{command, "get"}, id, true
	case "set":
		return []string{command, get(command)}, id, true
	}
	return nil, 0, false
}

func atoi(s string) int {
	n := 0
	for _, r := range s {
		n = 10*n + int(r-'0')
	}
	return n
}
