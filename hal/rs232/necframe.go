package rs232

import (
	"encoding/hex"
	"fmt"
	"strconv"
)

const (
	necSOH = 0x01
	necSTX = 0x02
	necETX = 0x03
	necCR  = 0x0D
	// necController is the address of the side that asks.
	necController = '0'
	// necAll is the address of every panel on the line. Nobody answers it.
	necAll = '*'
	// necFirst is the address of the panel with monitor ID 1, and necLast that of the last, 100.
	necFirst = 'A'
	necLast  = necFirst + 99
	// necHead is SOH, a reserved byte, destination, source, type and two digits of length.
	necHead = 7
	// necMaxMessage is what a length of FF leaves beside STX and ETX. The longest documented message is 68 bytes.
	necMaxMessage = 253
)

// A NECFrame is one packet of the protocol of NEC and Sharp-NEC panels, in either direction. On the line it is
//
//	01 30 destination source type length 02 message 03 bcc 0D
//
// where length is two hexadecimal digits that count message, 02 and 03, and bcc is the XOR of everything between 01
// and itself. Because bcc may be any byte, 00 and 0D too, a packet ends where its length says and nowhere else.
type NECFrame struct {
	Destination, Source byte   // '0' controller, 'A' to A4h monitor ID 1 to 100, '1' to ':' groups, '*' all
	Type                byte   // A command, C get, E set, and B, D, F their replies
	Message             string // 1 to 253 characters of printable ASCII
}

// Encode returns the frame's bytes. It fails on what ScanNEC would not accept.
func (f NECFrame) Encode() ([]byte, error) {
	if len(f.Message) > necMaxMessage {
		return nil, fmt.Errorf("cannot encode NEC frame: a message of %d bytes, at most %d fit", len(f.Message), necMaxMessage)
	}
	b := append(make([]byte, 0, necHead+len(f.Message)+4), necSOH, '0', f.Destination, f.Source, f.Type)
	b = fmt.Appendf(b, "%02X", len(f.Message)+2)
	b = append(append(append(b, necSTX), f.Message...), necETX)
	b = append(b, necSum(b[1:]), necCR)
	if again, n, progress := necParse(b); progress != frameWhole || n != len(b) || again != f {
		return nil, fmt.Errorf("cannot encode NEC frame %+v: it has no such form", f)
	}
	return b, nil
}

// ScanNEC finds the first complete frame with a right check code in a stream of bytes and returns it with the number
// of bytes up to its end. Without one it returns [ErrNoFrame] and the number of bytes that can be forgotten, because
// no frame can begin in them; the rest is always shorter than 264 bytes.
//
// A frame cut short, or whose length is damaged, does not hide the complete one behind it.
func ScanNEC(stream []byte) (frame NECFrame, consumed int, err error) {
	begun := len(stream)
	for i, c := range stream {
		if c != necSOH {
			continue
		}
		f, n, progress := necParse(stream[i:])
		if progress == frameWhole {
			return f, i + n, nil
		}
		if progress == frameBegun {
			begun = min(begun, i)
		}
	}
	return NECFrame{}, begun, ErrNoFrame
}

// necParse reads the frame at the front of b and tells how long it is.
func necParse(b []byte) (f NECFrame, n int, progress frameProgress) {
	for i, c := range b[:min(necHead+1, len(b))] {
		if !necFits(i, c) {
			return f, 0, frameNothing
		}
	}
	if len(b) < necHead {
		return f, 0, frameBegun
	}
	length, err := strconv.ParseUint(string(b[5:7]), 16, 8)
	if err != nil || length < 3 {
		return f, 0, frameNothing
	}
	n = necHead + int(length) + 2
	text := b[min(necHead+1, len(b)):min(n-3, len(b))]
	for _, c := range text {
		if c < ' ' || c > '~' {
			return f, 0, frameNothing
		}
	}
	if len(b) < n {
		return f, 0, frameBegun
	}
	if b[n-3] != necETX || b[n-2] != necSum(b[1:n-2]) || b[n-1] != necCR {
		return f, 0, frameNothing
	}
	return NECFrame{Destination: b[2], Source: b[3], Type: b[4], Message: string(text)}, n, frameWhole
}

// necFits tells whether c can be the i-th byte of a frame, up to STX.
func necFits(i int, c byte) bool {
	switch i {
	case 0:
		return c == necSOH
	case 1:
		return c == '0'
	case 2, 3:
		return c == necAll || c >= necController && c <= ':' || c >= necFirst && c <= necLast
	case 4:
		return c >= 'A' && c <= 'F'
	case 5, 6:
		return c >= '0' && c <= '9' || c >= 'A' && c <= 'F'
	}
	return c == necSTX
}

func necSum(b []byte) byte {
	var sum byte
	for _, c := range b {
		sum ^= c
	}
	return sum
}

// necBusy is the null message, with which a panel answers what it cannot do, or cannot do now.
const necBusy = "BE"

// MatchNEC returns a [Match] that finds the reply of one type that fits, from the panel with the address source, or
// its null message, and skips everything else on the line: noise, echoes, replies to other requests and of other
// panels. The reply it returns is the message.
func MatchNEC(source, kind byte, fits func(message string) bool) Match {
	return func(stream []byte) (reply []byte, consumed int) {
		for {
			f, n, err := ScanNEC(stream[consumed:])
			consumed += n
			if err != nil {
				return nil, consumed
			}
			if f.Destination != necController || f.Source != source {
				continue
			}
			if f.Type == kind && fits(f.Message) || f.Type == 'B' && f.Message == necBusy {
				return []byte(f.Message), consumed
			}
		}
	}
}

// necNumber reads a value of exactly four hexadecimal digits.
func necNumber(digits string) (int, bool) {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 2 {
		return 0, false
	}
	return int(b[0])<<8 | int(b[1]), true
}
