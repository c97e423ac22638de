package rs232

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bangtin/hal"
)

// Operation codes and commands of NEC and Sharp-NEC panels; see reference/hardware-facts.md, "Panels over RS-232",
// the maker's "External Control" (P403, P702, V422) and its PD SDK.
const (
	necBacklight   = "0010"
	necContrast    = "0012"
	necInput       = "0060"
	necVolume      = "0062"
	necSharpness   = "008C"
	necMute        = "008D"
	necTotalHours  = "00FA"
	necHours       = "00FF"
	necSensor      = "0278"
	necTemperature = "0279"

	necGetPower  = "01D6"
	necSetPower  = "C203D6"
	necDiagnosis = "B1"
	necSerial    = "C216"
	necModel     = "C217"

	necOn      = 1
	necStandby = 2
	necSuspend = 3
	necOff     = 4

	// NECBroadcast is the set ID for every panel on the line, which the protocol writes as "*".
	NECBroadcast = 0
	necLastID    = necLast - necFirst + 1
)

// necTiming: 600 ms between packets, and 1 s before what was answered with a null message is sent again, are from
// hardware-facts.md. The longest reply takes 0.1 s on the line; the PD SDK waits for 7 s, which is more than a caller
// of a panel may be kept, and nothing else names a limit. How long a panel takes to settle is not known either, and is
// as for Samsung's, which is advised there.
func necTiming() Timing {
	return Timing{
		Reply: 2 * time.Second, Gap: 600 * time.Millisecond, Write: time.Second, Again: time.Second,
		SettleOn: 20 * time.Second, SettleOff: 2 * time.Second,
	}
}

// A NEC is an NEC or Sharp-NEC panel over RS-232. Set IDs are 1 to 100, and NECBroadcast. It implements [hal.Panel],
// [hal.Settler], [hal.Dimmer], [hal.InputSwitcher], [hal.Thermometer], [hal.SignalDetector], [hal.Speaker],
// [hal.Diagnoser], [hal.HourMeter] and [hal.Identifier]. A model that lacks something says so in the same way as one
// that cannot do it now, which is [hal.ErrRefused].
//
// Each method takes at most Attempts times Reply and Again, twice that for what reads, and a few gaps; the temperature
// takes three such exchanges. As every [hal.Panel] it is for one goroutine at a time.
type NEC struct {
	address  byte
	step     necStep // of the temperature; zero until the model is known
	dialogue dialogue
}

// NewNEC returns the driver of one panel. It does no input or output: the port is opened by the first command.
func NewNEC(c Config) *NEC {
	n := &NEC{address: necAddress(c.SetID), dialogue: c.dialogue(necTiming())}
	n.dialogue.markers = markers(n.get(necContrast), n.get(necSharpness))
	return n
}

func necAddress(id int) byte {
	if id == NECBroadcast {
		return necAll
	}
	return byte(necFirst + id - 1)
}

// SetPower implements [hal.Panel]. With the broadcast ID it returns once the command is sent.
func (n *NEC) SetPower(ctx context.Context, on bool) error {
	value := necOff
	if on {
		value = necOn
	}
	digits := fmt.Sprintf("%04X", value)
	r := n.request('A', necSetPower+digits, 0, func(m string) bool {
		return len(m) == 12 && m[2:8] == necSetPower && (m[:2] != "00" || m[8:] == digits)
	})
	if err := n.tell(ctx, r); err != nil {
		return fmt.Errorf("cannot set panel power: %w", err)
	}
	return nil
}

// Power implements [hal.Panel]. Standby and suspend, which a panel enters by itself without a signal, are off: there
// is no picture, and "on" is due.
func (n *NEC) Power(ctx context.Context) (hal.Power, error) {
	m, err := n.read(ctx, n.request('A', necGetPower, 2, func(m string) bool {
		return len(m) == 16 && m[:2] == "02" && m[4:6] == "D6"
	}))
	if err != nil {
		return hal.PowerUnknown, fmt.Errorf("cannot read panel power: %w", err)
	}
	v, ok := necNumber(m[12:])
	switch {
	case ok && v == necOn:
		return hal.PowerOn, nil
	case ok && (v == necStandby || v == necSuspend || v == necOff):
		return hal.PowerOff, nil
	}
	return hal.PowerUnknown, fmt.Errorf("cannot read panel power: mode %s is neither on nor off: %w", m[12:], hal.ErrSilent)
}

// Settle implements [hal.Settler].
func (n *NEC) Settle(on bool) time.Duration {
	if on {
		return n.dialogue.timing.SettleOn
	}
	return n.dialogue.timing.SettleOff
}

// Close implements [hal.Panel]. The NEC cannot be used afterwards.
func (n *NEC) Close() error { return n.dialogue.link.Close() }

// necNoResult stands for a reply that has no result code.
const necNoResult = -1

// request is one packet; the reply that fits has its result code, two digits, at an index. 01 is "unsupported by this
// monitor or under current condition".
func (n *NEC) request(kind byte, message string, result int, fits func(message string) bool) request {
	f := NECFrame{Destination: n.address, Source: necController, Type: kind, Message: message}
	b, _ := f.Encode()                                                     // fails on no request of this file
	topic := string(kind) + message[:min(len(message), len(necBacklight))] // an operation code, or what begins a command
	return request{topic: topic, bytes: b, match: MatchNEC(n.address, kind+1, fits), judge: func(reply []byte) ([]byte, error) {
		switch {
		case string(reply) == necBusy:
			return nil, fmt.Errorf("panel answers %s with the null message: %w: %w", message, hal.ErrRefused, errVague)
		case result != necNoResult && string(reply[result:result+2]) != "00":
			return nil, fmt.Errorf("panel answers %s with result %s: %w", message, reply[result:result+2], hal.ErrRefused)
		}
		return reply, nil
	}}
}

// get is the request for the value of an operation code.
func (n *NEC) get(op string) request { return n.request('C', op, 0, necAbout(op)) }

// set is the request that sets an operation code to a value.
func (n *NEC) set(op string, value int) request {
	return n.request('E', fmt.Sprintf("%s%04X", op, value), 0, necAbout(op))
}

// necAbout tells whether a reply is about an operation code: result, code, type, maximum and present value.
func necAbout(op string) func(message string) bool {
	return func(m string) bool { return len(m) == 16 && m[2:6] == op }
}

// tell sends a request that changes something until the panel acknowledges it.
func (n *NEC) tell(ctx context.Context, r request) error {
	if n.address == necAll {
		return n.dialogue.link.Tell(ctx, r.bytes)
	}
	return n.dialogue.set(ctx, r)
}

// read asks the panel until it answers, and returns the message.
func (n *NEC) read(ctx context.Context, r request) (string, error) {
	if n.address == necAll {
		return "", fmt.Errorf("all panels at once are never waited for: %w", hal.ErrUnsupported)
	}
	m, err := n.dialogue.read(ctx, r)
	return string(m), err
}

// number reads the present value of an operation code. A panel that says something else has not given an answer that
// could be used.
func (n *NEC) number(ctx context.Context, op string) (int, error) {
	m, err := n.read(ctx, n.get(op))
	if err != nil {
		return 0, err
	}
	v, ok := necNumber(m[12:])
	if !ok {
		return 0, fmt.Errorf("reply %q to %s has no value: %w", m, op, hal.ErrSilent)
	}
	return v, nil
}

// necLacks tells whether a panel said that it does not do something, so that another way may be tried.
func necLacks(err error) bool { return errors.Is(err, hal.ErrRefused) }
