package rs232_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"bangtin/hal/rs232"
)

// vectorsOf returns the exchanges in a file beside mdc-frames.json.
func vectorsOf(t testing.TB, file string) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var content struct{ Frames []vector }
	if err := json.Unmarshal(b, &content); err != nil {
		t.Fatal(err)
	}
	if len(content.Frames) == 0 {
		t.Fatal("no vectors")
	}
	return content.Frames
}

// exchangeOf returns the bytes of one exchange in a file.
func exchangeOf(t testing.TB, file, name string) (request, response []byte) {
	t.Helper()
	for _, v := range vectorsOf(t, file) {
		if v.Name == name {
			return unhex(t, v.Request), unhex(t, v.Response)
		}
	}
	t.Fatalf("no vector %q", name)
	return nil, nil
}

func TestLGVectors(t *testing.T) {
	for _, v := range vectorsOf(t, "lg-frames.json") {
		t.Run(v.Name, func(t *testing.T) {
			request, response := unhex(t, v.Request), unhex(t, v.Response)
			asked := scanWholeLG(t, request)
			if len(response) == 0 {
				return
			}
			scanWholeLG(t, response)
			match := rs232.MatchLG(asked.ID, asked.Command, nil)
			if reply, n := match(response); reply == nil || n != len(response) {
				t.Fatalf("the response %q was not matched", response)
			}
			if reply, _ := match(request); reply != nil {
				t.Fatal("the request's echo was taken for the reply")
			}
		})
	}
}

// scanWholeLG scans bytes that must be exactly one frame and encode to themselves.
func scanWholeLG(t *testing.T, b []byte) rs232.LGFrame {
	t.Helper()
	f, n, err := rs232.ScanLG(b)
	if err != nil || n != len(b) {
		t.Fatalf("scanned %d of %q: %v", n, b, err)
	}
	again, err := f.Encode()
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("%q encodes to %q (error %v)", b, again, err)
	}
	return f
}

func TestScanLG(t *testing.T) {
	const on = "a 01 OK01x"
	tests := []struct {
		name     string
		stream   string
		found    bool
		consumed int
	}{
		{"nothing", "", false, 0},
		{"garbage", "\x00 \xff", false, 3},
		{"a letter alone", "a", false, 0},
		{"garbage before an unfinished frame", "\x00a 01 O", false, 1},
		{"acknowledgement", on, true, 10},
		{"upper-case hexadecimal", "a 0A OK0Ax", true, 10},
		{"acknowledgement in upper case", "A 01 OK0Ax", true, 10},
		{"request in upper case", "KA 01 01\r", false, 9},
		{"acknowledgement without data", "a 01 OKx", true, 8},
		{"request", "ka 01 FF\r", true, 9},
		{"request with two values", "sn 01 0c 03\r", true, 12},
		{"echo and line end before an acknowledgement", "ka 01 01\r\n" + on, true, 9},
		{"acknowledgement after garbage", "\x00x k" + on, true, 14},
		{"first of two", on + on, true, 10},
		{"behind one cut short", "a 01 OK" + on, true, 17},
		{"behind one without its end", "a 01 OK01\r\n" + on, true, 21},
		{"behind a request cut short", "ka 01 0" + on, true, 17},
		{"noise within", "a 01 O\xffK01x", false, 10},
		{"noise within, then whole", "a 01\xff OK01x" + on, true, 21},
		{"one digit of an address", "a 1 OK01x", false, 8},
		{"data without an end", "a 01 OK000000000000000000000000000000001", false, 40},
		{"longest data", "a 01 OK00000000000000000000000000000000x", true, 40},
		{"neither OK nor NG", "a 01 ON01x", false, 9},
		{"request with one digit", "ka 01 1\r", false, 8},
		{"request without a value", "ka 01 \r", false, 7},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, n, err := rs232.ScanLG([]byte(test.stream))
			if (err == nil) != test.found || n != test.consumed {
				t.Errorf("consumed %d and found %+v with error %v, want %d and found %v", n, f, err, test.consumed, test.found)
			}
			if !test.found && !errors.Is(err, rs232.ErrNoFrame) {
				t.Errorf("error is %v, want ErrNoFrame", err)
			}
		})
	}
}

func TestEncodeLGRefuses(t *testing.T) {
	for _, f := range []rs232.LGFrame{
		{},
		{Command: "kab", Data: "01"},
		{Command: "KA", Data: "01"},
		{Command: "ka", Data: "1"},
		{Command: "ka", Data: "01\rka 01 01"},
		{Command: "ka", Result: "OK", Data: "01"},
		{Command: "a", Result: "OK", Data: "01x"},
		{Command: "a", Result: "OK", Data: "000000000000000000000000000000000"},
		{Command: "a", Data: "01"},
	} {
		if b, err := f.Encode(); err == nil {
			t.Errorf("%+v was encoded to %q", f, b)
		}
	}
}

func TestMatchLG(t *testing.T) {
	tests := []struct {
		name   string
		stream string
		fits   func(string) bool
		want   string // empty: no reply
	}{
		{"OK", "a 01 OK01x", nil, "OK01"},
		{"NG", "a 01 NG03x", nil, "NG03"},
		{"sent twice", "a 01 OK01xa 01 OK01x", nil, "OK01"},
		{"echo and line end", "ka 01 FF\r\na 01 OK00x\r\n", nil, "OK00"},
		{"another panel's first", "a 02 OK01xa 01 OK00x", nil, "OK00"},
		{"another command's first", "b 01 OK90xa 01 OK00x", nil, "OK00"},
		{"what does not fit first", "a 01 OK01xa 01 OK00x", func(d string) bool { return d == "00" }, "OK00"},
		{"what does not fit", "a 01 OK01x", func(d string) bool { return d == "00" }, ""},
		{"NG always fits", "a 01 NG01x", func(d string) bool { return false }, "NG01"},
		{"request alone", "ka 01 01\r", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reply, _ := rs232.MatchLG(1, "ka", test.fits)([]byte(test.stream))
			if string(reply) != test.want || (reply == nil) != (test.want == "") {
				t.Errorf("matched %q, want %q", reply, test.want)
			}
		})
	}
}

// FuzzScanLG feeds any bytes to the codec: it must make progress, keep little, and believe nothing that would not have
// been sent like that. Only the hexadecimal digits of an address may be of another case.
func FuzzScanLG(f *testing.F) {
	for _, v := range vectorsOf(f, "lg-frames.json") {
		f.Add(append(unhex(f, v.Request), unhex(f, v.Response)...))
	}
	f.Add([]byte("ka 01 01\r\na 01 OK01x\r\na 01 OK01x\r\n"))
	f.Add([]byte("ka 01 0a 01 OK0a 0A NG1x"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		rest := stream
		for {
			frame, n, err := rs232.ScanLG(rest)
			if n < 0 || n > len(rest) {
				t.Fatalf("consumed %d of %d bytes", n, len(rest))
			}
			if err != nil {
				if kept := len(rest) - n; kept > 40 {
					t.Fatalf("keeps %d bytes, which is a whole frame", kept)
				}
				return
			}
			b, err := frame.Encode()
			if err != nil || n < len(b) || !bytes.EqualFold(b, rest[n-len(b):n]) {
				t.Fatalf("found %+v, which encodes to %q (error %v), in %q", frame, b, err, rest[:n])
			}
			rest = rest[n:]
		}
	})
}

// FuzzMatchLG lets noise arrive in pieces with the right acknowledgement at its end. What is matched must be one that
// was on the line; and noise that no frame can begin in must not hide it.
func FuzzMatchLG(f *testing.F) {
	f.Add(byte(1), []byte("noise"), byte(3))
	f.Add(byte(1), []byte("a 01 OK0"), byte(1))
	f.Add(byte(10), []byte("ka 0a 01\r\na 0A NG1"), byte(7))
	f.Fuzz(func(t *testing.T, id byte, noise []byte, piece byte) {
		if len(noise) > 700 {
			return // the link shows a match at most 1024 bytes
		}
		last, err := rs232.LGFrame{Command: "a", ID: id, Result: "OK", Data: "07"}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		stream := append(bytes.Clone(noise), last...)
		reply := arrive(t, rs232.MatchLG(id, "ka", nil), stream, max(1, int(piece)))
		if reply == nil {
			t.Fatalf("no acknowledgement found behind %q", noise)
		}
		if !bytes.Contains(stream, append(bytes.Clone(reply), 'x')) {
			t.Fatalf("%q is not on the line: %q", reply, stream)
		}
	})
}
