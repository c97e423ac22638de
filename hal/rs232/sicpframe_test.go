package rs232_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"bangtin/hal/rs232"
)

// A sicpVector is one exchange from the reference, of which a part may be wrong.
type sicpVector struct {
	vector
	Wrong []string `json:"wrong"`
}

func sicpVectors(t testing.TB) []sicpVector {
	t.Helper()
	b, err := os.ReadFile("testdata/sicp-frames.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Frames []sicpVector }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Frames) == 0 {
		t.Fatal("no vectors")
	}
	return file.Frames
}

// sicpNamed returns the bytes of one exchange.
func sicpNamed(t testing.TB, name string) (request, response []byte) {
	t.Helper()
	for _, v := range sicpVectors(t) {
		if v.Name == name {
			return unhex(t, v.Request), unhex(t, v.Response)
		}
	}
	t.Fatalf("no vector %q", name)
	return nil, nil
}

func TestSICPVectors(t *testing.T) {
	for _, v := range sicpVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			for part, text := range map[string]string{"request": v.Request, "response": v.Response} {
				b := unhex(t, text)
				switch {
				case len(b) == 0:
				case slices.Contains(v.Wrong, part):
					if f, _, err := rs232.ScanSICP(rs232.SICPGrouped, b); !errors.Is(err, rs232.ErrNoFrame) {
						t.Errorf("a %s that is published but wrong was taken for %+v", part, f)
					}
				default:
					scanWholeSICP(t, rs232.SICPGrouped, b)
				}
			}
			if v.Request != "" && v.Response != "" && len(v.Wrong) == 0 {
				matchesSICP(t, unhex(t, v.Request), unhex(t, v.Response))
			}
		})
	}
}

// matchesSICP checks that a response is found as the answer to its request, and the request's echo is not.
func matchesSICP(t *testing.T, request, response []byte) {
	t.Helper()
	asked := scanWholeSICP(t, rs232.SICPGrouped, request)
	match := rs232.MatchSICPReport(asked)
	if response[3] == 0 {
		match = rs232.MatchSICPAck(asked)
	}
	if reply, n := match(response); !bytes.Equal(reply, response[3:len(response)-1]) || n != len(response) {
		t.Errorf("of the response % X % X was matched", response, reply)
	}
	if reply, _ := match(request); reply != nil {
		t.Errorf("the request's echo was taken for the reply % X", reply)
	}
}

// scanWholeSICP scans bytes that must be exactly one frame and encode to themselves.
func scanWholeSICP(t *testing.T, e rs232.SICPEdition, b []byte) rs232.SICPFrame {
	t.Helper()
	f, n, err := rs232.ScanSICP(e, b)
	if err != nil || n != len(b) {
		t.Fatalf("scanned %d of % X: %v", n, b, err)
	}
	again, err := f.Encode()
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("% X encodes to % X (error %v)", b, again, err)
	}
	return f
}

func TestScanSICP(t *testing.T) {
	const on = "06 01 01 19 02 1D"
	tests := []struct {
		name     string
		stream   string
		found    bool
		consumed int
	}{
		{"nothing", "", false, 0},
		{"garbage", "00 01 02 FF 29", false, 5},
		{"size alone", "06", false, 0},
		{"garbage before an unfinished frame", "00 06 01 01", false, 1},
		{"frame", on, true, 6},
		{"shortest", "05 01 00 19 1D", true, 5},
		{"frame after garbage", "00 FF 41 " + on, true, 9},
		{"first of two", on + on, true, 6},
		{"frame behind one with a wrong sum", "06 01 01 19 02 1C" + on, true, 12},
		{"frame behind one cut short", "28 01 01 19" + on, true, 10},
		{"frame behind a lost byte", "06 01 01 19 02" + on, true, 11},
		{"size that says too much", "29" + on, true, 7},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, n, err := rs232.ScanSICP(rs232.SICPGrouped, unhex(t, test.stream))
			if (err == nil) != test.found || n != test.consumed {
				t.Errorf("consumed %d with error %v, want %d and found %v", n, err, test.consumed, test.found)
			}
		})
	}
}

// TestSICPEditions: the same bytes mean one thing to an old set and another to a new one.
func TestSICPEditions(t *testing.T) {
	b := unhex(t, "05 01 19 02 1F")
	old := scanWholeSICP(t, rs232.SICPUngrouped, b)
	if old.Command != 0x19 || !bytes.Equal(old.Data, []byte{2}) {
		t.Errorf("an old set's report of power is %+v", old)
	}
	if f := scanWholeSICP(t, rs232.SICPGrouped, b); f.Group != 0x19 || f.Command != 2 || len(f.Data) != 0 {
		t.Errorf("with a group byte it is %+v", f)
	}
}

func TestEncodeSICPRefusesTooMuch(t *testing.T) {
	if b, err := (rs232.SICPFrame{Data: make([]byte, 36)}).Encode(); err == nil {
		t.Errorf("%d bytes were encoded", len(b))
	}
	b, err := rs232.SICPFrame{Data: make([]byte, 35)}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	scanWholeSICP(t, rs232.SICPGrouped, b)
}

func TestMatchSICP(t *testing.T) {
	const ack, nav, nack = "06 01 01 00 06 00", "06 01 01 00 18 1E", "06 01 00 00 15 12"
	const power = "06 01 01 19 01 1E"
	get := rs232.SICPFrame{ID: 1, Command: 0x19}
	version := rs232.SICPFrame{ID: 1, Command: 0xA2, Data: []byte{0}}
	set := rs232.SICPFrame{ID: 1, Command: 0x18, Data: []byte{2}}
	tests := []struct {
		name   string
		match  rs232.Match
		stream string
		want   string // empty: no reply
	}{
		{"report", rs232.MatchSICPReport(get), power, "19 01"},
		{"report of another edition", rs232.MatchSICPReport(get), "06 01 00 19 01 1F", "19 01"},
		{"echo, then report", rs232.MatchSICPReport(get), "05 01 00 19 1D" + power, "19 01"},
		{"echo with an item, then NAV", rs232.MatchSICPReport(version), "06 01 00 A2 00 A5" + nav, "00 18"},
		{"another panel's, then report", rs232.MatchSICPReport(get), "06 02 01 19 02 1E" + power, "19 01"},
		{"another command's, then report", rs232.MatchSICPReport(get), "06 01 01 59 01 5E" + power, "19 01"},
		{"late ACK, then report", rs232.MatchSICPReport(get), ack + power, "19 01"},
		{"report without a value", rs232.MatchSICPReport(get), "05 01 01 19 1C", ""},
		{"NAV to a get", rs232.MatchSICPReport(get), nav, "00 18"},
		{"ACK", rs232.MatchSICPAck(set), ack, "00 06"},
		{"NAV", rs232.MatchSICPAck(set), nav, "00 18"},
		{"NACK", rs232.MatchSICPAck(set), nack, "00 15"},
		{"late report, then ACK", rs232.MatchSICPAck(set), power + ack, "00 06"},
		{"neither ACK nor NAV", rs232.MatchSICPAck(set), "06 01 01 00 07 01", ""},
		{"ACK of another panel", rs232.MatchSICPAck(set), "06 02 01 00 06 03", ""},
		{"ACK with a value", rs232.MatchSICPAck(set), "07 01 01 00 06 00 01", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reply, _ := test.match(unhex(t, test.stream))
			if !bytes.Equal(reply, unhex(t, test.want)) || (reply == nil) != (test.want == "") {
				t.Errorf("matched % X, want %s", reply, test.want)
			}
		})
	}
}
