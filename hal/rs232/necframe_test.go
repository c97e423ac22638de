package rs232_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"bangtin/hal/rs232"
)

func TestNECVectors(t *testing.T) {
	for _, v := range vectorsOf(t, "nec-frames.json") {
		t.Run(v.Name, func(t *testing.T) {
			request, response := unhex(t, v.Request), unhex(t, v.Response)
			if v.Agree == "published-but-wrong" {
				for _, b := range [][]byte{request, response} {
					if f, _, err := rs232.ScanNEC(b); !errors.Is(err, rs232.ErrNoFrame) {
						t.Fatalf("a frame that is published but wrong was taken for %+v", f)
					}
				}
				return
			}
			var asked rs232.NECFrame
			if len(request) > 0 {
				asked = scanWholeNEC(t, request)
			}
			if len(response) == 0 {
				return
			}
			said := scanWholeNEC(t, response)
			if len(request) == 0 {
				return
			}
			match := rs232.MatchNEC(asked.Destination, asked.Type+1, func(m string) bool { return m == said.Message })
			if reply, n := match(response); reply == nil || n != len(response) {
				t.Fatalf("the response % X was not matched", response)
			}
			if reply, _ := match(request); reply != nil {
				t.Fatal("the request's echo was taken for the reply")
			}
		})
	}
}

// scanWholeNEC scans bytes that must be exactly one frame and encode to themselves.
func scanWholeNEC(t *testing.T, b []byte) rs232.NECFrame {
	t.Helper()
	f, n, err := rs232.ScanNEC(b)
	if err != nil || n != len(b) {
		t.Fatalf("scanned %d of % X: %v", n, b, err)
	}
	again, err := f.Encode()
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("% X encodes to % X (error %v)", b, again, err)
	}
	return f
}

// necFrame writes a frame by hand, with a check code of its own.
func necFrame(destination, source, kind byte, message string) string {
	b := []byte{0x01, '0', destination, source, kind, "0123456789ABCDEF"[(len(message)+2)>>4], "0123456789ABCDEF"[(len(message)+2)&15], 0x02}
	b = append(append(b, message...), 0x03)
	var sum byte
	for _, c := range b[1:] {
		sum ^= c
	}
	return string(append(b, sum, 0x0D))
}

func TestScanNEC(t *testing.T) {
	on := necFrame('0', 'A', 'B', "0200D60000040001") // 27 bytes
	tests := []struct {
		name     string
		stream   string
		found    bool
		consumed int
	}{
		{"nothing", "", false, 0},
		{"garbage", "\x00\x02\r", false, 3},
		{"header alone", "\x01", false, 0},
		{"garbage before an unfinished frame", "\x00\x0100AB12\x02", false, 1},
		{"frame", on, true, 27},
		{"last monitor", necFrame('0', 0xA4, 'B', "BE"), true, 13},
		{"check code 00", "\x0100AB08\x02A180B0\x03\x00\r", true, 17},
		{"check code 0D", necFrame('0', 'A', 'D', "00027900FFFFFFEC"), true, 27},
		{"frame after garbage", "\r\x00A" + on, true, 30},
		{"first of two", on + on, true, 27},
		{"behind one with a wrong check code", on[:25] + "\x00\r" + on, true, 54},
		{"behind one cut short", on[:20] + on, true, 47},
		{"behind a lost byte", on[:12] + on[13:] + on, true, 53},
		{"behind one that promises more", "\x0100ABFF\x02" + on, true, 35},
		{"header before a frame", "\x01" + on, true, 28},
		{"noise within", on[:12] + "\xFF" + on[12:], false, 28},
		{"wrong check code", on[:25] + "\x00\r", false, 27},
		{"no end", on[:26] + "\n", false, 27},
		{"length in lower case", "\x0100AB1a\x02", false, 8},
		{"length of nothing", "\x0100AB02\x02\x03", false, 9},
		{"no such monitor", "\x0100\xA5B04\x02", false, 8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, n, err := rs232.ScanNEC([]byte(test.stream))
			if (err == nil) != test.found || n != test.consumed {
				t.Errorf("consumed %d and found %+v with error %v, want %d and found %v", n, f, err, test.consumed, test.found)
			}
		})
	}
}

func TestEncodeNECRefuses(t *testing.T) {
	for _, f := range []rs232.NECFrame{
		{},
		{Destination: 'A', Source: '0', Type: 'A'},
		{Destination: 'A', Source: '0', Type: 'G', Message: "BE"},
		{Destination: '@', Source: '0', Type: 'A', Message: "BE"},
		{Destination: 'A', Source: '0', Type: 'A', Message: "B\x03"},
		{Destination: 'A', Source: '0', Type: 'A', Message: strings.Repeat("0", 254)},
	} {
		if b, err := f.Encode(); err == nil {
			t.Errorf("%+v was encoded to % X", f, b)
		}
	}
	b, err := rs232.NECFrame{Destination: 'A', Source: '0', Type: 'A', Message: strings.Repeat("0", 253)}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	scanWholeNEC(t, b)
}

func TestMatchNEC(t *testing.T) {
	const want = "00001000006400FF"
	good := necFrame('0', 'A', 'D', want)
	tests := []struct {
		name   string
		stream string
		want   string // empty: no reply
	}{
		{"reply", good, want},
		{"null message", necFrame('0', 'A', 'B', "BE"), "BE"},
		{"echo first", necFrame('A', '0', 'C', "0010") + good, want},
		{"another panel's first", necFrame('0', 'B', 'D', want) + good, want},
		{"another panel's null message first", necFrame('0', 'B', 'B', "BE") + good, want},
		{"another's first", necFrame('0', 'A', 'D', "00006200006400FF") + good, want},
		{"of another type", necFrame('0', 'A', 'F', want), ""},
		{"to somebody else", necFrame('B', 'A', 'D', want), ""},
		{"null message of another type", necFrame('0', 'A', 'D', "BE"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			match := rs232.MatchNEC('A', 'D', func(m string) bool { return strings.HasPrefix(m, "000010") })
			reply, _ := match([]byte(test.stream))
			if string(reply) != test.want || (reply == nil) != (test.want == "") {
				t.Errorf("matched %q, want %q", reply, test.want)
			}
		})
	}
}

// FuzzScanNEC feeds any bytes to the codec: it must make progress, keep little, and believe nothing that would not have
// been sent like that.
func FuzzScanNEC(f *testing.F) {
	for _, v := range vectorsOf(f, "nec-frames.json") {
		f.Add(append(unhex(f, v.Request), unhex(f, v.Response)...))
	}
	f.Add([]byte("\x0100ABFF\x02" + necFrame('0', 'A', 'B', "BE")))
	f.Fuzz(func(t *testing.T, stream []byte) {
		rest := stream
		for {
			frame, n, err := rs232.ScanNEC(rest)
			if n < 0 || n > len(rest) {
				t.Fatalf("consumed %d of %d bytes", n, len(rest))
			}
			if err != nil {
				if kept := len(rest) - n; kept >= 264 {
					t.Fatalf("keeps %d bytes, which is a whole frame", kept)
				}
				return
			}
			b, err := frame.Encode()
			if err != nil || n < len(b) || !bytes.Equal(b, rest[n-len(b):n]) {
				t.Fatalf("found %+v, which encodes to % X (error %v), in % X", frame, b, err, rest[:n])
			}
			rest = rest[n:]
		}
	})
}

// FuzzMatchNEC lets noise arrive in pieces with the right reply at its end. What is matched must fit; and when no frame
// can begin in the noise, it must be this reply.
func FuzzMatchNEC(f *testing.F) {
	f.Add([]byte("noise"), byte(3))
	f.Add([]byte("\x0100ABFF\x02"), byte(1))
	f.Add([]byte(necFrame('0', 'B', 'B', "BE")), byte(7))
	f.Fuzz(func(t *testing.T, noise []byte, piece byte) {
		if len(noise) > 700 {
			return // the link shows a match at most 1024 bytes
		}
		const last = "0200D60000040004"
		match := rs232.MatchNEC('A', 'B', func(m string) bool { return len(m) == 16 && strings.HasPrefix(m, "0200D6") })
		reply := arrive(t, match, append(bytes.Clone(noise), necFrame('0', 'A', 'B', last)...), max(1, int(piece)))
		clean := !bytes.Contains(noise, []byte{0x01})
		switch {
		case reply == nil:
			t.Fatalf("no reply found behind % X", noise)
		case clean && string(reply) != last:
			t.Fatalf("found %q behind % X", reply, noise)
		case string(reply) != "BE" && !strings.HasPrefix(string(reply), "0200D6"):
			t.Fatalf("%q is no reply", reply)
		}
	})
}
