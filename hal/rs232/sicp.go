package rs232

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bangtin/hal"
)

// Commands and values of Philips SICP; see reference/hardware-facts.md, "Panels over RS-232". The video parameters (32,
// 33) are as three programs agree that follow the vendor's documents V1.99 to V2.1x; that of mute 46 reads and 47 sets is
// from one of them alone.
const (
	sicpHours      = 0x0F
	sicpSerial     = 0x15
	sicpPowerSet   = 0x18
	sicpPower      = 0x19
	sicpHeat       = 0x2F
	sicpPictureSet = 0x32
	sicpPicture    = 0x33
	sicpVolumeSet  = 0x44
	sicpVolume     = 0x45
	sicpMute       = 0x46
	sicpMuteSet    = 0x47
	sicpSignal     = 0x59
	sicpBacklight  = 0x71
	sicpLightSet   = 0x72
	sicpModel      = 0xA1
	sicpVersion    = 0xA2
	sicpColdStart  = 0xA4
	sicpInputSet   = 0xAC
	sicpInput      = 0xAD

	sicpOff = 1
	sicpOn  = 2

	// SICPBroadcast is the set ID that addresses every panel on the line. Nobody answers it.
	SICPBroadcast = 0
)

// sicpTiming: without a reply after 500 ms a retry may be sent, says the vendor, but a panel that takes 700 ms would
// then never be read: 2 s, as for every protocol. The longest reply takes 42 ms at 9600 baud, and a USB adapter holds
// it for 16 ms more. What was refused or not answered is asked again after 500 ms
// (hardware-facts). No document names a gap; programs that work leave 60 to 100 ms. None says how long a panel
// needs to come on either: on and off are as for Samsung's. Late is longer than any panel takes to come on, when it may
// read what it was asked meanwhile.
func sicpTiming() Timing {
	return Timing{
		Reply: 2 * time.Second, Gap: 100 * time.Millisecond, Write: time.Second, Again: 500 * time.Millisecond,
		Late: 30 * time.Second, SettleOn: 20 * time.Second, SettleOff: 2 * time.Second,
	}
}

// A SICP is a Philips panel that speaks SICP over RS-232. Set IDs are 1 to 255, and SICPBroadcast. It implements
// [hal.Panel], [hal.Settler], [hal.Dimmer], [hal.Thermometer], [hal.InputSwitcher], [hal.SignalDetector],
// [hal.Speaker], [hal.HourMeter] and [hal.Identifier]; not every model has all of it, and a panel says so with NAV,
// which is [hal.ErrRefused], and which also means "not now".
//
// An acknowledgement does not name its command. So after a command that was not answered, none is believed until the
// panel has answered a question that is asked for no other reason, A2 or A4: it answers in order. One that knows
// neither is believed again once Late has passed. What reports a value names it, and is doubted by itself.
//
// Each method takes at most Attempts times twice Reply, and a few gaps; what keeps other values as they are takes
// twice that. As every [hal.Panel] it is for one goroutine at a time.
type SICP struct {
	id       byte
	edition  SICPEdition
	dialogue dialogue
}

// NewSICP returns the driver of one panel. It does no input or output: the port is opened by the first command.
func NewSICP(c Config) *SICP {
	s := &SICP{id: byte(c.SetID), edition: c.Edition, dialogue: c.dialogue(sicpTiming())}
	s.dialogue.markers = markers(s.marker(sicpVersion, 0), s.marker(sicpColdStart))
	s.dialogue.nameless = true
	return s
}

func (s *SICP) marker(command byte, item ...byte) request {
	f := SICPFrame{Edition: s.edition, ID: s.id, Command: command, Data: item}
	return s.request("", f, matchSICPMarker(f))
}

// SetPower implements [hal.Panel]. With the broadcast ID it returns once the command is sent.
func (s *SICP) SetPower(ctx context.Context, on bool) error {
	value := byte(sicpOff)
	if on {
		value = sicpOn
	}
	if err := s.set(ctx, sicpPowerSet, value); err != nil {
		return fmt.Errorf("cannot set panel power: %w", err)
	}
	return nil
}

// Power implements [hal.Panel]. SICP tells on and off only, never warming or cooling.
func (s *SICP) Power(ctx context.Context) (hal.Power, error) {
	v, err := s.number(ctx, sicpPower)
	if err != nil {
		return hal.PowerUnknown, fmt.Errorf("cannot read panel power: %w", err)
	}
	switch v {
	case sicpOff:
		return hal.PowerOff, nil
	case sicpOn:
		return hal.PowerOn, nil
	}
	return hal.PowerUnknown, fmt.Errorf("cannot read panel power: value %d is neither on nor off: %w", v, hal.ErrSilent)
}

// Settle implements [hal.Settler].
func (s *SICP) Settle(on bool) time.Duration {
	if on {
		return s.dialogue.timing.SettleOn
	}
	return s.dialogue.timing.SettleOff
}

// Close implements [hal.Panel]. The SICP cannot be used afterwards.
func (s *SICP) Close() error { return s.dialogue.link.Close() }

// get is the request for what a command reports.
func (s *SICP) get(command byte, item ...byte) request {
	f := SICPFrame{Edition: s.edition, ID: s.id, Command: command, Data: item}
	return s.request(string(f.Command), f, MatchSICPReport(f))
}

// sicpAcks is the topic of every command: an acknowledgement does not name its own.
const sicpAcks = "acknowledgement"

func (s *SICP) request(topic string, f SICPFrame, match Match) request {
	b, _ := f.Encode() // fails on more values than any command has
	return request{topic: topic, bytes: b, match: match, judge: func(reply []byte) ([]byte, error) {
		if reply[0] == sicpControl && reply[1] != sicpACK {
			return nil, fmt.Errorf("panel %d answers command %02X with %s: %w", f.ID, f.Command, sicpControlName(reply[1]), hal.ErrRefused)
		}
		return reply[1:], nil
	}}
}

func sicpControlName(code byte) string {
	switch code {
	case sicpACK:
		return "ACK"
	case sicpNACK:
		return "NACK"
	case sicpNAV:
		return "NAV"
	}
	return fmt.Sprintf("code %02X", code)
}

// set sends a command with its values until the panel acknowledges it.
//
// It sends even when the panel has been silent, since it may hear us. But then an acknowledgement may be that of an
// earlier command, and is not believed.
func (s *SICP) set(ctx context.Context, command byte, values ...byte) error {
	f := SICPFrame{Edition: s.edition, ID: s.id, Command: command, Data: values}
	r := s.request(sicpAcks, f, MatchSICPAck(f))
	d := &s.dialogue
	if s.id == SICPBroadcast {
		return d.link.Tell(ctx, r.bytes)
	}
	var err error
	for try := range d.attempts {
		d.pause(try)
		behind := d.catchUp(ctx, sicpAcks)
		if behind != nil && !worthRepeating(behind) {
			return behind
		}
		if err = nil; d.doubts(sicpAcks) { // an acknowledgement held back is let go by the first, as in dialogue.read
			_, err = d.exchange(ctx, r)
		}
		if err == nil {
			_, err = d.ask(ctx, r)
		}
		if behind != nil && (err == nil || errors.Is(err, hal.ErrRefused)) {
			err = fmt.Errorf("nobody can tell which command was answered: %w", behind)
		}
		if !worthRepeating(err) {
			return err
		}
	}
	return err
}

// read asks the panel for what a command reports until it answers.
func (s *SICP) read(ctx context.Context, command byte, item ...byte) ([]byte, error) {
	if s.id == SICPBroadcast {
		return nil, fmt.Errorf("set ID 0 is never answered: %w", hal.ErrUnsupported)
	}
	return s.dialogue.read(ctx, s.get(command, item...))
}

// number reads a command that reports one value. A panel that says something else has not given an answer that could
// be used.
func (s *SICP) number(ctx context.Context, command byte) (int, error) {
	v, err := s.read(ctx, command)
	if err != nil {
		return 0, err
	}
	if len(v) != 1 {
		return 0, fmt.Errorf("report of command %02X has %d values, not 1: %w", command, len(v), hal.ErrSilent)
	}
	return int(v[0]), nil
}
