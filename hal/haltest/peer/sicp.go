package peer

// A sicp speaks Philips SICP: size id group data… xor, where size counts itself and the xor. Old sets have no group. It
// says "not available" (NAV) while it warms up.
type sicp struct{}

const (
	sicpACK  = 0x06
	sicpNACK = 0x15
	sicpNAV  = 0x18

	sicpLongest = 40
)

func (sicp) cut(heard []byte) (request, rest []byte) {
	for ; len(heard) > 0; heard = heard[1:] {
		size := int(heard[0])
		switch {
		case size < 4 || size > sicpLongest:
			continue
		case len(heard) < size:
			return nil, heard
		case sicpXOR(heard[:size-1]) == heard[size-1]:
			return heard[:size], heard[size:]
		}
	}
	return nil, heard
}

// answer: ID 0 and groups are for all of several panels, and no panel answers them.
func (s sicp) answer(p *Panel, request []byte) []byte {
	id, group, data, ok := s.open(p, request)
	if !ok || id != 0 && id != byte(p.config.ID) {
		return nil
	}
	reply := []byte{0x00, sicpNACK}
	switch {
	case p.active["nak"]:
	case p.active["busy"] || p.state == Warming:
		reply = []byte{0x00, sicpNAV}
	default:
		reply = s.obey(p, data[0], data[1:])
	}
	if id == 0 || group != 0 {
		return nil
	}
	return s.reply(p, byte(p.config.ID), reply)
}

// open takes a request apart.
func (sicp) open(p *Panel, request []byte) (id, group byte, data []byte, ok bool) {
	id, data = request[1], request[2:len(request)-1]
	if !p.config.Old {
		group, data = data[0], data[1:]
	}
	return id, group, data, len(data) > 0
}

func (s sicp) obey(p *Panel, command byte, data []byte) []byte {
	asks := len(data) == 0
	switch {
	case command == 0x18 && len(data) == 1 && (data[0] == 1 || data[0] == 2):
		p.power(data[0] == 2)
	case command == 0x19 && asks:
		return []byte{0x19, 1 + bit(p.state == On)}
	case command == 0xAC && len(data) == 4:
		p.keep(&p.set.input, data[0])
	case command == 0xAD && asks:
		return []byte{0xAD, p.set.input, 0, 1, 0}
	case command == 0x44 && (len(data) == 1 || len(data) == 2) && data[0] <= 100:
		p.keep(&p.set.volume, data[0])
	case command == 0x45 && asks:
		return []byte{0x45, p.set.volume}
	// The facts name 46 and 47 without saying which of them sets. A value sets here, and none asks.
	case (command == 0x46 || command == 0x47) && len(data) == 1 && data[0] <= 1:
		p.keepFlag(&p.set.muted, data[0] == 1)
	case (command == 0x46 || command == 0x47) && asks:
		return []byte{command, bit(p.set.muted)}
	case command == 0x32 && len(data) == len(p.set.picture) && data[0] <= 100:
		if !p.active["disobey"] {
			copy(p.set.picture[:], data)
		}
	case command == 0x33 && asks:
		return append([]byte{0x33}, p.set.picture[:]...)
	case command == 0x72 && len(data) == 1 && data[0] <= 1:
		p.keep(&p.set.screen, data[0])
	case command == 0x71 && asks:
		return []byte{0x71, p.set.screen}
	case command == 0x57 && len(data) == 1:
		p.power(false)
		p.power(true)
	case command == 0xA3 && len(data) == 1 && data[0] <= 2 && !p.active["disobey"]:
		p.set.other["cold start"] = []byte{data[0]}
	case command == 0xA3 && len(data) == 1 && data[0] <= 2:
	default:
		return s.tell(p, command, data)
	}
	return []byte{0x00, sicpACK}
}

// tell answers what only asks.
func (sicp) tell(p *Panel, command byte, data []byte) []byte {
	asks := len(data) == 0
	switch {
	case command == 0x2F && asks:
		return []byte{0x2F, byte(max(0, p.set.temperature))}
	case command == 0x0F && len(data) == 1 && data[0] == 2:
		return []byte{0x0F, byte(p.set.hours >> 8), byte(p.set.hours)}
	case command == 0x15 && asks:
		return append([]byte{0x15}, serialNumber[:14]...)
	case command == 0x59 && asks:
		return []byte{0x59, bit(p.set.signal)}
	case command == 0xA4 && asks:
		return append([]byte{0xA4}, append(p.set.other["cold start"], 2)[0])
	case command == 0xA1 && len(data) == 1 && data[0] == 0:
		return append([]byte{0xA1}, modelName...)
	case command == 0xA2 && len(data) == 1:
		return append([]byte{0xA2}, software...)
	}
	return []byte{0x00, sicpNAV}
}

// misheard: editions differ in what they say to a wrong checksum.
func (s sicp) misheard(p *Panel, request []byte) []byte {
	if id, group, _, ok := s.open(p, request); !ok || id == 0 || group != 0 {
		return nil
	}
	if p.rand.IntN(2) == 0 {
		return s.reply(p, byte(p.config.ID), []byte{0x00, sicpNAV})
	}
	return s.reply(p, byte(p.config.ID), []byte{0x00, sicpNACK})
}

func (s sicp) foreign(p *Panel, _ []byte) [][]byte {
	id, lie := byte(p.config.ID), 1+bit(p.state != On)
	return [][]byte{
		s.reply(p, id+1, []byte{0x19, lie}),
		s.spoil(s.reply(p, id, []byte{0x19, lie})),
		s.reply(p, id+1, []byte{0x00, sicpNAV}),
		s.reply(p, id, []byte{0x5B, lie}),
	}
}

func (sicp) beginning(p *Panel) []byte { return []byte{0x20, byte(p.config.ID), p.group} }

func (sicp) spoil(frame []byte) []byte {
	frame[len(frame)-1]++
	return frame
}

func (sicp) reply(p *Panel, id byte, data []byte) []byte {
	b := []byte{byte(len(data) + 4), id, p.group}
	if p.config.Old {
		b = []byte{byte(len(data) + 3), id}
	}
	b = append(b, data...)
	return append(b, sicpXOR(b))
}

func sicpXOR(b []byte) byte {
	sum := byte(0)
	for _, x := range b {
		sum ^= x
	}
	return sum
}

func (s sicp) isPower(p *Panel, request []byte) bool {
	_, _, data, ok := s.open(p, request)
	return ok && (data[0] == 0x18 || data[0] == 0x19)
}
