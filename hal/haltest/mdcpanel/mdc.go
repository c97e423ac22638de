package main

import "time"

// forget is how long an unfinished request is kept. At 9600 baud the longest frame takes 0.3 s.
const forget = 500 * time.Millisecond

// receive adds bytes from the line and answers each whole request among them:
// AA command id length data… sum.
func (p *panel) receive(b []byte) {
	if time.Since(p.received) > forget {
		p.pending = nil
	}
	p.received = time.Now()
	p.pending = append(p.pending, b...)
	for len(p.pending) >= 4 {
		if p.pending[0] != 0xAA {
			p.pending = p.pending[1:]
			continue
		}
		end := 4 + int(p.pending[3])
		if len(p.pending) <= end {
			return
		}
		if checksum(p.pending[1:end]) != p.pending[end] {
			p.pending = p.pending[1:]
			continue
		}
		request := p.pending[:end+1]
		p.pending = p.pending[end+1:]
		p.answer(request)
	}
}

func (p *panel) answer(request []byte) {
	command, id, data := request[1], request[2], request[4:len(request)-1]
	if p.state() == warming {
		return
	}
	if id != p.id && id != 0xFE {
		return
	}
	if p.nak {
		p.reply(request, []byte{'N', command, 0x01})
		return
	}
	values, ok := p.obey(command, data)
	if !ok {
		p.reply(request, []byte{'N', command, 0x01})
		return
	}
	p.reply(request, append([]byte{'A', command}, values...))
}

// obey carries out a request and returns the values to acknowledge it with.
func (p *panel) obey(command byte, data []byte) (values []byte, ok bool) {
	switch command {
	case 0x00:
		// Power, volume, mute, input, aspect. A sleeping panel may misreport its power here: this one does.
		return []byte{1, 10, 0, p.input, 1, 0, 0}, len(data) == 0
	case 0x0B:
		return []byte("Z5V7HTLK70000" + "3X"), len(data) == 0
	case 0x0D:
		return []byte{0, 0, 0, 0, 42, 0}, len(data) == 0
	case 0x11:
		return p.obeyPower(data)
	case 0x14:
		return p.obeyByte(&p.input, data)
	case 0x58:
		return p.obeyByte(&p.lamp, data)
	case 0x8A:
		return []byte("QM55R"), len(data) == 0
	}
	return nil, false
}

// obeyPower answers with what was asked for where a value is set, and with the truth where it is read.
func (p *panel) obeyPower(data []byte) (values []byte, ok bool) {
	switch {
	case len(data) == 0 && p.state() == on:
		return []byte{1}, true
	case len(data) == 0:
		return []byte{0}, true
	case len(data) > 1 || data[0] > 1:
		return nil, false
	case p.disobey:
	case data[0] == 1:
		p.switchOn()
	default:
		p.switchOff()
	}
	return data, true
}

func (p *panel) obeyByte(field *byte, data []byte) (values []byte, ok bool) {
	if len(data) > 1 {
		return nil, false
	}
	if len(data) == 1 && !p.disobey {
		*field = data[0]
	}
	if len(data) == 1 {
		return data, true
	}
	return []byte{*field}, true
}

// reply sends AA FF id length data… sum, with what the line does to it. A broadcast is answered by nobody.
func (p *panel) reply(request, data []byte) {
	if p.silent || request[2] == 0xFE {
		return
	}
	frame := replyFrame(p.id, data)
	if p.late {
		frame, p.held = p.held, frame
	}
	if p.duplicate {
		frame = append(frame[:len(frame):len(frame)], frame...)
	}
	if p.garbage && len(frame) > 0 {
		frame = p.spoil(request, frame)
	}
	if !p.split {
		p.send(frame)
		return
	}
	for i := range frame {
		p.send(frame[i : i+1])
		time.Sleep(time.Millisecond)
	}
}

// spoil surrounds a reply with the worst that can stand beside it and is not the reply: noise, the echo of the
// request, another panel's reply that says the opposite about power, a reply with a wrong sum, and the
// beginning of a long one.
func (p *panel) spoil(request, frame []byte) []byte {
	opposite := byte(1)
	if p.state() == on {
		opposite = 0
	}
	wrong := replyFrame(p.id, []byte{'A', 0x11, opposite})
	wrong[len(wrong)-1]++
	b := []byte{0x00, 0xFF, 0x41, 0x11}
	b = append(b, request...)
	b = append(b, replyFrame(p.id+1, []byte{'A', 0x11, opposite})...)
	b = append(b, wrong...)
	b = append(b, 0xAA, 0xFF, p.id, 0xFF)
	b = append(b, frame...)
	return append(b, 0xAA, 0xFF, p.id)
}

// send writes to the line. What nobody takes is lost, as on a wire.
func (p *panel) send(b []byte) {
	p.line.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	p.line.Write(b)
}

func replyFrame(id byte, data []byte) []byte {
	b := append([]byte{0xAA, 0xFF, id, byte(len(data))}, data...)
	return append(b, checksum(b[1:]))
}

func checksum(b []byte) byte {
	sum := 0
	for _, x := range b {
		sum += int(x)
	}
	return byte(sum & 0xFF)
}
