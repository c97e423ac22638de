package rs232

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"

	"bangtin/hal"
)

// A Protocol names what a panel speaks over its serial line.
type Protocol string

const (
	ProtocolMDC  Protocol = "mdc"  // Samsung
	ProtocolLG   Protocol = "lg"   // LG commercial displays
	ProtocolNEC  Protocol = "nec"  // NEC and Sharp-NEC
	ProtocolSICP Protocol = "sicp" // Philips
)

// Protocols lists every Protocol there is.
func Protocols() []Protocol {
	return []Protocol{ProtocolMDC, ProtocolLG, ProtocolNEC, ProtocolSICP}
}

// Broadcast is the set ID that addresses every panel on the line. None of them may be expected to answer.
func (p Protocol) Broadcast() int {
	if p == ProtocolMDC {
		return MDCBroadcast
	}
	return 0
}

// A Config says which panel a driver drives. What is zero gets the value in brackets.
type Config struct {
	Port  string // path of the serial port, or of a pty
	SetID int    // as set in the panel's menu; each protocol says which there are, and which of them is all panels

	Edition SICPEdition // of a Philips panel [SICPGrouped]

	Open     Opener // [OpenSerial]
	Timing   Timing // [the protocol's own, field by field]
	Attempts int    // how often a request is sent until it is answered well [2]

	Log *slog.Logger // required
}

func (c Config) dialogue(own Timing) dialogue {
	t := c.Timing.or(own)
	return dialogue{link: NewLink(c.Port, c.Open, t, c.Log), timing: t, attempts: cmp.Or(c.Attempts, 2), markerGap: t.Gap}
}

// New returns the driver of one panel. It does no input or output: the port is opened by the first request. The
// error is that of a protocol or a set ID that does not exist.
func New(p Protocol, c Config) (hal.Panel, error) {
	switch p {
	case ProtocolMDC:
		if c.SetID < 0 || c.SetID > MDCBroadcast {
			return nil, fmt.Errorf("cannot use set ID %d: MDC has 0 to %d", c.SetID, MDCBroadcast)
		}
		return NewMDC(c), nil
	case ProtocolLG:
		if c.SetID < LGBroadcast || c.SetID > lgLastID {
			return nil, fmt.Errorf("cannot use set ID %d: LG has 1 to %d, and %d for all", c.SetID, lgLastID, LGBroadcast)
		}
		return NewLG(c), nil
	case ProtocolNEC:
		if c.SetID < NECBroadcast || c.SetID > necLastID {
			return nil, fmt.Errorf("cannot use set ID %d: NEC has 1 to %d, and %d for all", c.SetID, necLastID, NECBroadcast)
		}
		return NewNEC(c), nil
	case ProtocolSICP:
		if c.SetID < SICPBroadcast || c.SetID > 255 {
			return nil, fmt.Errorf("cannot use set ID %d: SICP has 1 to 255, and %d for all", c.SetID, SICPBroadcast)
		}
		return NewSICP(c), nil
	}
	return nil, fmt.Errorf("cannot speak %q to a panel: the protocols are %v", p, Protocols())
}

// printable keeps the printable ASCII of what a panel says about itself: the text goes to logs and terminals.
func printable(text []byte) string {
	keep := func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}
	return strings.TrimSpace(strings.Map(keep, string(text)))
}
