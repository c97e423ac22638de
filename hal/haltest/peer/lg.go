package peer

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An lg speaks the protocol of LG's commercial displays: "ka 01 ff\r" is answered by "a 01 OK01x". It says "wait"
// (NG03) while it warms up.
type lg struct{}

const (
	lgIllegal     = "01"
	lgUnsupported = "02"
	lgWait        = "03"
)

func (lg) cut(heard []byte) (request, rest []byte) {
	i := bytes.IndexByte(heard, '\r')
	if i < 0 {
		return nil, heard
	}
	return heard[:i+1], heard[i+1:]
}

func (l lg) answer(p *Panel, request []byte) []byte {
	words := strings.Fields(strings.ToLower(string(request)))
	if len(words) < 3 || len(words[0]) != 2 {
		return nil
	}
	id, err := strconv.ParseUint(words[1], 16, 16)
	if err != nil || id != 0 && int(id) != p.config.ID {
		return nil
	}
	ok, data := l.decide(p, words[0], words[2:])
	if id == 0 {
		return nil
	}
	return lgReply(words[0][1], p.config.ID, ok, data)
}

func (l lg) decide(p *Panel, command string, data []string) (ok bool, values string) {
	switch {
	case p.active["nak"]:
		return false, lgIllegal
	case p.active["busy"] || p.state == Warming:
		return false, lgWait
	}
	var sent []byte
	for _, word := range data {
		b, err := strconv.ParseUint(word, 16, 8)
		if err != nil {
			return false, lgIllegal
		}
		sent = append(sent, byte(b))
	}
	return l.obey(p, command, sent)
}

func (l lg) obey(p *Panel, command string, data []byte) (ok bool, values string) {
	asks := len(data) == 1 && data[0] == 0xFF
	switch command {
	case "ka":
		return l.obeyPower(p, data, asks)
	case "xb", "kb":
		return l.obeyByte(p, &p.set.input, 0xFE, data, asks)
	case "kd":
		return l.obeyByte(p, &p.set.screen, 1, data, asks)
	case "ke":
		return l.obeySound(p, data, asks)
	case "kf":
		return l.obeyByte(p, &p.set.volume, 100, data, asks)
	case "kh":
		return l.obeyByte(p, &p.set.brightness, 100, data, asks)
	case "mg":
		return l.obeyByte(p, &p.set.backlight, 100, data, asks)
	case "dl":
		return asks, fmt.Sprintf("%04x", p.set.hours)
	case "dn":
		return asks, fmt.Sprintf("%02x", max(0, p.set.temperature))
	case "fy":
		return asks, serialNumber[:13]
	case "kz":
		return asks, l.abnormal(p)
	case "dp":
		return asks, map[bool]string{true: "01", false: "02"}[p.state == On]
	case "sv":
		if len(data) != 2 || data[0] != 2 || data[1] != 0xFF {
			return false, lgIllegal
		}
		return true, fmt.Sprintf("02%02x", bit(p.set.signal))
	case "jq", "sn", "fw", "mn":
		return l.obeyOther(p, command, data)
	}
	return false, lgUnsupported
}

// obeyPower answers with what was asked for where a value is set, and with the truth where it is read.
func (lg) obeyPower(p *Panel, data []byte, asks bool) (ok bool, values string) {
	switch {
	case asks:
		return true, fmt.Sprintf("%02x", bit(p.state == On))
	case len(data) != 1 || data[0] > 1:
		return false, lgIllegal
	}
	p.power(data[0] == 1)
	return true, fmt.Sprintf("%02x", data[0])
}

func (lg) obeyByte(p *Panel, field *byte, highest byte, data []byte, asks bool) (ok bool, values string) {
	switch {
	case asks:
		return true, fmt.Sprintf("%02x", *field)
	case len(data) != 1 || data[0] > highest:
		return false, lgIllegal
	}
	p.keep(field, data[0])
	return true, fmt.Sprintf("%02x", data[0])
}

// obeySound: 00 is muted.
func (l lg) obeySound(p *Panel, data []byte, asks bool) (ok bool, values string) {
	loud := bit(!p.set.muted)
	ok, values = l.obeyByte(p, &loud, 1, data, asks)
	p.set.muted = loud == 0
	return ok, values
}

// abnormal says why the panel is dark: 00 nothing, 01 no signal, 04 by RS-232.
func (lg) abnormal(p *Panel) string {
	switch {
	case p.state == Off:
		return "04"
	case !p.set.signal:
		return "01"
	}
	return "00"
}

// obeyOther keeps what has no effect. Of several bytes the first ones name what is meant.
func (lg) obeyOther(p *Panel, command string, data []byte) (ok bool, values string) {
	if len(data) == 0 || len(data) > 3 {
		return false, lgIllegal
	}
	last := len(data) - 1
	name := command + string(data[:last])
	if data[last] == 0xFF {
		stored, known := p.set.other[name]
		if !known {
			stored = []byte{0}
		}
		return true, fmt.Sprintf("%02x%02x", data[:last], stored)
	}
	if !p.active["disobey"] && len(p.set.other) < 64 {
		p.set.other[name] = []byte{data[last]}
	}
	return true, fmt.Sprintf("%02x", data)
}

func (lg) misheard(p *Panel, request []byte) []byte {
	words := strings.Fields(string(request))
	if len(words) < 2 || len(words[0]) != 2 || words[1] == "00" {
		return nil
	}
	return lgReply(words[0][1], p.config.ID, false, lgIllegal)
}

func (lg) foreign(p *Panel, _ []byte) [][]byte {
	lie := fmt.Sprintf("%02x", bit(p.state != On))
	return [][]byte{
		lgReply('a', p.config.ID+1, true, lie),
		lgReply('w', p.config.ID, true, lie),
		lgReply('w', p.config.ID, false, lgIllegal),
	}
}

func (lg) beginning(p *Panel) []byte { return fmt.Appendf(nil, "a %02x OK", p.config.ID) }

func (lg) spoil(frame []byte) []byte { return frame[:len(frame)-1] }

// upper writes the hex digits of set ID and data in upper case, and nothing else.
func (lg) upper(frame []byte) []byte {
	last := len(frame) - 1
	return slices.Concat(frame[:1], bytes.ToUpper(frame[1:last]), frame[last:])
}

func lgReply(command byte, id int, ok bool, data string) []byte {
	if !ok && len(data) != 2 {
		data = lgIllegal
	}
	return fmt.Appendf(nil, "%c %02x %s%sx", command, id, map[bool]string{true: "OK", false: "NG"}[ok], data)
}

func (lg) isPower(_ *Panel, request []byte) bool {
	words := strings.Fields(strings.ToLower(string(request)))
	return len(words) > 0 && words[0] == "ka"
}
