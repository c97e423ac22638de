package rs232

import (
	"context"
	"fmt"
	"time"

	"bangtin/hal"
)

// Commands and values of Samsung MDC; see reference/hardware-facts.md, "Panels over RS-232".
const (
	mdcStatus      = 0x00
	mdcSerial      = 0x0B
	mdcErrorStatus = 0x0D
	mdcSoftware    = 0x0E
	mdcPower       = 0x11
	mdcVolume      = 0x12
	mdcMute        = 0x13
	mdcInput       = 0x14
	mdcBrightness  = 0x25 // of the picture
	mdcRemote      = 0x36 // whether the remote control is heard
	mdcLamp        = 0x58
	mdcLock        = 0x5D // of the keys and the remote control
	mdcHours       = 0x83
	mdcModel       = 0x8A
	mdcPanel       = 0xF9 // 0 is on; only Describe knows it

	mdcACK = 0x41
	mdcNAK = 0x4E

	mdcOff = 0
	mdcOn  = 1

	// MDCBroadcast is the set ID that addresses every panel on the line. Nobody answers it.
	MDCBroadcast = 0xFE
)

// mdcTiming: no source names a limit for a reply, which takes 30 ms on the line, or a gap; other makers ask for 150
// to 600 ms. A panel that answers is not waited for longer than it takes, and one that were slower than the limit would
// never be read: 2 s, as for every protocol. 270 bytes take 0.3 s at 9600 baud. 15 to 20 s are advised after power on;
// off is as for a panel of which nothing is known. Copy is a guess for panels that answer power alone, and no longer than
// the keeper waits by itself.
func mdcTiming() Timing {
	return Timing{
		Reply: 2 * time.Second, Gap: 100 * time.Millisecond, Write: time.Second, Copy: time.Second,
		SettleOn: 20 * time.Second, SettleOff: 2 * time.Second,
	}
}

// An MDC is a Samsung panel that speaks MDC over RS-232. Set IDs are 0 to 253, and MDCBroadcast. It implements
// [hal.Panel], [hal.Settler], [hal.Dimmer], [hal.Thermometer], [hal.InputSwitcher], [hal.SignalDetector],
// [hal.Speaker], [hal.Diagnoser], [hal.HourMeter] and [hal.Identifier]; not every model has all of it, and a panel says
// so with NAK, which is [hal.ErrRefused].
//
// Each method takes at most Attempts times Reply, twice that for what reads, and a few gaps; the first reading of power
// after the port was opened three times that, of which a silent panel takes one. As every
// [hal.Panel] it is for one goroutine at a time.
type MDC struct {
	id       byte
	dialogue dialogue
}

// NewMDC returns the driver of one panel. It does no input or output: the port is opened by the first command.
//
// The first two markers are commands that Samsung's document says to work whether power is on or off (5D: manual of the
// IFH series; 36: vgavro/samsung-mdc). A panel that lacks one says so by NAK, which is as good. They go out without a rest:
// the same program asks its next question as soon as the last is answered.
func NewMDC(c Config) *MDC {
	m := &MDC{id: byte(c.SetID), dialogue: c.dialogue(mdcTiming())}
	m.dialogue.markers = markers(m.request(mdcLock), m.request(mdcRemote), m.request(mdcStatus), m.request(mdcSoftware))
	m.dialogue.markerGap = 0
	return m
}

// SetPower implements [hal.Panel]. With the broadcast ID it returns once the command is sent. Only an acknowledgement of
// that very value is one: "on" may be the answer to a reading that was cut short before "off".
//
// After power on the link stays open and may be asked at once, although it is advised to drop it and to wait for 15 to
// 20 s: what a booting panel puts on the line is thrown away before each request, and a panel that is lit in 6 s is
// seen to be. Settle alone keeps a second command away meanwhile, and nothing keeps away one that is otherwise.
func (m *MDC) SetPower(ctx context.Context, on bool) error {
	value := byte(mdcOff)
	if on {
		value = mdcOn
	}
	r := m.request(mdcPower, value)
	r.match = MatchMDC(m.id, mdcPower, func(echo []byte) bool { return len(echo) == 1 && echo[0] == value })
	if err := m.tell(ctx, r); err != nil {
		return fmt.Errorf("cannot set panel power: %w", err)
	}
	return nil
}

// Power implements [hal.Panel]. It asks with the power command, because the status command, which no acknowledgement
// could be taken for, may misreport power while the panel sleeps. MDC tells on and off only, never warming or cooling.
func (m *MDC) Power(ctx context.Context) (hal.Power, error) {
	if m.id == MDCBroadcast {
		return hal.PowerUnknown, fmt.Errorf("cannot read panel power: %w", errMDCBroadcast())
	}
	v, err := m.dialogue.readAnew(ctx, m.request(mdcPower))
	if err != nil {
		return hal.PowerUnknown, fmt.Errorf("cannot read panel power: %w", err)
	}
	switch {
	case len(v) == 1 && v[0] == mdcOff:
		return hal.PowerOff, nil
	case len(v) == 1 && v[0] == mdcOn:
		return hal.PowerOn, nil
	}
	return hal.PowerUnknown, fmt.Errorf("cannot read panel power: % X is neither on nor off: %w", v, hal.ErrSilent)
}

// Settle implements [hal.Settler].
func (m *MDC) Settle(on bool) time.Duration {
	if on {
		return m.dialogue.timing.SettleOn
	}
	return m.dialogue.timing.SettleOff
}

// Close implements [hal.Panel]. The MDC cannot be used afterwards.
func (m *MDC) Close() error { return m.dialogue.link.Close() }

// request is one command with its values; without any it asks for them.
func (m *MDC) request(command byte, values ...byte) request {
	b, _ := MDCFrame{Command: command, ID: m.id, Data: values}.Encode() // fails on more values than any command has
	return request{topic: string(command), bytes: b, match: MatchMDC(m.id, command, nil), judge: func(data []byte) ([]byte, error) {
		if data[0] == mdcNAK {
			return nil, fmt.Errorf("panel %d answers command %02X with NAK % X: %w", m.id, command, data[2:], hal.ErrRefused)
		}
		return data[2:], nil
	}}
}

// set sends a command with a value until the panel acknowledges the command. It may name another value: a panel may have
// another name for an input.
func (m *MDC) set(ctx context.Context, command, value byte) error {
	return m.tell(ctx, m.request(command, value))
}

func (m *MDC) tell(ctx context.Context, r request) error {
	if m.id == MDCBroadcast {
		return m.dialogue.link.Tell(ctx, r.bytes)
	}
	return m.dialogue.set(ctx, r)
}

// read asks the panel for the values of a command until it answers.
func (m *MDC) read(ctx context.Context, command byte) ([]byte, error) {
	if m.id == MDCBroadcast {
		return nil, errMDCBroadcast()
	}
	return m.dialogue.read(ctx, m.request(command))
}

func errMDCBroadcast() error {
	return fmt.Errorf("set ID FE is never answered: %w", hal.ErrUnsupported)
}

// number reads a command's values, of which there must be n, and returns the i-th. A panel that says something
// else has not given an answer that could be used.
func (m *MDC) number(ctx context.Context, command byte, n, i int) (int, error) {
	v, err := m.read(ctx, command)
	if err != nil {
		return 0, err
	}
	if len(v) != n {
		return 0, fmt.Errorf("reply to command %02X has %d values, not %d: %w", command, len(v), n, hal.ErrSilent)
	}
	return int(v[i]), nil
}
