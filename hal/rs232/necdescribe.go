package rs232

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// A necWord names an operation code and how its value is said.
type necWord struct {
	op   string
	name string
	say  func(value int) string
	data func(word string) (value int, ok bool) // nil where the panel only tells
}

// necWords are the operation codes with a name. Power, diagnosis, serial and model are commands of their own kind.
func necWords() []necWord {
	return []necWord{
		{necBacklight, "backlight", strconv.Itoa, necPercent},
		{necInput, "input", necSocketName, necInputValue},
		{necVolume, "volume", strconv.Itoa, necPercent},
		{necMute, "mute", necSayMute, necMuteValue},
		{necTemperature, "temperature", necSayTemperature, nil},
		{necHours, "hours", func(value int) string { return strconv.Itoa(value / 2) }, nil},
	}
}

// A necCommand names a command, type A, that only asks, and the head of its reply where that is text.
type necCommand struct{ ask, reply, name string }

func necCommands() []necCommand {
	return []necCommand{
		{necGetPower, "", "power"},
		{necDiagnosis, "", "diagnosis"},
		{necSerial, "C316", "serial"},
		{necModel, "C317", "model"},
	}
}

// describeNEC says what an NEC frame says; see [Describe]. Behind the id is the maximum that a reply names, or the codes
// that a diagnosis is made of. The temperature is in °C as NEC's own panels count it, in halves of a degree;
// Mitsubishi's mean twice as much. An operation code or command without a name is its digits, and so is its value.
func describeNEC(frame []byte) ([]Field, error) {
	f, n, err := ScanNEC(frame)
	if err != nil || n != len(frame) || n != necHead+len(f.Message)+4 {
		return nil, fmt.Errorf("cannot read % X: it is not exactly one NEC frame", frame)
	}
	address := f.Destination
	if f.isReply() {
		address = f.Source
	}
	said, rest := necSay(f.Type, f.Message)
	return append(append(said, Field{"id", necSayAddress(address)}), rest...), nil
}

func (f NECFrame) isReply() bool { return f.Type%2 == 0 } // B, D, F

func necSayAddress(address byte) string {
	switch {
	case address == necAll:
		return "all"
	case address >= necFirst:
		return strconv.Itoa(int(address-necFirst) + 1)
	}
	return "group" + strconv.Itoa(int(address-necController)) // 1 to 10
}

// necSay says what a message says, without the panel: what goes before its id and what behind.
func necSay(kind byte, m string) (before, behind []Field) {
	switch {
	case kind == 'A':
		return necSayCommand(m), nil
	case kind == 'B' && strings.HasPrefix(m, necFound):
		return necSayFound(m[len(necFound):])
	case kind == 'B':
		return necSayReply(m), nil
	case kind == 'C' && len(m) == 4:
		return []Field{{"kind", "get"}, {"command", necFind(m).name}}, nil
	case kind == 'E' && len(m) == 8:
		return necSayValue("set", m[:4], m[4:]), nil
	case (kind == 'D' || kind == 'F') && len(m) == 16:
		return necSayAnswer(m)
	}
	return []Field{{"kind", necKind(kind)}, {"command", m}}, nil
}

func necKind(kind byte) string {
	switch kind {
	case 'A', 'E':
		return "set"
	case 'C':
		return "get"
	}
	return "ack"
}

// necSayCommand says a command: it asks for something, or it sets power, or it is its digits.
func necSayCommand(m string) []Field {
	for _, c := range necCommands() {
		if m == c.ask {
			return []Field{{"kind", "get"}, {"command", c.name}}
		}
	}
	if digits, ok := strings.CutPrefix(m, necSetPower); ok && len(digits) == 4 {
		return []Field{{"kind", "set"}, {"command", "power"}, {"power", necSayPower(digits)}}
	}
	return []Field{{"kind", "set"}, {"command", m}}
}

// necSayReply says the reply to a command.
func necSayReply(m string) []Field {
	switch {
	case m == necBusy:
		return []Field{{"kind", "busy"}}
	case len(m) == 16 && m[:2] == "02" && m[4:6] == "D6":
		return necSayResult(m[2:4], m[12:])
	case len(m) == 12 && m[2:8] == necSetPower:
		return necSayResult(m[:2], m[8:])
	}
	for _, c := range necCommands() {
		if rest, ok := strings.CutPrefix(m, c.reply); ok && c.reply != "" {
			return []Field{{"kind", "ack"}, {"command", c.name}, {c.name, necText(rest)}}
		}
	}
	return []Field{{"kind", "ack"}, {"command", m}}
}

// necSayResult says how a power command or its reading went.
func necSayResult(result, mode string) []Field {
	if result != "00" {
		return []Field{{"kind", "nak"}, {"command", "power"}, {"code", result}}
	}
	return []Field{{"kind", "ack"}, {"command", "power"}, {"power", necSayPower(mode)}}
}

// necSayFound says the codes of a diagnosis.
func necSayFound(digits string) (before, behind []Field) {
	codes, err := hex.DecodeString(digits)
	if err != nil || len(codes) == 0 {
		return []Field{{"kind", "ack"}, {"command", necFound + digits}}, nil
	}
	list := make([]string, 0, len(codes))
	for _, c := range codes {
		list = append(list, fmt.Sprintf("%02X", c))
	}
	before = []Field{{"kind", "ack"}, {"command", "diagnosis"}, {"diagnosis", sayFaults(necFaults(codes))}}
	return before, []Field{{"code", strings.Join(list, ",")}}
}

// necSayAnswer says the reply to a get or a set: result, operation code, type, maximum and present value.
func necSayAnswer(m string) (before, behind []Field) {
	if result := m[:2]; result != "00" {
		return []Field{{"kind", "nak"}, {"command", necFind(m[2:6]).name}, {"code", result}}, nil
	}
	if limit, ok := necNumber(m[8:12]); ok {
		behind = []Field{{"max", strconv.Itoa(limit)}}
	}
	return necSayValue("ack", m[2:6], m[12:]), behind
}

func necSayValue(kind, op, digits string) []Field {
	w := necFind(op)
	word := digits
	if value, ok := necNumber(digits); ok {
		word = w.say(value)
	}
	return []Field{{"kind", kind}, {"command", w.name}, {w.name, word}}
}

// necFind returns the word for an operation code. What has no name is its own.
func necFind(op string) necWord {
	for _, w := range necWords() {
		if w.op == op {
			return w
		}
	}
	return necUnnamed(op)
}

func necUnnamed(op string) necWord {
	return necWord{op, op, func(value int) string { return fmt.Sprintf("%04X", value) }, necNumber}
}

// composeNEC returns the request that says words, a command and a value or "get"; see [Compose]. An operation code
// without a name is its four digits, and so is its value.
func composeNEC(id int, words []string) ([]byte, error) {
	if id < NECBroadcast || id > necLastID {
		return nil, fmt.Errorf("cannot write to set ID %d: NEC has 1 to %d, and %d for all", id, necLastID, NECBroadcast)
	}
	if len(words) != 2 {
		return nil, fmt.Errorf("cannot write %q: it takes a command and a value or get", words)
	}
	kind, message, ok := necCompose(words[0], words[1])
	if !ok {
		return nil, fmt.Errorf("cannot write %q: there is no such command or value", words)
	}
	b, err := NECFrame{Destination: necAddress(id), Source: necController, Type: kind, Message: message}.Encode()
	if err != nil {
		return nil, fmt.Errorf("cannot write %q: %w", words, err)
	}
	return b, nil
}

func necCompose(name, value string) (kind byte, message string, ok bool) {
	for _, c := range necCommands() {
		if c.name == name && value == "get" {
			return 'A', c.ask, true
		}
	}
	if name == "power" {
		digits, ok := necPowerDigits(value)
		return 'A', necSetPower + digits, ok
	}
	w := necNamed(name)
	if op, isOp := necNumber(w.op); !isOp || w.op != fmt.Sprintf("%04X", op) {
		return 0, "", false
	}
	if value == "get" {
		return 'C', w.op, true
	}
	if w.data == nil {
		return 0, "", false
	}
	v, ok := w.data(value)
	return 'E', fmt.Sprintf("%s%04X", w.op, v), ok
}

func necNamed(name string) necWord {
	for _, w := range necWords() {
		if w.name == name {
			return w
		}
	}
	return necUnnamed(name)
}

// necModes are the words for the modes of power, from 1.
func necModes() []string { return []string{"on", "standby", "suspend", "off"} }

func necSayPower(digits string) string {
	if v, ok := necNumber(digits); ok && v >= necOn && v <= necOff {
		return necModes()[v-necOn]
	}
	return digits
}

func necPowerDigits(word string) (digits string, ok bool) {
	for i, mode := range necModes() {
		if mode == word {
			return fmt.Sprintf("%04X", necOn+i), true
		}
	}
	return "", false
}

func necPercent(word string) (value int, ok bool) {
	v, err := strconv.ParseUint(word, 10, 8)
	return int(v), err == nil && v <= 100
}

func necInputValue(word string) (value int, ok bool) {
	if code, ok := necSocketCode(word); ok {
		return code, true
	}
	digits, isCode := strings.CutPrefix(word, "0x")
	v, err := strconv.ParseUint(digits, 16, 16)
	return int(v), isCode && err == nil
}

func necSayMute(value int) string {
	switch value {
	case necMuted:
		return "on"
	case 0, necUnmuted:
		return "off"
	}
	return strconv.Itoa(value)
}

func necMuteValue(word string) (value int, ok bool) {
	switch word {
	case "on":
		return necMuted, true
	case "off":
		return necUnmuted, true
	}
	return 0, false
}

// necSayTemperature says halves of a degree, such as -10 or 25.5.
func necSayTemperature(value int) string {
	return strconv.FormatFloat(float64(int16(value))/2, 'f', -1, 64)
}
