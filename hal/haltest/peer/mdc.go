package peer

// An mdc speaks Samsung MDC: AA command id length data… sum, answered by AA FF id length A|N command values… sum. It
// is deaf while it warms up.
type mdc struct{}

const mdcAll = 0xFE

func (mdc) cut(heard []byte) (request, rest []byte) {
	for len(heard) >= 4 {
		end := 4 + int(heard[3])
		switch {
		case heard[0] != 0xAA:
		case len(heard) <= end:
			return nil, heard
		case mdcSum(heard[1:end]) == heard[end]:
			return heard[:end+1], heard[end+1:]
		}
		heard = heard[1:]
	}
	return nil, heard
}

func (m mdc) answer(p *Panel, request []byte) []byte {
	command, id, data := request[1], request[2], request[4:len(request)-1]
	if p.state == Warming || id != byte(p.config.ID) && id != mdcAll {
		return nil
	}
	reply := []byte{'N', command, 0x01}
	if !p.active["nak"] && !p.active["busy"] {
		if values, ok := m.obey(p, command, data); ok {
			reply = append([]byte{'A', command}, values...)
		}
	}
	if id == mdcAll {
		return nil
	}
	return mdcReply(byte(p.config.ID), reply)
}

// obey carries out a request and returns the values to acknowledge it with.
func (m mdc) obey(p *Panel, command byte, data []byte) (values []byte, ok bool) {
	asks := len(data) == 0
	switch command {
	case 0x00:
		// Power, volume, mute, input, aspect. A sleeping panel may misreport its power here: this one does.
		return []byte{1, p.set.volume, bit(p.set.muted), p.set.input, 1, 0, 0}, asks
	case 0x0B:
		return []byte(serialNumber), asks
	case 0x0D:
		return []byte{0, 0, 0, bit(!p.set.signal), byte(max(0, p.set.temperature)), bit(p.set.fan)}, asks
	case 0x0E:
		return []byte(software), asks
	case 0x83:
		tens := p.set.hours * 6
		return []byte{byte(tens >> 8), byte(tens)}, asks
	case 0x8A:
		return []byte(modelName), asks
	case 0x11:
		return m.obeyPower(p, data)
	case 0x12:
		return p.obeyByte(&p.set.volume, 100, data)
	case 0x13:
		return p.obeyFlag(&p.set.muted, data)
	case 0x14:
		return p.obeyByte(&p.set.input, 255, data)
	case 0x25:
		return p.obeyByte(&p.set.brightness, 100, data)
	case 0x36, 0x5D: // the remote control is heard, and nothing is locked
		return []byte{bit(command == 0x36)}, asks
	case 0x58:
		return p.obeyByte(&p.set.backlight, 100, data)
	case 0xF9:
		return p.obeyByte(&p.set.screen, 1, data)
	}
	return nil, false
}

// obeyPower answers with what was asked for where a value is set, and with the truth where it is read.
func (mdc) obeyPower(p *Panel, data []byte) (values []byte, ok bool) {
	switch {
	case len(data) == 0:
		return []byte{bit(p.state == On)}, true
	case len(data) > 1 || data[0] > 2:
		return nil, false
	case data[0] == 2:
		p.power(false)
		p.power(true)
	default:
		p.power(data[0] == 1)
	}
	return data, true
}

// obeyByte sets or tells a value from 0 to highest.
func (p *Panel) obeyByte(field *byte, highest byte, data []byte) (values []byte, ok bool) {
	switch {
	case len(data) == 0:
		return []byte{*field}, true
	case len(data) > 1 || data[0] > highest:
		return nil, false
	}
	p.keep(field, data[0])
	return data, true
}

func (p *Panel) obeyFlag(field *bool, data []byte) (values []byte, ok bool) {
	value := bit(*field)
	if values, ok = p.obeyByte(&value, 1, data); ok {
		*field = value == 1
	}
	return values, ok
}

// misheard: a request with a wrong sum is none.
func (mdc) misheard(*Panel, []byte) []byte { return nil }

func (m mdc) foreign(p *Panel, _ []byte) [][]byte {
	id, lie := byte(p.config.ID), bit(p.state != On)
	return [][]byte{
		mdcReply(id+1, []byte{'A', 0x11, lie}),
		m.spoil(mdcReply(id, []byte{'A', 0x11, lie})),
		mdcReply(id, []byte{'A', 0x4A, lie}),
		mdcReply(id, []byte{'N', 0x4A, 0x01}),
	}
}

func (mdc) beginning(p *Panel) []byte { return []byte{0xAA, 0xFF, byte(p.config.ID), 0xFF} }

func (mdc) spoil(frame []byte) []byte {
	frame[len(frame)-1]++
	return frame
}

func mdcReply(id byte, data []byte) []byte {
	b := append([]byte{0xAA, 0xFF, id, byte(len(data))}, data...)
	return append(b, mdcSum(b[1:]))
}

func mdcSum(b []byte) byte {
	sum := 0
	for _, x := range b {
		sum += int(x)
	}
	return byte(sum & 0xFF)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (mdc) isPower(_ *Panel, request []byte) bool { return request[1] == 0x11 }
