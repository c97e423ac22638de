package peer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// faults are what is wrong with a panel or with its line. Any number can be at once.
type faults struct {
	active map[string]bool

	delay time.Duration // of slow: the longest
	after time.Duration // of again
	group byte          // in SICP replies

	held    *utterance // what late or batch keeps back
	replies int        // counts what inside and mishear spare
}

// An utterance is a reply, and what reaches the driver with it.
type utterance struct{ before, reply, after []byte }

// panelFaults are about the panel itself, lineFaults about what reaches the driver.
func panelFaults() []string {
	return []string{"deaf", "silent", "sleepy", "only-power", "nak", "busy", "disobey"}
}

func lineFaults() []string {
	return []string{
		"garbage", "inside", "flip", "ruin", "badsum", "split", "merge", "batch", "duplicate", "again", "late", "slow", "foreign",
		"echo", "crlf", "upper", "mishear",
	}
}

// Faults lists the words that begin a fault, without those that need an argument.
func Faults() []string { return append(panelFaults(), lineFaults()...) }

// Do gives the panel a command. What begins a fault is ended by "no" before it.
//
//	deaf       hear nothing
//	silent     obey, but answer nothing         sleepy    answer nothing in standby (LG has such sets)
//	only-power answer nothing but what is about power
//	nak        refuse everything                busy      say to everything that it cannot now (wait, BE, NAV)
//	disobey    acknowledge, but do nothing
//	garbage    noise around each reply, and frames that begin and never end
//	foreign    frames around each reply that could be taken for it
//	echo       the request comes back before its reply
//	inside     every fourth reply is damaged    ruin      every reply is: one byte lost, more or another
//	flip       every fourth reply has one bit turned over: of LG's the lowest of its value, which makes it another
//	badsum     wrong checksums (LG: no end)     mishear   every fourth request is damaged on its way
//	split      each byte on its own             merge     another set's frame, and half a one, in one piece with each reply
//	duplicate  each reply twice                 again [D] and a copy D later [5ms]
//	late       each reply when the next is due  batch     each second reply in one piece with the one before
//	slow [D]   each reply up to D later [2s]    crlf      CR LF after each reply
//	upper      hex in upper case (LG)           group N   SICP's replies bear that group byte
//
//	talk       end deaf, silent, sleepy, only-power   obey      end nak, busy and disobey
//	clean      end all others
//
//	lose-power          fall back to standby    lose-power-in D   do so in a while
//	temperature N       °C                      signal on|off     fan broken|good
//	input N             its menu: the protocol's code
//
// A word that does not exist is an error and changes nothing.
func (p *Panel) Do(command string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
	word, argument, _ := strings.Cut(command, " ")
	switch word {
	case "talk":
		p.end("deaf", "silent", "sleepy", "only-power")
	case "obey":
		p.end("nak", "busy", "disobey")
	case "clean":
		p.end(lineFaults()...)
	case "no":
		if !slices.Contains(Faults(), argument) {
			return fmt.Errorf("cannot end %q: there is no such fault", argument)
		}
		p.end(argument)
	case "lose-power":
		p.become(Off)
	case "lose-power-in", "slow", "again":
		return p.timed(word, argument)
	case "group", "temperature", "signal", "fan", "input":
		return p.change(word, argument)
	default:
		if argument != "" || !slices.Contains(Faults(), word) {
			return fmt.Errorf("cannot do %q: there is no such command", command)
		}
		p.begin(word)
	}
	return nil
}

func (p *Panel) begin(fault string) {
	if p.active == nil {
		p.active = map[string]bool{}
	}
	p.active[fault] = true
}

func (p *Panel) end(list ...string) {
	for _, fault := range list {
		delete(p.active, fault)
	}
	if !p.active["late"] && !p.active["batch"] {
		p.held = nil
	}
}

func (p *Panel) timed(word, argument string) error {
	d := map[string]time.Duration{"slow": 2 * time.Second, "again": 5 * time.Millisecond}[word]
	if argument != "" || d == 0 {
		var err error
		if d, err = time.ParseDuration(argument); err != nil || d <= 0 || d > time.Hour {
			return fmt.Errorf("cannot do %s %q: it takes a time up to 1h", word, argument)
		}
	}
	switch word {
	case "lose-power-in":
		p.loseAt = time.Now().Add(d)
	case "slow":
		p.delay = d
		p.begin(word)
	case "again":
		p.after = d
		p.begin(word)
	}
	return nil
}

func (p *Panel) change(word, argument string) error {
	n, err := strconv.Atoi(argument)
	switch {
	case word == "signal" && (argument == "on" || argument == "off"):
		p.set.signal = argument == "on"
	case word == "fan" && (argument == "broken" || argument == "good"):
		p.set.fan = argument == "broken"
	case word == "group" && err == nil && n >= 0 && n <= 255:
		p.group = byte(n)
	case word == "input" && err == nil && n >= 0 && n <= 255:
		p.set.input = byte(n)
	case word == "temperature" && err == nil && n >= -100 && n <= 125:
		p.set.temperature = n
	default:
		return fmt.Errorf("cannot do %s %q", word, argument)
	}
	return nil
}

// reply is what comes of one request: the answer, and what faults make of it.
func (p *Panel) reply(request []byte) []Burst {
	if p.active["deaf"] {
		return nil
	}
	p.replies++
	var frame []byte
	if p.active["mishear"] && p.replies%4 == 0 {
		frame = p.tongue.misheard(p, request)
	} else {
		frame = p.tongue.answer(p, request)
	}
	if frame == nil || p.active["silent"] || p.active["sleepy"] && p.state == Off || p.active["only-power"] && !p.tongue.isPower(p, request) {
		return nil
	}
	at := time.Now()
	if p.active["slow"] {
		at = at.Add(time.Duration(p.rand.Int64N(int64(p.delay))))
	}
	frame = p.deform(frame)
	u := p.hold(p.disturb(request, frame))
	if u == nil {
		return nil
	}
	if !p.active["again"] {
		return p.say(nil, at, slices.Concat(u.before, u.reply, u.after))
	}
	said := p.say(nil, at, slices.Concat(u.before, u.reply))
	return p.say(said, p.spokeAt.Add(p.after), slices.Concat(u.reply, u.after))
}

// deform changes the reply itself.
func (p *Panel) deform(frame []byte) []byte {
	frame = slices.Clone(frame)
	if p.active["upper"] {
		if l, ok := p.tongue.(lg); ok {
			frame = l.upper(frame)
		}
	}
	if p.active["badsum"] {
		frame = p.tongue.spoil(frame)
	}
	if p.active["ruin"] || p.active["inside"] && p.replies%4 == 1 {
		frame = p.damage(frame)
	}
	if p.active["flip"] && p.replies%4 == 2 {
		frame = p.flip(frame)
	}
	if p.active["crlf"] {
		frame = append(frame, '\r', '\n')
	}
	if p.active["duplicate"] {
		frame = append(frame, frame...)
	}
	return frame
}

// damage loses one byte of a frame, adds one, or puts another in its place. One byte is what every checksum here is
// certain to notice. LG has none: a digit that becomes another digit makes another reply, which nobody could tell,
// so that is the one thing that damage does not do: see flip.
func (p *Panel) damage(frame []byte) []byte {
	i, b := p.rand.IntN(len(frame)), byte(p.rand.UintN(256))
	switch p.rand.IntN(3) {
	case 0:
		return slices.Delete(frame, i, i+1)
	case 1:
		return slices.Insert(frame, i, b)
	}
	if _, ok := p.tongue.(lg); ok && isHex(frame[i]) && isHex(b) || b == frame[i] {
		b ^= 0x80
	}
	frame[i] = b
	return frame
}

// flip turns one bit over. LG has no checksum: "on" with one bit turned over is "off".
func (p *Panel) flip(frame []byte) []byte {
	i, bit := p.rand.IntN(len(frame)), p.rand.IntN(8)
	if _, ok := p.tongue.(lg); ok {
		i, bit = len(frame)-2, 0
		p.agreed = [2]time.Time{time.Now(), time.Now()} // nobody could tell which it acknowledges
	}
	frame[i] ^= 1 << bit
	return frame
}

func isHex(b byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", b) >= 0 }

// disturb surrounds a reply with what is none.
func (p *Panel) disturb(request, frame []byte) *utterance {
	var before, after []byte
	foreign := slices.Concat(p.tongue.foreign(p, request)...)
	if p.active["garbage"] {
		before = append(before, p.noise()...)
		before = append(before, p.tongue.beginning(p)...)
		after = append(after, p.tongue.beginning(p)...)
	}
	if p.active["echo"] {
		before = append(before, request...)
	}
	if p.active["foreign"] {
		before = append(before, foreign...)
	}
	if p.active["merge"] {
		after = append(append(after, foreign...), p.tongue.beginning(p)...)
	}
	return &utterance{before: before, reply: frame, after: after}
}

// noise is a few bytes of anything, among them what frames begin and end with.
func (p *Panel) noise() []byte {
	b := []byte{0x00, 0xFF}
	for range p.rand.IntN(8) {
		b = append(b, byte(p.rand.UintN(256)))
	}
	return b
}

// hold keeps replies back: late gives out the one before instead, batch nothing or two at once.
func (p *Panel) hold(u *utterance) *utterance {
	switch before := p.held; {
	case p.active["late"]:
		p.held = u
		return before
	case p.active["batch"] && before == nil:
		p.held = u
		return nil
	case p.active["batch"]:
		p.held = nil
		u.before = slices.Concat(before.before, before.reply, before.after, u.before)
	}
	return u
}

// say adds a frame to what is said, in one piece or byte by byte.
func (p *Panel) say(said []Burst, at time.Time, frame []byte) []Burst {
	if at.Before(p.spokeAt) {
		at = p.spokeAt
	}
	p.spokeAt = at
	if !p.active["split"] {
		return append(said, Burst{At: at, Bytes: frame})
	}
	for i := range frame {
		p.spokeAt = p.spokeAt.Add(time.Millisecond)
		said = append(said, Burst{At: p.spokeAt, Bytes: frame[i : i+1]})
	}
	return said
}
