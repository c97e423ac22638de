package rs232_test

import (
	"testing"

	"bangtin/hal/rs232"
)

func TestDescribeNEC(t *testing.T) {
	tests := []struct {
		destination, source, kind byte
		message, want             string
	}{
		{'A', '0', 'A', "01D6", "kind=get command=power id=1"},
		{'A', '0', 'A', "C203D60001", "kind=set command=power power=on id=1"},
		{'*', '0', 'A', "C203D60004", "kind=set command=power power=off id=all"},
		{'3', '0', 'A', "C203D60004", "kind=set command=power power=off id=group3"},
		{0xA4, '0', 'C', "0060", "kind=get command=input id=100"},
		{'A', '0', 'E', "00600011", "kind=set command=input input=hdmi1 id=1"},
		{'A', '0', 'E', "022E0001", "kind=set command=022E 022E=0001 id=1"},
		{'A', '0', 'A', "0C", "kind=set command=0C id=1"},
		{'A', '0', 'A', "B1", "kind=get command=diagnosis id=1"},
		{'0', 'A', 'B', "A180B0", "kind=ack command=diagnosis diagnosis=fan,no-signal id=1 code=80,B0"},
		{'0', 'A', 'B', "0200D60000040003", "kind=ack command=power power=suspend id=1"},
		{'0', 'A', 'B', "0201D60000040003", "kind=nak command=power code=01 id=1"},
		{'0', 'A', 'B', "00C203D60001", "kind=ack command=power power=on id=1"},
		{'0', '*', 'B', "00C203D60004", "kind=ack command=power power=off id=all"},
		{'0', 'A', 'B', "BE", "kind=busy id=1"},
		{'0', 'A', 'B', "C31750343033", "kind=ack command=model model=P403 id=1"},
		{'0', 'A', 'D', "0000600000110003", "kind=ack command=input input=dvi id=1 max=17"},
		{'0', 'A', 'D', "0100600000000000", "kind=nak command=input code=01 id=1"},
		{'0', 'A', 'D', "00027900FFFFFFEC", "kind=ack command=temperature temperature=-10 id=1 max=65535"},
		{'0', 'A', 'D', "00027900FFFF0033", "kind=ack command=temperature temperature=25.5 id=1 max=65535"},
		{'0', 'A', 'D', "0000FF00FFFF1234", "kind=ack command=hours hours=2330 id=1 max=65535"},
		{'0', 'A', 'F', "0000100000640064", "kind=ack command=backlight backlight=100 id=1 max=100"},
		{'0', 'A', 'F', "00008D0000020001", "kind=ack command=mute mute=on id=1 max=2"},
		{'0', 'A', 'F', "0000", "kind=ack command=0000 id=1"},
	}
	for _, test := range tests {
		b, err := rs232.NECFrame{test.destination, test.source, test.kind, test.message}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		fields, err := rs232.Describe(rs232.ProtocolNEC, b)
		if got := spell(fields); got != test.want || err != nil {
			t.Errorf("%s: got %q (error %v), want %q", test.message, got, err, test.want)
		}
		for _, wrong := range [][]byte{nil, b[1:], b[:len(b)-1], append([]byte{0}, b...), append(b, b...)} {
			if fields, err := rs232.Describe(rs232.ProtocolNEC, wrong); err == nil {
				t.Errorf("% X is said to be %q", wrong, spell(fields))
			}
		}
	}
}

// TestComposeNEC takes every request of the vectors through its words and back.
func TestComposeNEC(t *testing.T) {
	done := 0
	for _, v := range vectorsOf(t, "nec-frames.json") {
		if v.Request == "" {
			continue
		}
		request := unhex(t, v.Request)
		fields, err := rs232.Describe(rs232.ProtocolNEC, request)
		if err != nil {
			t.Errorf("%s: %v", v.Request, err)
			continue
		}
		id := 1
		if request[2] == '*' {
			id = 0
		}
		if again, err := rs232.Compose(rs232.ProtocolNEC, id, wordsOf(fields)); err != nil || string(again) != string(request) {
			t.Errorf("%s is %q, which composes to % X (error %v)", v.Request, spell(fields), again, err)
		}
		done++
	}
	if done < 10 {
		t.Errorf("only %d requests in the vectors", done)
	}
	for _, words := range [][]string{
		nil, {"power"}, {"power", "on", "off"}, {"power", "dim"}, {"volume", "101"}, {"temperature", "20"}, {"input", "scart"},
		{"serial", "1"}, {"brightness", "50"}, {"10", "get"}, {"00zz", "get"}, {"0012", "1"}, {"008d", "0001"},
	} {
		if b, err := rs232.Compose(rs232.ProtocolNEC, 1, words); err == nil {
			t.Errorf("%q composes to % X", words, b)
		}
	}
	for _, id := range []int{-1, 101} {
		if _, err := rs232.Compose(rs232.ProtocolNEC, id, []string{"power", "on"}); err == nil {
			t.Errorf("set ID %d was taken", id)
		}
	}
}
