package rs232

import (
	"fmt"
	"strconv"
	"strings"
)

// An mdcWord names a command and how its value is said.
type mdcWord struct {
	code byte
	name string
	wording
}

func mdcWords() []mdcWord {
	return []mdcWord{
		{mdcPower, "power", wordOfTwo("off", "on", mdcOff, mdcOn)},
		{mdcInput, "input", wording{mdcSayInput, mdcWriteInput}},
		{mdcBrightness, "brightness", wordOfPercent()},
		{mdcLamp, "backlight", wordOfPercent()},
		{mdcVolume, "volume", wordOfPercent()},
		{mdcMute, "mute", wordOfTwo("off", "on", 0, 1)},
		{mdcErrorStatus, "diagnosis", wording{say: mdcSayFaults}},
		{mdcSerial, "serial", wordOfText()},
		{mdcModel, "model", wordOfText()},
		{mdcHours, "hours", wordOfNumber(2, mdcHoursLongest, mdcUnitsAnHour)},
	}
}

// mdcWordOf returns the word for a command; one without a name is its code.
func mdcWordOf(code byte) mdcWord {
	for _, w := range mdcWords() {
		if w.code == code {
			return w
		}
	}
	return mdcWord{code: code, name: hexOf([]byte{code}), wording: wording{say: func(v []byte) (string, []byte, bool) {
		return hexOf(v), nil, true
	}}}
}

// describeMDC says what an MDC frame says; see [Describe]. The reply to a request for a value is an ack, as to one that
// sets it. The ID FE is all.
func describeMDC(frame []byte) ([]Field, error) {
	f, err := wholeMDC(frame)
	if err != nil {
		return nil, fmt.Errorf("cannot read MDC frame: %w", err)
	}
	id := strconv.Itoa(int(f.ID))
	if f.ID == MDCBroadcast {
		id = "all"
	}
	if f.Command != mdcReply {
		w := mdcWordOf(f.Command)
		if len(f.Data) == 0 {
			return said("get", w.name, wording{}, nil, id), nil
		}
		return said("set", w.name, w.wording, f.Data, id), nil
	}
	if len(f.Data) < 2 || f.Data[0] != mdcACK && f.Data[0] != mdcNAK {
		return nil, fmt.Errorf("cannot read MDC frame: the reply % X is neither ACK nor NAK", f.Data)
	}
	w, values := mdcWordOf(f.Data[1]), f.Data[2:]
	if f.Data[0] == mdcACK {
		return said("ack", w.name, w.wording, values, id, mdcMore(w.code, values)...), nil
	}
	fields := said("nak", w.name, wording{}, nil, id)
	if len(values) > 0 {
		fields = append(fields, Field{"code", hexOf(values)})
	}
	return fields, nil
}

// wholeMDC takes bytes that must be exactly one frame.
func wholeMDC(b []byte) (MDCFrame, error) {
	switch n, _ := mdcLength(b); {
	case len(b) == 0 || b[0] != mdcHeader:
		return MDCFrame{}, fmt.Errorf("it does not begin with %02X", mdcHeader)
	case n == 0:
		return MDCFrame{}, fmt.Errorf("%d bytes are too few", len(b))
	case n != len(b):
		return MDCFrame{}, fmt.Errorf("%d bytes are not the %d of its length byte", len(b), n)
	}
	if sum, last := mdcSum(b[1:len(b)-1]), b[len(b)-1]; sum != last {
		return MDCFrame{}, fmt.Errorf("its check sum is %02X and should be %02X", last, sum)
	}
	return MDCFrame{Command: b[1], ID: b[2], Data: b[4 : len(b)-1]}, nil
}

// mdcMore is what a report tells beside its value: the error status of temperature and signal, the status of all that
// it stands for, and F9 of the panel, where 0 is on.
func mdcMore(code byte, v []byte) []Field {
	switch {
	case code == mdcErrorStatus && len(v) == mdcStatusLength:
		more := []Field{{"temperature", strconv.Itoa(int(v[mdcHeatAt]))}}
		if present, ok := mdcPresent(v); ok {
			more = append(more, Field{"signal", map[bool]string{false: "no", true: "yes"}[present]})
		}
		return more
	case code == mdcStatus && len(v) >= 4:
		var more []Field
		for i, c := range []byte{mdcPower, mdcVolume, mdcMute, mdcInput} {
			w := mdcWordOf(c)
			if word, _, ok := w.say(v[i : i+1]); ok {
				more = append(more, Field{w.name, word})
			}
		}
		return more
	case code == mdcPanel && len(v) == 1:
		if word, _, ok := wordOfTwo("on", "off", 0, 1).say(v); ok {
			return []Field{{"panel", word}}
		}
	}
	return nil
}

func mdcSayInput(v []byte) (string, []byte, bool) { return mdcInputName(v[0]), nil, len(v) == 1 }

func mdcWriteInput(word string) ([]byte, bool) {
	for _, s := range mdcSockets() {
		if s.name == word {
			return []byte{s.code}, true
		}
	}
	return nil, false
}

func mdcSayFaults(v []byte) (string, []byte, bool) {
	if len(v) != mdcStatusLength {
		return "", nil, false
	}
	faults := mdcFaults(v)
	if len(faults) == 0 {
		return "none", nil, true
	}
	return strings.ReplaceAll(strings.Join(faults, ","), " ", "-"), nil, true
}

// composeMDC returns the request that says words; see [Compose].
func composeMDC(id int, words []string) ([]byte, error) {
	if id < 0 || id > 255 {
		return nil, fmt.Errorf("cannot write to set ID %d: MDC has 0 to 253, %d for all, and 255 on old models for 0", id, MDCBroadcast)
	}
	if err := twoWords(words); err != nil {
		return nil, err
	}
	var names []string
	for _, w := range mdcWords() {
		if names = append(names, w.name); w.name != words[0] {
			continue
		}
		values, err := w.values(words)
		if err != nil {
			return nil, fmt.Errorf("cannot write %q: %w", words, err)
		}
		return MDCFrame{Command: w.code, ID: byte(id), Data: values}.Encode()
	}
	return nil, unknownCommand(words[0], names)
}
