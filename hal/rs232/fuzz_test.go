package rs232_test

import (
	"bytes"
	"testing"

	"bangtin/hal/rs232"
)

// FuzzMDCScan feeds any bytes to the codec: it must make progress, keep little, and believe nothing that would
// not have been sent like that.
func FuzzMDCScan(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(append(unhex(f, v.Request), unhex(f, v.Response)...))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		rest := stream
		for {
			frame, n, err := rs232.ScanMDC(rest)
			if n < 0 || n > len(rest) {
				t.Fatalf("consumed %d of %d bytes", n, len(rest))
			}
			if err != nil {
				if kept := len(rest) - n; kept >= 260 {
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

// FuzzMDCMatch lets a stream arrive in pieces with the right reply at its end. Whatever came before, a match
// must be a reply to the command asked; and when no header byte stands in the noise, it must be this reply.
func FuzzMDCMatch(f *testing.F) {
	f.Add(byte(1), byte(0x11), []byte("noise"), byte(3))
	f.Add(byte(1), byte(0x11), []byte{0xAA, 0xFF, 0x01, 0xFF}, byte(1))
	f.Add(byte(1), byte(0x11), []byte{0xAA, 0xFF, 0x02, 0x03, 0x41, 0x11, 0x01, 0x57}, byte(7))
	f.Fuzz(func(t *testing.T, id, command byte, noise []byte, piece byte) {
		if len(noise) > 700 {
			return // the link shows a match at most 1024 bytes
		}
		last, err := rs232.MDCFrame{Command: 0xFF, ID: id, Data: []byte{0x41, command, 0x07}}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		reply := arrive(t, rs232.MatchMDC(id, command, nil), append(bytes.Clone(noise), last...), max(1, int(piece)))
		if reply == nil {
			if !bytes.Contains(noise, []byte{0xAA}) {
				t.Fatalf("no reply found behind % X", noise)
			}
			return
		}
		if len(reply) < 2 || reply[0] != 0x41 && reply[0] != 0x4E || reply[1] != command {
			t.Fatalf("% X is no reply to %02X", reply, command)
		}
		if !bytes.Contains(noise, []byte{0xAA}) && !bytes.Equal(reply, []byte{0x41, command, 0x07}) {
			t.Fatalf("found % X behind % X", reply, noise)
		}
	})
}

// arrive shows a growing stream to match, as a link does, and returns the first reply.
func arrive(t *testing.T, match rs232.Match, stream []byte, piece int) []byte {
	t.Helper()
	var pending []byte
	for len(stream) > 0 {
		n := min(piece, len(stream))
		pending, stream = append(pending, stream[:n]...), stream[n:]
		reply, consumed := match(pending)
		if consumed < 0 || consumed > len(pending) {
			t.Fatalf("consumed %d of %d bytes", consumed, len(pending))
		}
		if reply != nil {
			return reply
		}
		pending = pending[consumed:]
	}
	return nil
}
