package rs232

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bangtin/hal"
)

// Commands and values of Samsung MDC; see reference/hardware-facts.md, "Panels over RS-232".
const (
	mdcStatus      = 0x00
	mdcSerial      = 0x0B
	mdcErrorStatus = 0x0D
	mdcPower       = 0x11
	mdcInput       = 0x14
	mdcLamp        = 0x58
	mdcModel       = 0x8A

	mdcACK = 0x41
	mdcNAK = 0x4E

	mdcOff = 0
	mdcOn  = 1

	// MDCBroadcast is the set ID that addresses every panel on the line. Nobody answers it.
	MDCBroadcast = 0xFE
)

// An MDCConfig says which panel an MDC drives. Durations and Attempts that are zero get the value in brackets.
type MDCConfig struct {
	Port  string // path of the serial port, or of a pty
	SetID byte   // 0 to 253 as set in the panel's menu, or MDCBroadcast

	Reply time.Duration // how long to wait for a reply [1 s: no source names a limit; a reply takes 30 ms on the line]
	Gap   time.Duration // rest between exchanges [100 ms: no source names one; other makers ask for 150 to 600 ms]
	Write time.Duration // how long a write may take [1 s: 270 bytes take 0.3 s at 9600 baud]

	SettleOn  time.Duration // after power on [20 s: 15 to 20 s are advised]
	SettleOff time.Duration // after power off [2 s, as for a panel of which nothing is known]

	Attempts int // how often a command is sent until it is acknowledged [2]

	Log *slog.Logger // required
}

// An MDC is a Samsung panel that speaks MDC over RS-232. It implements [hal.Panel], [hal.Settler],
// [hal.Dimmer], [hal.Thermometer], [hal.InputSwitcher] and [hal.Identifier]; not every model has all of it, and
// a panel says so with NAK, which is [hal.ErrRefused].
//
// Each method takes at most Attempts times Reply, twice that for what reads, and a few gaps. As every
// [hal.Panel] it is for one goroutine at a time.
type MDC struct {
	id       byte
	link     *Link
	attempts int
	settle   struct{ on, off time.Duration }

	// overdue is set while the panel may still send a reply that was given up. The late acknowledgement of
	// "on" and the answer to "are you on?" are the same bytes.
	overdue bool
}

// NewMDC returns the driver of one panel. It does no input or output: the port is opened by the first command.
func NewMDC(c MDCConfig) *MDC {
	t := Timing{
		Reply: cmp.Or(c.Reply, time.Second),
		Gap:   cmp.Or(c.Gap, 100*time.Millisecond),
		Write: cmp.Or(c.Write, time.Second),
	}
	m := &MDC{id: c.SetID, link: NewLink(c.Port, t, c.Log), attempts: cmp.Or(c.Attempts, 2)}
	m.settle.on = cmp.Or(c.SettleOn, 20*time.Second)
	m.settle.off = cmp.Or(c.SettleOff, 2*time.Second)
	return m
}

// SetPower implements [hal.Panel]. With the broadcast ID it returns once the command is sent. After power on
// the port is closed until the next command, as is advised: what a booting panel puts on the line is noise.
func (m *MDC) SetPower(ctx context.Context, on bool) error {
	value := byte(mdcOff)
	if on {
		value = mdcOn
	}
	if err := m.set(ctx, mdcPower, value); err != nil {
		return fmt.Errorf("cannot set panel power: %w", err)
	}
	if on {
		m.link.Drop()
	}
	return nil
}

// Power implements [hal.Panel]. It asks with the power command, because the status command may misreport
// power while the panel sleeps. MDC tells on and off only, never warming or cooling.
func (m *MDC) Power(ctx context.Context) (hal.Power, error) {
	v, err := m.number(ctx, mdcPower, 1, 0)
	if err != nil {
		return hal.PowerUnknown, fmt.Errorf("cannot read panel power: %w", err)
	}
	switch v {
	case mdcOff:
		return hal.PowerOff, nil
	case mdcOn:
		return hal.PowerOn, nil
	}
	return hal.PowerUnknown, fmt.Errorf("cannot read panel power: value %d is neither on nor off: %w", v, hal.ErrSilent)
}

// Settle implements [hal.Settler].
func (m *MDC) Settle(on bool) time.Duration {
	if on {
		return m.settle.on
	}
	return m.settle.off
}

// Close implements [hal.Panel]. The MDC cannot be used afterwards.
func (m *MDC) Close() error { return m.link.Close() }

// set sends a command with a value until the panel acknowledges it.
//
// It sends even when the panel has been silent: a panel whose answers get lost may well hear us.
func (m *MDC) set(ctx context.Context, command, value byte) error {
	request, err := MDCFrame{Command: command, ID: m.id, Data: []byte{value}}.Encode()
	if err != nil {
		return err
	}
	if m.id == MDCBroadcast {
		return m.link.Tell(ctx, request)
	}
	for range m.attempts {
		if _, err = m.ask(ctx, command, request); !worthRepeating(err) {
			return err
		}
	}
	return err
}

// read asks the panel for the values of a command until it answers.
func (m *MDC) read(ctx context.Context, command byte) ([]byte, error) {
	if m.id == MDCBroadcast {
		return nil, fmt.Errorf("set ID FE is never answered: %w", hal.ErrUnsupported)
	}
	request, err := MDCFrame{Command: command, ID: m.id}.Encode()
	if err != nil {
		return nil, err
	}
	var values []byte
	for range m.attempts {
		if err = m.catchUp(ctx); err == nil {
			values, err = m.ask(ctx, command, request)
		}
		if !worthRepeating(err) {
			return values, err
		}
	}
	return nil, err
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

// catchUp makes sure that no reply to an earlier request is still to come. A panel answers in order, so once
// it has replied to a command that is used for nothing else, every earlier reply has been here or is lost.
func (m *MDC) catchUp(ctx context.Context) error {
	if !m.overdue {
		return nil
	}
	request, err := MDCFrame{Command: mdcStatus, ID: m.id}.Encode()
	if err != nil {
		return err
	}
	if _, err := m.link.Ask(ctx, request, MatchMDC(m.id, mdcStatus)); err != nil {
		return err
	}
	m.overdue = false
	return nil
}

// ask does one exchange and returns the values of the ACK.
func (m *MDC) ask(ctx context.Context, command byte, request []byte) ([]byte, error) {
	data, err := m.link.Ask(ctx, request, MatchMDC(m.id, command))
	if err != nil {
		m.overdue = true
		return nil, err
	}
	if data[0] == mdcNAK {
		return nil, fmt.Errorf("panel %d answers command %02X with NAK % X: %w", m.id, command, data[2:], hal.ErrRefused)
	}
	return data[2:], nil
}

func worthRepeating(err error) bool {
	return errors.Is(err, hal.ErrSilent) || errors.Is(err, hal.ErrRefused)
}
