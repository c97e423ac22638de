package rs232

import (
	"fmt"
	"strconv"
	"strings"
)

// An lgWord names a command and how its value is said.
type lgWord struct {
	command string // as in a request
	name    string
	say     func(data string) (word string, ok bool)
	data    func(word string) (data string, ok bool) // nil where the command only reads
}

// lgWords: of the commands that share a second letter, and so an acknowledgement, the first is the more usual one.
// None of these shares its letter with another of them, but each may with a command that has no name here: g with
// contrast (kg), l with the on-screen display (kl), n with auto off (mn) and PM mode (sn), v with the loudspeakers
// (dv), z with the check screen (tz).
func lgWords() []lgWord {
	return []lgWord{
		{lgPower, "power", lgSayPower, lgPowerData},
		{lgInput, "input", lgSayInput, lgInputData},
		{lgBrightness, "brightness", lgSayNumber(2), lgPercentData},
		{lgBacklight, "backlight", lgSayNumber(2), lgPercentData},
		{lgVolume, "volume", lgSayNumber(2), lgPercentData},
		{lgMute, "mute", lgSayMute, lgMuteData},
		{lgTemperature, "temperature", lgSayNumber(2), nil},
		{lgStatus, "signal", lgSaySignal, nil},
		{lgAbnormal, "diagnosis", lgSayState, nil},
		{lgSerial, "serial", lgSayText, nil},
		{lgHours, "hours", lgSayNumber(8), nil},
	}
}

// lgFind returns the word for a command, or for an acknowledgement's letter. What has no name is its own.
func lgFind(command string) lgWord {
	for _, w := range lgWords() {
		if w.command == command || len(command) == 1 && w.command[1:] == command {
			return w
		}
	}
	return lgUnnamed(command)
}

func lgUnnamed(command string) lgWord { return lgWord{command, command, lgSayText, lgTextData} }

// describeLG says what an LG frame says; see [Describe]. An acknowledgement names only the second letter of its
// command, and two commands can share it: it is said to be the more usual one of lgWords, unless its data has another
// form than that one's. Behind the id of a diagnosis is the code that it is made of.
func describeLG(frame []byte) ([]Field, error) {
	f, n, err := ScanLG(frame)
	if err != nil || n != len(frame) || f.at(frame) != 0 {
		return nil, fmt.Errorf("cannot read %q: it is not exactly one LG frame", frame)
	}
	w := lgFind(f.Command)
	id := Field{"id", lgSayID(f.ID)}
	if f.Result == lgNG {
		return []Field{{"kind", "nak"}, {"command", w.name}, {"code", lgCode(f.Data)}, id}, nil
	}
	kind := "set"
	if f.Result == lgOK {
		kind = "ack"
	} else if w.isRead(f.Data) {
		return []Field{{"kind", "get"}, {"command", w.name}, id}, nil
	}
	word, ok := w.say(f.Data)
	if !ok {
		w = lgUnnamed(f.Command)
		word, _ = w.say(f.Data)
	}
	said := []Field{{"kind", kind}, {"command", w.name}, {w.name, word}, id}
	if w.command == lgAbnormal {
		said = append(said, Field{"code", f.Data})
	}
	return said, nil
}

func lgSayID(id byte) string {
	if id == LGBroadcast {
		return "all"
	}
	return strconv.Itoa(int(id))
}

// at tells where in b the frame that ends b begins.
func (f LGFrame) at(b []byte) int {
	return len(b) - len(f.Command) - len(" 01 ") - len(f.Result) - len(f.Data) - 1
}

// isRead tells whether a request's data asks for the value.
func (w lgWord) isRead(data string) bool {
	read, _ := w.request("get")
	return strings.EqualFold(data, read)
}

// lgCode says an NG's code without leading zeros, as the manuals do.
func lgCode(data string) string {
	if v, err := lgNumber(data, 2); err == nil {
		return strconv.Itoa(v)
	}
	return data
}

// composeLG returns the request that says words, a command and a value or "get"; see [Compose]. A command without a
// name is its two letters, and its value the bytes that are sent, such as "0c03".
func composeLG(id int, words []string) ([]byte, error) {
	if id < LGBroadcast || id > lgLastID {
		return nil, fmt.Errorf("cannot write to set ID %d: LG has 1 to %d, and %d for all", id, lgLastID, LGBroadcast)
	}
	if len(words) != 2 {
		return nil, fmt.Errorf("cannot write %q: it takes a command and a value or get", words)
	}
	w := lgNamed(words[0])
	data, ok := w.request(words[1])
	if !ok {
		return nil, fmt.Errorf("cannot write %q: %s has no such value", words, words[0])
	}
	b, err := LGFrame{Command: w.command, ID: byte(id), Data: data}.Encode()
	if err != nil {
		return nil, fmt.Errorf("cannot write %q: %w", words, err)
	}
	return b, nil
}

func lgNamed(name string) lgWord {
	for _, w := range lgWords() {
		if w.name == name {
			return w
		}
	}
	return lgUnnamed(name)
}

// request returns the data of a request that says word.
func (w lgWord) request(word string) (data string, ok bool) {
	if word == "get" {
		if w.command == lgStatus {
			return lgSignalItem + " " + lgRead, true
		}
		return lgRead, true
	}
	if w.data == nil {
		return "", false
	}
	return w.data(word)
}

func lgSayPower(data string) (string, bool) {
	switch data {
	case "00":
		return "off", true
	case "01":
		return "on", true
	}
	return data, len(data) == 2
}

func lgPowerData(word string) (string, bool) {
	switch word {
	case "off":
		return "00", true
	case "on":
		return "01", true
	}
	return "", false
}

// lgSayMute: 00 is muted.
func lgSayMute(data string) (string, bool) {
	switch data {
	case "00":
		return "on", true
	case "01":
		return "off", true
	}
	return data, len(data) == 2
}

func lgMuteData(word string) (string, bool) {
	switch word {
	case "on":
		return "00", true
	case "off":
		return "01", true
	}
	return "", false
}

func lgSayInput(data string) (string, bool) {
	v, err := lgNumber(data, 2)
	return lgSocketName(lgSockets(), v), err == nil && len(data) == 2
}

func lgInputData(word string) (string, bool) {
	if code, ok := lgSocketNamed(lgSockets(), word); ok {
		return fmt.Sprintf("%02x", code), true
	}
	v, err := strconv.ParseUint(strings.TrimPrefix(word, "0x"), 16, 8)
	return fmt.Sprintf("%02x", v), err == nil && strings.HasPrefix(word, "0x")
}

func lgSayNumber(digits int) func(string) (string, bool) {
	return func(data string) (string, bool) {
		v, err := lgNumber(data, digits)
		return strconv.Itoa(v), err == nil
	}
}

func lgPercentData(word string) (string, bool) {
	v, err := strconv.ParseUint(word, 10, 8)
	return fmt.Sprintf("%02x", v), err == nil && v <= 100
}

func lgSaySignal(data string) (string, bool) {
	switch data {
	case lgSignalItem + "00":
		return "no", true
	case lgSignalItem + "01":
		return "yes", true
	}
	return data, false
}

func lgSayState(data string) (string, bool) {
	v, err := lgNumber(data, 2)
	return sayFaults(lgFaults(v)), err == nil
}

// sayFaults writes faults as one word, such as fan,no-signal.
func sayFaults(faults []string) string {
	if len(faults) == 0 {
		return "none"
	}
	return strings.ReplaceAll(strings.Join(faults, ","), " ", "-")
}

func lgSayText(data string) (string, bool) { return strings.ReplaceAll(data, " ", ""), true }

// lgTextData puts a space between the bytes.
func lgTextData(word string) (string, bool) {
	var parts []string
	for rest := word; rest != ""; rest = rest[min(2, len(rest)):] {
		parts = append(parts, rest[:min(2, len(rest))])
	}
	return strings.Join(parts, " "), true
}
