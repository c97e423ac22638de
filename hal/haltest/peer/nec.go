package peer

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// A nec speaks the protocol of NEC and Sharp-NEC: SOH 0 destination source type length2 STX message ETX bcc CR. It
// says BE while it warms up.
type nec struct{}

const (
	necSOH = 0x01
	necSTX = 0x02
	necETX = 0x03

	// necShortest and necLongest are limits of the length field, which counts STX and ETX.
	necShortest, necLongest = 2, 0x60
	// necAround is what stands around that: seven bytes before it, bcc and CR after it.
	necAround = 9
)

func (nec) cut(heard []byte) (request, rest []byte) {
	for ; len(heard) >= 7; heard = heard[1:] {
		if heard[0] != necSOH || heard[1] != '0' {
			continue
		}
		length, err := strconv.ParseUint(string(heard[5:7]), 16, 8)
		if err != nil || length < necShortest || length > necLongest {
			continue
		}
		whole := int(length) + necAround
		if len(heard) < whole {
			return nil, heard
		}
		if heard[7] == necSTX && heard[whole-3] == necETX && necSum(heard[1:whole-2]) == heard[whole-2] && heard[whole-1] == '\r' {
			return heard[:whole], heard[whole:]
		}
	}
	return nil, heard
}

func (n nec) answer(p *Panel, request []byte) []byte {
	destination, kind, message := request[2], request[4], string(request[8:len(request)-3])
	if destination != necID(p.config.ID) && destination != '*' {
		return nil
	}
	if p.active["busy"] || p.state == Warming {
		kind, message = 'B', "BE"
	} else {
		kind, message = n.obey(p, kind, message)
	}
	if destination == '*' {
		return nil
	}
	return necReply(p.config.ID, kind, message)
}

func (n nec) obey(p *Panel, kind byte, message string) (reply byte, answer string) {
	switch {
	case kind == 'A':
		return 'B', n.command(p, message)
	case kind == 'C' && len(message) == 4:
		return 'D', n.parameter(p, message, "")
	case kind == 'E' && len(message) == 8:
		return 'F', n.parameter(p, message[:4], message[4:])
	}
	return 'B', "BE"
}

func (n nec) command(p *Panel, message string) string {
	result := "00"
	if p.active["nak"] {
		result = "01"
	}
	switch {
	case message == "01D6":
		return "02" + result + "D600" + "0004" + map[bool]string{true: "0001", false: "0004"}[p.state == On]
	case message == "C203D60001" || message == "C203D60004":
		if result == "00" {
			p.power(message[9] == '1')
		}
		return result + message
	case p.active["nak"]:
		return "BE"
	case message == "B1":
		return "A1" + n.diagnosis(p)
	case message == "C217":
		return fmt.Sprintf("C317%X", modelName)
	case message == "C216":
		return fmt.Sprintf("C316%X", serialNumber)
	}
	return "BE"
}

func (nec) diagnosis(p *Panel) string {
	codes := ""
	if p.set.fan {
		codes += "80"
	}
	if !p.set.signal {
		codes += "B0"
	}
	if codes == "" {
		return "00"
	}
	return codes
}

// parameter sets one where a value is given, and answers with result, code, type, maximum and present value.
func (n nec) parameter(p *Panel, code, value string) string {
	if p.active["nak"] {
		return "01" + code + "00" + "0000" + "0000"
	}
	if value != "" {
		v, err := strconv.ParseUint(value, 16, 16)
		if err != nil || !n.store(p, code, int(v)) {
			return "01" + code + "00" + "0000" + "0000"
		}
	}
	highest, present, known := n.tell(p, code)
	switch {
	case !known:
		return "01" + code + "00" + "0000" + "0000"
	case value != "":
		return fmt.Sprintf("00%s00%04X%s", code, highest, value) // what was asked for, obeyed or not
	}
	return fmt.Sprintf("00%s00%04X%04X", code, highest, uint16(present))
}

func (nec) store(p *Panel, code string, v int) bool {
	switch {
	case code == "0060" && v <= 255:
		p.keep(&p.set.input, byte(v))
	case code == "0010" && v <= 100:
		p.keep(&p.set.backlight, byte(v))
	case code == "0062" && v <= 100:
		p.keep(&p.set.volume, byte(v))
	case code == "008D" && v <= 2:
		p.keepFlag(&p.set.muted, v == 1)
	case code == "0278" && v >= 1 && v <= 3: // there are three thermometers, and all show the same
	default:
		return false
	}
	return true
}

func (nec) tell(p *Panel, code string) (highest, present int, known bool) {
	switch code {
	case "0060":
		return 0x11, int(p.set.input), true
	case "0010":
		return 100, int(p.set.backlight), true
	case "0062":
		return 100, int(p.set.volume), true
	case "008D":
		return 2, map[bool]int{true: 1, false: 2}[p.set.muted], true
	case "0278":
		return 3, 1, true
	case "0279":
		return 0xFFFF, 2 * p.set.temperature, true // 0.5 °C a step
	case "027B":
		return 2, map[bool]int{true: 2, false: 1}[p.set.fan], true
	case "00FA", "00FF":
		return 0xFFFF, 2 * p.set.hours, true // 30 minutes a step
	}
	return 0, 0, false
}

func (nec) misheard(p *Panel, request []byte) []byte {
	if request[2] == '*' {
		return nil
	}
	return necReply(p.config.ID, 'B', "BE")
}

func (n nec) foreign(p *Panel, _ []byte) [][]byte {
	lie := "0200D600" + "0004" + map[bool]string{true: "0004", false: "0001"}[p.state == On]
	return [][]byte{
		necReply(p.config.ID+1, 'B', lie),
		n.spoil(necReply(p.config.ID, 'B', lie)),
		necReply(p.config.ID, 'D', "00003E"+"00"+"0064"+"0001"),
		necReply(p.config.ID, 'B', "A3"+"00"),
	}
}

func (nec) beginning(p *Panel) []byte {
	return []byte{necSOH, '0', '0', necID(p.config.ID), 'B', '4', '0', necSTX}
}

func (nec) spoil(frame []byte) []byte {
	frame[len(frame)-2]++
	return frame
}

func necID(id int) byte { return byte(0x40 + id) }

func necReply(id int, kind byte, message string) []byte {
	b := fmt.Appendf([]byte{necSOH}, "00%s%c%02X%c%s%c", []byte{necID(id)}, kind, len(message)+2, necSTX, message, necETX)
	return append(b, necSum(b[1:]), '\r')
}

func necSum(b []byte) byte {
	sum := byte(0)
	for _, x := range bytes.Clone(b) {
		sum ^= x
	}
	return sum
}

func (nec) isPower(_ *Panel, request []byte) bool {
	message := string(request[8 : len(request)-3])
	return message == "01D6" || strings.HasPrefix(message, "C203D6")
}
