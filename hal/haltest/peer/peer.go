// Package peer is the far end of a panel's serial line, for judging drivers: a whole panel that speaks Samsung MDC,
// LG, NEC or Philips SICP, and misbehaves on command.
//
// It imports nothing of ours and shares no code with the drivers: it was written from the frames in hardware-facts.md
// and panel-vectors.json, so that a driver is judged by something other than itself. It does no input or output: bytes
// go in, and bytes with the moments at which they are due come out. Time is that of the package time, so that it runs
// in a synctest bubble as well.
package peer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A State is what an eye sees of a panel.
type State string

const (
	Off     State = "off"
	Warming State = "warming" // told to be on, and no picture yet
	On      State = "on"
)

// A Config says which panel it is. What is zero gets the value in brackets, if any.
type Config struct {
	Protocol string        // mdc, lg, nec or sicp
	ID       int           // set ID; MDC has 0 to 253, LG and SICP 1 to 255, NEC 1 to 100
	WarmUp   time.Duration // from power on to picture [none]
	Old      bool          // SICP of sets that have no group byte
	Seed     uint64        // of whatever is left to chance in its faults
}

// Protocols lists what a Panel can speak.
func Protocols() []string { return []string{"mdc", "lg", "nec", "sicp"} }

// A Burst is what a panel says at once.
type Burst struct {
	At    time.Time // when it leaves; never before an earlier one
	Bytes []byte
}

// A tongue is one protocol.
type tongue interface {
	// cut takes the first whole request for whatever set off what was heard. request is nil when none is whole yet.
	cut(heard []byte) (request, rest []byte)
	// answer obeys a request and returns the frame that answers it, or nil where nobody answers.
	answer(p *Panel, request []byte) []byte
	// misheard is what a panel says to a request that was damaged on its way, or nil.
	misheard(p *Panel, request []byte) []byte
	// foreign are frames that could be taken for the answer to request and are not: of another set, of another
	// command, with a wrong checksum; all say the opposite of the truth about power.
	foreign(p *Panel, request []byte) [][]byte
	// isPower tells whether a whole request sets or asks for power.
	isPower(p *Panel, request []byte) bool
	// beginning is a frame of this very panel that never ends.
	beginning(p *Panel) []byte
	// spoil makes the checksum of a frame wrong, or cuts off its end where there is none.
	spoil(frame []byte) []byte
}

// A Panel is one panel. Its methods are safe for concurrent use.
type Panel struct {
	config Config
	tongue tongue

	mu   sync.Mutex
	rand *rand.Rand
	set  settings
	faults

	state  State
	litAt  time.Time    // when warming ends; zero when it does not warm
	loseAt time.Time    // when its power will be lost; zero when it will not
	seen   []State      // since Mark
	agreed [2]time.Time // when a command for off, and one for on, was last carried out or left undone
	left   map[State]time.Time

	heard   []byte    // not yet a whole request
	heardAt time.Time // when the last byte came
	spokeAt time.Time // when the last burst leaves
}

// settings are what a panel keeps beside its power.
type settings struct {
	input, brightness, backlight, volume byte
	muted                                bool
	screen                               byte    // 0 shows the picture, 1 is blank
	picture                              [7]byte // of SICP: brightness, colour, contrast, sharpness, tint, black level, gamma
	temperature                          int     // °C
	signal                               bool
	fan                                  bool // the fan is broken
	hours                                int
	other                                map[string][]byte // by command: what is kept and has no effect
}

// forget is how long an unfinished request is kept. At 9600 baud the longest frame takes 0.3 s.
const forget = 500 * time.Millisecond

// maxHeard bounds what is kept of an unfinished request.
const maxHeard = 512

// New returns a panel that is off and has no fault. The error is that of a protocol or a set ID that does not exist.
func New(c Config) (*Panel, error) {
	lowest, highest := 1, map[string]int{"mdc": 0xFD, "lg": 0xFF, "nec": 100, "sicp": 0xFF}[c.Protocol]
	if highest == 0 {
		return nil, fmt.Errorf("cannot speak %q: the protocols are %v", c.Protocol, Protocols())
	}
	if c.Protocol == "mdc" {
		lowest = 0
	}
	if c.ID < lowest || c.ID > highest {
		return nil, fmt.Errorf("cannot have set ID %d: %s has %d to %d", c.ID, c.Protocol, lowest, highest)
	}
	p := &Panel{config: c, rand: rand.New(rand.NewPCG(c.Seed, 1)), state: Off, left: map[State]time.Time{}}
	p.set = settings{
		brightness: 100, backlight: 100, volume: 10, temperature: 42, signal: true, hours: 6699, other: map[string][]byte{},
	}
	switch c.Protocol {
	case "mdc":
		p.tongue, p.set.input = mdc{}, 0x21
	case "lg":
		p.tongue, p.set.input = lg{}, 0x90
	case "nec":
		p.tongue, p.set.input = nec{}, 0x11
	case "sicp":
		p.tongue, p.set.input = sicp{}, 0x0D
		p.set.picture = [7]byte{100, 50, 50, 50, 50, 50, 3}
		p.group = 1
	}
	return p, nil
}

// State returns what an eye sees now.
func (p *Panel) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
	return p.state
}

// Mark begins to remember the states that are seen, with the present one as the first.
func (p *Panel) Mark() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
	p.seen = []State{p.state}
}

// Seen tells whether the panel has been in a state at any moment since Mark.
func (p *Panel) Seen(s State) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
	return slices.Contains(p.seen, s)
}

// Agreed returns when the panel last was off or on, or had heard a command to be.
func (p *Panel) Agreed(on bool) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
	s := Off
	if on {
		s = On
	}
	switch at, left := p.agreed[bit(on)], p.left[s]; {
	case p.state == s:
		return time.Now()
	case left.After(at):
		return left
	default:
		return at
	}
}

// Next returns when the state will change by itself, or the zero time.
func (p *Panel) Next() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.litAt.IsZero() || !p.loseAt.IsZero() && p.loseAt.Before(p.litAt) {
		return p.loseAt
	}
	return p.litAt
}

// Hear takes what has arrived on the line, and returns what the panel will say to it.
func (p *Panel) Hear(b []byte) []Burst {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
	if time.Since(p.heardAt) > forget {
		p.heard = nil
	}
	p.heardAt = time.Now()
	var said []Burst
	for len(b) > 0 {
		n := min(len(b), maxHeard)
		p.heard = append(p.heard, b[:n]...)
		b = b[n:]
		for {
			var request []byte
			request, p.heard = p.tongue.cut(p.heard)
			if request == nil {
				break
			}
			said = append(said, p.reply(request)...)
		}
		p.heard = p.heard[max(0, len(p.heard)-maxHeard):]
	}
	return said
}

// pass lets happen what was due by now.
func (p *Panel) pass() {
	now := time.Now()
	lit, lost := due(p.litAt, now), due(p.loseAt, now)
	if lit && !(lost && p.loseAt.Before(p.litAt)) {
		p.become(On)
	}
	if lost {
		p.loseAt = time.Time{}
		p.become(Off)
	}
}

func due(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

func (p *Panel) become(s State) {
	p.left[p.state] = time.Now()
	p.state, p.litAt = s, time.Time{}
	if !slices.Contains(p.seen, s) {
		p.seen = append(p.seen, s)
	}
}

// power does what a power command asks for, unless the panel disobeys.
func (p *Panel) power(on bool) {
	p.agreed[bit(on)] = time.Now()
	switch {
	case p.active["disobey"]:
	case !on:
		p.become(Off)
	case p.state == Off && p.config.WarmUp > 0:
		p.become(Warming)
		p.litAt = time.Now().Add(p.config.WarmUp)
	case p.state == Off:
		p.become(On)
	}
}

// keep sets a byte, unless the panel disobeys.
func (p *Panel) keep(field *byte, value byte) {
	if !p.active["disobey"] {
		*field = value
	}
}

// keepFlag sets a flag, unless the panel disobeys.
func (p *Panel) keepFlag(field *bool, value bool) {
	if !p.active["disobey"] {
		*field = value
	}
}

const (
	serialNumber = "Z5V7HTLK700003X"
	modelName    = "BT55PEER"
	software     = "V1.04"
)
