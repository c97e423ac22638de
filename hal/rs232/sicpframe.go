package rs232

import (
	"fmt"
	"slices"
)

const (
	// sicpLongest is the longest frame: the documents let the size go from 3 to 40.
	sicpLongest = 40

	sicpControl = 0x00 // the command of a reply that is no report
	sicpACK     = 0x06
	sicpNACK    = 0x15 // wrong sum or form; some editions say NAV instead
	sicpNAV     = 0x18 // cannot now, or cannot at all
)

// A SICPEdition is how a set frames what it says. Nothing in a frame tells which it is: 05 01 19 02 1F is the report
// of power by an old set, and a request of group 19 to a new one.
type SICPEdition int

const (
	SICPGrouped   SICPEdition = iota // with a group byte: every set of the documents V1.8x to V2.1x
	SICPUngrouped                    // without: sets of before that
)

// overhead is size, id, group where there is one, command and sum.
func (e SICPEdition) overhead() int {
	if e == SICPUngrouped {
		return 4
	}
	return 5
}

// A SICPFrame is one frame of Philips' SICP protocol, in either direction. On the line it is
//
//	size id group command data… sum
//
// where size counts every byte, itself and the sum too, and sum is the XOR of all before it.
type SICPFrame struct {
	Edition SICPEdition
	ID      byte // 0 in a request is every set; in a reply it is the one that answers
	Group   byte // 0 in our requests; in replies 0 or 1 by edition of the document; none where Edition is SICPUngrouped
	Command byte // 0 in a reply that is no report
	Data    []byte
}

// Encode returns the frame's bytes. It fails only on a frame of more than 40.
func (f SICPFrame) Encode() ([]byte, error) {
	size := f.Edition.overhead() + len(f.Data)
	if size > sicpLongest {
		return nil, fmt.Errorf("cannot encode SICP frame: %d bytes, at most %d fit", size, sicpLongest)
	}
	b := make([]byte, 0, size)
	b = append(b, byte(size), f.ID)
	if f.Edition == SICPGrouped {
		b = append(b, f.Group)
	}
	b = append(b, f.Command)
	b = append(b, f.Data...)
	return append(b, sicpSum(b)), nil
}

// ScanSICP finds the first complete frame with a right sum in a stream of bytes and returns it with the number of
// bytes up to its end. Without one it returns [ErrNoFrame] and the number of bytes that can be forgotten, because no
// frame can begin in them; the rest is always shorter than 40 bytes.
//
// No byte marks a beginning, so a frame is tried at each. One cut short does not hide the complete one behind it.
//
// The frame's data is a part of the stream, not a copy.
func ScanSICP(e SICPEdition, stream []byte) (frame SICPFrame, consumed int, err error) {
	begun := len(stream)
	for i, size := range stream {
		n := int(size)
		if n < e.overhead() || n > sicpLongest {
			continue
		}
		if len(stream)-i < n {
			begun = min(begun, i)
			continue
		}
		b := stream[i : i+n]
		if sicpSum(b[:n-1]) == b[n-1] {
			return sicpFrame(e, b), i + n, nil
		}
	}
	return SICPFrame{}, begun, ErrNoFrame
}

// sicpFrame takes apart the bytes of a whole frame.
func sicpFrame(e SICPEdition, b []byte) SICPFrame {
	f := SICPFrame{Edition: e, ID: b[1]}
	rest := b[2 : len(b)-1 : len(b)-1]
	if e == SICPGrouped {
		f.Group, rest = rest[0], rest[1:]
	}
	f.Command, f.Data = rest[0], rest[1:]
	return f
}

func sicpSum(b []byte) byte {
	var sum byte
	for _, x := range b {
		sum ^= x
	}
	return sum
}

// MatchSICPReport returns a [Match] that finds the answer to a request for values: the report of its command, or NAV
// or NACK. It skips everything else on the line: noise, the echo of requests, acknowledgements, reports of other
// commands and of other panels. The reply is the frame's command and data.
func MatchSICPReport(request SICPFrame) Match {
	return matchSICP(request, func(f SICPFrame) bool {
		report := f.Command == request.Command && len(f.Data) > 0
		return report || isSICPControl(f, sicpNAV, sicpNACK)
	})
}

// matchSICPMarker finds the report alone: NAV may be the late answer to something else.
func matchSICPMarker(request SICPFrame) Match {
	return matchSICP(request, func(f SICPFrame) bool { return f.Command == request.Command && len(f.Data) > 0 })
}

// MatchSICPAck returns a [Match] that finds the answer to a request that sets something: ACK, NAV or NACK. None of
// them names the command that it answers. The reply is the frame's command, 0, and data.
func MatchSICPAck(request SICPFrame) Match {
	return matchSICP(request, func(f SICPFrame) bool { return isSICPControl(f, sicpACK, sicpNAV, sicpNACK) })
}

func isSICPControl(f SICPFrame, codes ...byte) bool {
	return f.Command == sicpControl && len(f.Data) == 1 && slices.Contains(codes, f.Data[0])
}

// matchSICP accepts any group byte, as editions of the document differ, but not the request itself come back.
func matchSICP(request SICPFrame, answers func(SICPFrame) bool) Match {
	echo := func(f SICPFrame) bool {
		return f.Group == request.Group && f.Command == request.Command && slices.Equal(f.Data, request.Data)
	}
	return func(stream []byte) (reply []byte, consumed int) {
		for {
			f, n, err := ScanSICP(request.Edition, stream[consumed:])
			consumed += n
			if err != nil {
				return nil, consumed
			}
			if f.ID == request.ID && answers(f) && !echo(f) {
				return append([]byte{f.Command}, f.Data...), consumed
			}
		}
	}
}
