package rs232

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	lgOK = "OK"
	lgNG = "NG"
	// lgMaxData bounds the data of a frame in either direction. The longest documented is a serial number of 13.
	lgMaxData = 32
)

// An LGFrame is one request to an LG panel or one acknowledgement from it. On the line they are
//
//	c1 c2 SP id SP data CR
//	   c2 SP id SP OK|NG data x
//
// all of it text: the id is two hexadecimal digits, and so is each value. There is no check sum.
type LGFrame struct {
	Command string // two lower-case letters in a request; an acknowledgement has only the second, and panels may shout it
	ID      byte
	Result  string // OK or NG; empty in a request
	Data    string // in a request hexadecimal bytes with a space between; in an acknowledgement text without any space or x
}

// Encode returns the frame's bytes. It fails on what ScanLG would not accept.
func (f LGFrame) Encode() ([]byte, error) {
	text := fmt.Sprintf("%s %02x %s%s", f.Command, f.ID, f.Result, f.Data)
	if f.Result == "" {
		text += "\r"
	} else {
		text += "x"
	}
	if again, n, progress := lgParse([]byte(text)); progress != frameWhole || n != len(text) || again != f {
		return nil, fmt.Errorf("cannot encode LG frame %+v: it has no such form", f)
	}
	return []byte(text), nil
}

// ScanLG finds the first complete frame in a stream of bytes and returns it with the number of bytes up to its end.
// Without one it returns [ErrNoFrame] and the number of bytes that can be forgotten, because no frame can begin in
// them; the rest is always shorter than 41 bytes.
//
// A frame cut short or broken by noise does not hide the one behind it: no byte within a frame is taken on trust.
func ScanLG(stream []byte) (frame LGFrame, consumed int, err error) {
	begun := len(stream)
	for i := range stream {
		f, n, progress := lgParse(stream[i:])
		if progress == frameWhole {
			return f, i + n, nil
		}
		if progress == frameBegun {
			begun = min(begun, i)
		}
	}
	return LGFrame{}, begun, ErrNoFrame
}

// lgParse reads the frame at the front of b and tells how long it is.
func lgParse(b []byte) (f LGFrame, n int, progress frameProgress) {
	letters := lgLetters(b)
	if letters == 0 {
		return f, 0, frameNothing
	}
	f.Command = strings.ToLower(string(b[:letters]))
	rest := b[letters:]
	f.ID, progress = lgAddress(rest)
	if progress != frameWhole {
		return f, 0, progress
	}
	rest = rest[len(" 01 "):]
	if letters == 2 {
		f.Data, progress = lgText(rest, '\r', lgRequestByte)
		if progress == frameWhole && !lgBytes(f.Data) {
			progress = frameNothing
		}
	} else {
		f.Result, f.Data, progress = lgResult(rest)
	}
	return f, letters + len(" 01 ") + len(f.Result) + len(f.Data) + 1, progress
}

// lgLetters counts the letters at the front of b that can be a command: two of a request, or one. An acknowledgement's
// is read in upper case too.
func lgLetters(b []byte) int {
	lower := func(i int) bool { return i < len(b) && b[i] >= 'a' && b[i] <= 'z' }
	switch {
	case lower(0) && lower(1):
		return 2
	case lower(0) || len(b) > 0 && b[0] >= 'A' && b[0] <= 'Z':
		return 1
	}
	return 0
}

// lgAddress reads a set ID with the spaces around it.
func lgAddress(b []byte) (id byte, progress frameProgress) {
	for i, c := range b[:min(4, len(b))] {
		if (i == 0 || i == 3) != (c == ' ') || c != ' ' && !isHex(c) {
			return 0, frameNothing
		}
	}
	if len(b) < 4 {
		return 0, frameBegun
	}
	v, err := strconv.ParseUint(string(b[1:3]), 16, 8)
	if err != nil {
		return 0, frameNothing
	}
	return byte(v), frameWhole
}

// lgResult reads what an acknowledgement says after its address.
func lgResult(b []byte) (result, data string, progress frameProgress) {
	head := string(b[:min(2, len(b))])
	if !strings.HasPrefix(lgOK, head) && !strings.HasPrefix(lgNG, head) {
		return "", "", frameNothing
	}
	if len(head) < 2 {
		return "", "", frameBegun
	}
	data, progress = lgText(b[2:], 'x', func(c byte) bool { return c > ' ' && c <= '~' })
	return head, data, progress
}

// lgText reads text of a kind up to its end mark.
func lgText(b []byte, end byte, of func(c byte) bool) (text string, progress frameProgress) {
	for i, c := range b {
		if c == end {
			return string(b[:i]), frameWhole
		}
		if i == lgMaxData || !of(c) {
			return "", frameNothing
		}
	}
	return "", frameBegun
}

func lgRequestByte(c byte) bool { return c == ' ' || isHex(c) }

// lgBytes tells whether text is hexadecimal bytes with a space between.
func lgBytes(text string) bool {
	for part := range strings.SplitSeq(text, " ") {
		if len(part) != 2 {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// lgNumber reads a value of up to digits hexadecimal digits. Panels write them in lower case; both are read.
func lgNumber(data string, digits int) (int, error) {
	if len(data) == 0 || len(data) > digits {
		return 0, errors.New("wrong number of digits")
	}
	for i := range len(data) {
		if !isHex(data[i]) {
			return 0, errors.New("no hexadecimal digit")
		}
	}
	v, err := strconv.ParseUint(data, 16, 31)
	return int(v), err
}

// MatchLG returns a [Match] that finds the acknowledgement of one command, OK or NG, and skips everything else on the
// line: noise, the echo of requests, line ends, acknowledgements of other commands and other panels. The reply it
// returns is the result and the data, such as OK01.
//
// An acknowledgement names only the second letter of its command, and that of "on" is the answer to "are you on?" too.
// fits, if not nil, says which data an OK must have.
func MatchLG(id byte, command string, fits func(data string) bool) Match {
	letter := command[len(command)-1:]
	return func(stream []byte) (reply []byte, consumed int) {
		for {
			f, n, err := ScanLG(stream[consumed:])
			consumed += n
			if err != nil {
				return nil, consumed
			}
			if f.Result == "" || f.ID != id || f.Command != letter {
				continue
			}
			if f.Result == lgNG || fits == nil || fits(f.Data) {
				return []byte(f.Result + f.Data), consumed
			}
		}
	}
}
