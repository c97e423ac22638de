package rs232

import (
	"errors"
	"fmt"
)

const (
	mdcHeader = 0xAA
	// mdcReply stands where a request has its command.
	mdcReply = 0xFF
	// mdcOverhead is header, command, id, length and sum.
	mdcOverhead = 5
)

// An MDCFrame is one frame of Samsung's MDC protocol, in either direction. On the line it is
//
//	AA command id length data… sum
//
// where sum is the low byte of the sum of everything between the header and itself.
type MDCFrame struct {
	Command byte // FF in a reply
	ID      byte
	Data    []byte // at most 255 bytes; in a reply 41 (ACK) or 4E (NAK), the command replied to, and its values
}

// Encode returns the frame's bytes. It fails only on data longer than 255 bytes.
func (f MDCFrame) Encode() ([]byte, error) {
	if len(f.Data) > 255 {
		return nil, fmt.Errorf("cannot encode MDC frame: %d bytes of data, at most 255 fit", len(f.Data))
	}
	b := make([]byte, 0, mdcOverhead+len(f.Data))
	b = append(b, mdcHeader, f.Command, f.ID, byte(len(f.Data)))
	b = append(b, f.Data...)
	return append(b, mdcSum(b[1:])), nil
}

// ErrNoFrame says that a stream holds no complete frame yet.
var ErrNoFrame = errors.New("no complete frame")

// frameProgress tells what stands at the front of some bytes.
type frameProgress int

const (
	frameNothing frameProgress = iota // no frame, whatever follows
	frameBegun                        // the beginning of one
	frameWhole
)

// ScanMDC finds the first complete frame with a right sum in a stream of bytes and returns it with the number
// of bytes up to its end. Without one it returns [ErrNoFrame] and the number of bytes that can be forgotten,
// because no frame can begin in them; the rest is always shorter than 260 bytes.
//
// A frame cut short does not hide the complete one behind it: after a lost byte the stream is in step again
// with the next frame, not after the 255 bytes a damaged length may promise.
//
// The frame's data is a part of the stream, not a copy.
func ScanMDC(stream []byte) (frame MDCFrame, consumed int, err error) {
	begun := len(stream)
	for i, b := range stream {
		if b != mdcHeader {
			continue
		}
		n, complete := mdcLength(stream[i:])
		if !complete {
			begun = min(begun, i)
			continue
		}
		f := stream[i : i+n]
		if mdcSum(f[1:n-1]) == f[n-1] {
			return MDCFrame{Command: f[1], ID: f[2], Data: f[4 : n-1 : n-1]}, i + n, nil
		}
	}
	return MDCFrame{}, begun, ErrNoFrame
}

// mdcLength tells how long the frame at the start of b is, and whether all of it is there.
func mdcLength(b []byte) (n int, complete bool) {
	if len(b) < 4 {
		return 0, false
	}
	n = mdcOverhead + int(b[3])
	return n, len(b) >= n
}

func mdcSum(b []byte) byte {
	var sum byte
	for _, x := range b {
		sum += x
	}
	return sum
}

// MatchMDC returns a [Match] that finds the panel's reply, ACK or NAK, to one command and skips everything
// else on the line: noise, the echo of requests, replies to other commands and of other panels. The reply it
// returns is the data of the frame.
//
// The acknowledgement of "on" is the answer to "are you on?" too. fits, if not nil, says which values an ACK must have.
func MatchMDC(id, command byte, fits func(values []byte) bool) Match {
	return func(stream []byte) (reply []byte, consumed int) {
		for {
			f, n, err := ScanMDC(stream[consumed:])
			consumed += n
			if err != nil {
				return nil, consumed
			}
			if f.Command != mdcReply || f.ID != id || !isMDCReplyTo(command, f.Data) {
				continue
			}
			if f.Data[0] == mdcNAK || fits == nil || fits(f.Data[2:]) {
				return f.Data, consumed
			}
		}
	}
}

func isMDCReplyTo(command byte, data []byte) bool {
	return len(data) >= 2 && (data[0] == mdcACK || data[0] == mdcNAK) && data[1] == command
}
