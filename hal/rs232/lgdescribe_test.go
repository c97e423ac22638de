package rs232_test

import (
	"slices"
	"strings"
	"testing"

	"bangtin/hal/rs232"
)

func TestDescribeLG(t *testing.T) {
	tests := []struct{ frame, want string }{
		{"a 01 OK01x", "kind=ack command=power power=on id=1"},
		{"ka 01 FF\r", "kind=get command=power id=1"},
		{"ka 00 01\r", "kind=set command=power power=on id=all"},
		{"ka 0a 00\r", "kind=set command=power power=off id=10"},
		{"a 01 OK09x", "kind=ack command=power power=09 id=1"},
		{"a 01 NG01x", "kind=nak command=power code=1 id=1"},
		{"e 01 OK00x", "kind=ack command=mute mute=on id=1"},
		{"ke 01 01\r", "kind=set command=mute mute=off id=1"},
		{"mg 01 32\r", "kind=set command=backlight backlight=50 id=1"},
		{"g 01 OK32x", "kind=ack command=backlight backlight=50 id=1"},
		{"kg 01 32\r", "kind=set command=kg kg=32 id=1"},
		{"xb 01 91\r", "kind=set command=input input=hdmi2 id=1"},
		{"b 01 OKa0x", "kind=ack command=input input=hdmi1 id=1"},
		{"b 01 OK40x", "kind=ack command=input input=0x40 id=1"},
		{"l 01 OK1a2bx", "kind=ack command=hours hours=6699 id=1"},
		{"n 01 OK2ax", "kind=ack command=temperature temperature=42 id=1"},
		{"n 01 OK0c03x", "kind=ack command=n n=0c03 id=1"},
		{"sn 01 0c 03\r", "kind=set command=sn sn=0c03 id=1"},
		{"fw 01 01\r", "kind=set command=fw fw=01 id=1"},
		{"fw 01 ff\r", "kind=get command=fw id=1"},
		{"w 01 OK01x", "kind=ack command=w w=01 id=1"},
		{"sv 01 02 FF\r", "kind=get command=signal id=1"},
		{"v 01 OK0201x", "kind=ack command=signal signal=yes id=1"},
		{"z 01 OK01x", "kind=ack command=diagnosis diagnosis=no-signal id=1 code=01"},
		{"z 01 OK04x", "kind=ack command=diagnosis diagnosis=none id=1 code=04"},
		{"y 01 OK305MAXX1A234x", "kind=ack command=serial serial=305MAXX1A234 id=1"},
		{"", ""},
		{"a 01 OK01", ""},
		{"a 01 OK01x\r\n", ""},
		{"\x00a 01 OK01x", ""},
		{"a 01 OK01xa 01 OK01x", ""},
	}
	for _, test := range tests {
		fields, err := rs232.Describe(rs232.ProtocolLG, []byte(test.frame))
		if got := spell(fields); got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%q: got %q (error %v), want %q", test.frame, got, err, test.want)
		}
	}
}

// spell writes fields as the program prints them.
func spell(fields []rs232.Field) string {
	var words []string
	for _, f := range fields {
		words = append(words, f.Key+"="+f.Value)
	}
	return strings.Join(words, " ")
}

// wordsOf returns what composes the request that fields describe.
func wordsOf(fields []rs232.Field) []string {
	command := fields[1].Value
	if i := slices.IndexFunc(fields, func(f rs232.Field) bool { return f.Key == command }); i >= 0 {
		return []string{command, fields[i].Value}
	}
	return []string{command, "get"}
}

func TestComposeLG(t *testing.T) {
	for _, request := range []string{
		"ka 01 01\r", "ka 01 FF\r", "ka 0a 00\r", "ka 01 00\r", "xb 01 90\r", "xb 01 40\r", "mg 01 32\r", "kh 01 64\r", "kf 01 00\r",
		"ke 01 00\r", "ke 01 01\r", "dn 01 FF\r", "sv 01 02 FF\r", "kz 01 FF\r", "fy 01 FF\r", "dl 01 FF\r", "fw 01 01\r", "sn 01 0c 03\r",
	} {
		fields, err := rs232.Describe(rs232.ProtocolLG, []byte(request))
		if err != nil {
			t.Errorf("%q: %v", request, err)
			continue
		}
		id := 1
		if fields[len(fields)-1].Value == "10" {
			id = 10
		}
		if b, err := rs232.Compose(rs232.ProtocolLG, id, wordsOf(fields)); err != nil || string(b) != request {
			t.Errorf("%q is %q, which composes to %q (error %v)", request, spell(fields), b, err)
		}
	}
	for _, words := range [][]string{
		nil, {"power"}, {"power", "on", "off"}, {"power", "dim"}, {"volume", "101"}, {"volume", "-1"}, {"temperature", "20"},
		{"input", "scart"}, {"model", "get"}, {"fw", "1"}, {"fw", ""}, {"f w", "01"}, {"input", "0x100"},
	} {
		if b, err := rs232.Compose(rs232.ProtocolLG, 1, words); err == nil {
			t.Errorf("%q composes to %q", words, b)
		}
	}
	for _, id := range []int{-1, 100} {
		if _, err := rs232.Compose(rs232.ProtocolLG, id, []string{"power", "on"}); err == nil {
			t.Errorf("set ID %d was taken", id)
		}
	}
}
