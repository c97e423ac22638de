package rs232_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"bangtin/hal/rs232"
)

// A vector is one exchange from the reference.
type vector struct {
	Name     string `json:"name"`
	Request  string `json:"request_hex"`
	Response string `json:"response_hex"` // empty where nobody answers
	Agree    string `json:"agree"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/mdc-frames.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Frames []vector }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Frames) == 0 {
		t.Fatal("no vectors")
	}
	return file.Frames
}

// vectorNamed returns the bytes of one exchange.
func vectorNamed(t testing.TB, name string) (request, response []byte) {
	t.Helper()
	for _, v := range vectors(t) {
		if v.Name == name {
			return unhex(t, v.Request), unhex(t, v.Response)
		}
	}
	t.Fatalf("no vector %q", name)
	return nil, nil
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			request, response := unhex(t, v.Request), unhex(t, v.Response)
			if v.Agree == "published-but-wrong" {
				if f, _, err := rs232.ScanMDC(request); !errors.Is(err, rs232.ErrNoFrame) {
					t.Fatalf("a frame that is published but wrong was taken for %+v", f)
				}
				return
			}
			asked := scanWhole(t, request)
			if len(response) == 0 {
				return
			}
			scanWhole(t, response)
			reply, n := rs232.MatchMDC(asked.ID, asked.Command, nil)(response)
			if reply == nil || n != len(response) {
				t.Fatalf("the response % X was not matched", response)
			}
			if reply, _ := rs232.MatchMDC(asked.ID, asked.Command, nil)(request); reply != nil {
				t.Fatal("the request's echo was taken for the reply")
			}
		})
	}
}

// scanWhole scans bytes that must be exactly one frame and encode to themselves.
func scanWhole(t *testing.T, b []byte) rs232.MDCFrame {
	t.Helper()
	f, n, err := rs232.ScanMDC(b)
	if err != nil || n != len(b) {
		t.Fatalf("scanned %d of % X: %v", n, b, err)
	}
	again, err := f.Encode()
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("% X encodes to % X (error %v)", b, again, err)
	}
	return f
}

func TestScanMDC(t *testing.T) {
	const on = "AA FF 01 03 41 11 01 56"
	tests := []struct {
		name     string
		stream   string
		found    bool
		consumed int
	}{
		{"nothing", "", false, 0},
		{"garbage", "00 01 02", false, 3},
		{"header alone", "AA", false, 0},
		{"garbage before an unfinished frame", "00 AA FF 01", false, 1},
		{"frame", on, true, 8},
		{"frame without data", "AA 0D 00 00 0D", true, 5},
		{"frame after garbage", "00 FF 41 " + on, true, 11},
		{"first of two", on + on, true, 8},
		{"frame behind one with a wrong sum", "AA FF 01 03 41 11 01 57" + on, true, 16},
		{"frame behind one cut short", "AA FF 01 FF 41" + on, true, 13},
		{"frame behind a lost byte", "AA FF 01 03 41 11 01" + on, true, 15},
		{"header before a frame", "AA" + on, true, 9},
		{"wrong sum", "AA FF 01 03 41 11 01 57", false, 8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, n, err := rs232.ScanMDC(unhex(t, test.stream))
			if (err == nil) != test.found || n != test.consumed {
				t.Errorf("consumed %d with error %v, want %d and found %v", n, err, test.consumed, test.found)
			}
		})
	}
}

func TestEncodeRefusesTooMuchData(t *testing.T) {
	if _, err := (rs232.MDCFrame{Data: make([]byte, 256)}).Encode(); err == nil {
		t.Error("256 bytes of data were encoded")
	}
	b, err := rs232.MDCFrame{Data: make([]byte, 255)}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	scanWhole(t, b)
}

func TestMatchMDC(t *testing.T) {
	tests := []struct {
		name   string
		stream string
		want   string // empty: no reply
	}{
		{"ACK", "AA FF 01 03 41 11 01 56", "41 11 01"},
		{"NAK", "AA FF 01 03 4E 11 01 63", "4E 11 01"},
		{"echo, then ACK", "AA 11 01 00 12 AA FF 01 03 41 11 00 55", "41 11 00"},
		{"another panel's, then ACK", "AA FF 02 03 41 11 01 57 AA FF 01 03 41 11 00 55", "41 11 00"},
		{"another command's, then ACK", "AA FF 01 03 41 14 21 79 AA FF 01 03 41 11 00 55", "41 11 00"},
		{"neither ACK nor NAK", "AA FF 01 03 40 11 01 55", ""},
		{"too short to name a command", "AA FF 01 01 41 42", ""},
		{"without data", "AA FF 01 00 00", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reply, _ := rs232.MatchMDC(1, 0x11, nil)(unhex(t, test.stream))
			if !bytes.Equal(reply, unhex(t, test.want)) || (reply == nil) != (test.want == "") {
				t.Errorf("matched % X, want %s", reply, test.want)
			}
		})
	}
}

// TestMatchMDCAcknowledgement: what acknowledges "off" is an ACK that says off, or a NAK.
func TestMatchMDCAcknowledgement(t *testing.T) {
	off := rs232.MatchMDC(1, 0x11, func(values []byte) bool { return len(values) == 1 && values[0] == 0 })
	for name, test := range map[string]struct{ stream, want string }{
		"that value":                 {"AA FF 01 03 41 11 00 55", "41 11 00"},
		"another":                    {"AA FF 01 03 41 11 01 56", ""},
		"another, then that":         {"AA FF 01 03 41 11 01 56 AA FF 01 03 41 11 00 55", "41 11 00"},
		"none":                       {"AA FF 01 02 41 11 54", ""},
		"NAK, whose value is a code": {"AA FF 01 03 4E 11 01 63", "4E 11 01"},
	} {
		t.Run(name, func(t *testing.T) {
			reply, _ := off(unhex(t, test.stream))
			if !bytes.Equal(reply, unhex(t, test.want)) || (reply == nil) != (test.want == "") {
				t.Errorf("matched % X, want %s", reply, test.want)
			}
		})
	}
}
