package rs232_test

import (
	"bytes"
	"testing"

	"bangtin/hal/rs232"
)

// FuzzScanSICP feeds any bytes to the codec of either edition: it must make progress, keep little, and believe nothing
// that would not have been sent like that.
func FuzzScanSICP(f *testing.F) {
	for _, v := range sicpVectors(f) {
		f.Add(false, append(unhex(f, v.Request), unhex(f, v.Response)...))
	}
	f.Add(true, []byte{5, 1, 0x19, 2, 0x1F})
	f.Fuzz(func(t *testing.T, old bool, stream []byte) {
		edition := rs232.SICPGrouped
		if old {
			edition = rs232.SICPUngrouped
		}
		rest := stream
		for {
			frame, n, err := rs232.ScanSICP(edition, rest)
			if n < 0 || n > len(rest) {
				t.Fatalf("consumed %d of %d bytes", n, len(rest))
			}
			if err != nil {
				if kept := len(rest) - n; kept >= 40 {
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

// FuzzMatchSICP lets a stream arrive in pieces. Whatever it is, a match must be an answer to what was asked.
func FuzzMatchSICP(f *testing.F) {
	f.Add(byte(1), byte(0x19), []byte{5, 1, 0, 0x19, 0x1D, 6, 1, 1, 0x19, 2, 0x1D}, byte(3))
	f.Add(byte(1), byte(0x18), []byte{6, 1, 1, 0x19, 2, 0x1D, 6, 1, 1, 0, 6, 0}, byte(1))
	f.Add(byte(1), byte(0x18), []byte{0x28, 1, 1, 0, 6, 1, 1, 0, 0x18, 0x1E}, byte(7))
	f.Fuzz(func(t *testing.T, id, command byte, stream []byte, piece byte) {
		if len(stream) > 1000 {
			return // the link shows a match at most 1024 bytes
		}
		request := rs232.SICPFrame{ID: id, Command: command}
		report := arrive(t, rs232.MatchSICPReport(request), stream, max(1, int(piece)))
		if refused := len(report) == 2 && report[0] == 0 && (report[1] == 0x15 || report[1] == 0x18); report != nil && !refused {
			if len(report) < 2 || report[0] != command {
				t.Fatalf("% X is no report of %02X", report, command)
			}
		}
		ack := arrive(t, rs232.MatchSICPAck(request), stream, max(1, int(piece)))
		if ack != nil && (len(ack) != 2 || ack[0] != 0 || !bytes.Contains([]byte{6, 0x15, 0x18}, ack[1:])) {
			t.Fatalf("% X acknowledges nothing", ack)
		}
	})
}
