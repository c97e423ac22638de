package rs232

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Field is one word of what a frame says.
type Field struct{ Key, Value string }

// Describe says in words what one whole request or reply says, in this order: kind (set, get, ack, nak, nav, busy or
// report), command, the value under the command's own name, id, and what else there is. The commands are power, input,
// brightness, backlight, volume, mute, temperature, signal, diagnosis, serial, model and hours; one that has no such
// name is its code. It refuses whatever is not exactly one frame with a right check sum.
func Describe(p Protocol, frame []byte) ([]Field, error) {
	switch p {
	case ProtocolMDC:
		return describeMDC(frame)
	case ProtocolLG:
		return describeLG(frame)
	case ProtocolNEC:
		return describeNEC(frame)
	case ProtocolSICP:
		return describeSICP(frame)
	}
	return nil, fmt.Errorf("cannot read a frame of %q: the protocols are %v", p, Protocols())
}

// Compose returns the request that says words to the panel with set ID id: a command of Describe and a value or
// "get", such as "power", "on".
func Compose(p Protocol, id int, words []string) ([]byte, error) {
	switch p {
	case ProtocolMDC:
		return composeMDC(id, words)
	case ProtocolLG:
		return composeLG(id, words)
	case ProtocolNEC:
		return composeNEC(id, words)
	case ProtocolSICP:
		return composeSICP(id, words)
	}
	return nil, fmt.Errorf("cannot write a frame of %q: the protocols are %v", p, Protocols())
}

// A wording is how the bytes of a value are said, and what is said is written.
type wording struct {
	// say returns the word and the bytes that it does not cover. It is given at least one byte.
	say func(values []byte) (word string, rest []byte, ok bool)
	// write is nil where the value only reads.
	write func(word string) (values []byte, ok bool)
}

// wordOfTwo is a value of one byte that is one thing or the other.
func wordOfTwo(no, yes string, noByte, yesByte byte) wording {
	return wording{
		say: func(v []byte) (string, []byte, bool) {
			word := map[byte]string{noByte: no, yesByte: yes}[v[0]]
			return word, nil, word != "" && len(v) == 1
		},
		write: func(word string) ([]byte, bool) {
			switch word {
			case no:
				return []byte{noByte}, true
			case yes:
				return []byte{yesByte}, true
			}
			return nil, false
		},
	}
}

// wordOfPercent is a first byte from 0 to 100.
func wordOfPercent() wording {
	return wording{
		say: func(v []byte) (string, []byte, bool) { return strconv.Itoa(int(v[0])), v[1:], v[0] <= 100 },
		write: func(word string) ([]byte, bool) {
			n, err := strconv.ParseUint(word, 10, 8)
			return []byte{byte(n)}, err == nil && n <= 100
		},
	}
}

// wordOfNumber is bytes that make one number, the highest first.
func wordOfNumber(shortest, longest, divisor int) wording {
	return wording{say: func(v []byte) (string, []byte, bool) {
		n := 0
		for _, b := range v[:min(len(v), longest)] {
			n = n<<8 | int(b)
		}
		return strconv.Itoa(n / divisor), nil, len(v) >= shortest && len(v) <= longest
	}}
}

func wordOfText() wording {
	return wording{say: func(v []byte) (string, []byte, bool) { return printable(v), nil, true }}
}

// readOnly is a wording that cannot be written.
func (w wording) readOnly() wording { return wording{say: w.say} }

// hexOf is how bytes are said for which there is no word.
func hexOf(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// said is the fields of a command with its value, in their order. What there is no word for is said as its bytes.
func said(kind, command string, w wording, values []byte, id string, more ...Field) []Field {
	fields := []Field{{"kind", kind}, {"command", command}}
	if len(values) > 0 {
		word, rest, ok := hexOf(values), []byte(nil), false
		if w.say != nil {
			word, rest, ok = w.say(values)
		}
		if !ok {
			word, rest = "0x"+hexOf(values), nil
		}
		fields = append(fields, Field{command, word})
		if len(rest) > 0 {
			more = append(slices.Clip(more), Field{"rest", hexOf(rest)})
		}
	}
	return append(append(fields, Field{"id", id}), more...)
}

// values turns the value among words, which are a command and it, into bytes. None are what asks for the value.
func (w wording) values(words []string) (values []byte, err error) {
	if words[1] == "get" {
		return nil, nil
	}
	if w.write == nil {
		return nil, fmt.Errorf("%s can be asked for with get, and not be set", words[0])
	}
	values, ok := w.write(words[1])
	if !ok {
		return nil, fmt.Errorf("%s has no value %q", words[0], words[1])
	}
	return values, nil
}

// twoWords checks that words are a command and a value.
func twoWords(words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("cannot write %q: it takes a command and a value or get", words)
	}
	return nil
}

func unknownCommand(word string, known []string) error {
	return fmt.Errorf("cannot write %q: the commands are %s", word, strings.Join(known, ", "))
}
