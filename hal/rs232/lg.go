package rs232

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bangtin/hal"
)

// Commands of LG commercial displays; see reference/hardware-facts.md, "Panels over RS-232", and the owner's manuals
// of 42LS75A, M4210, M4225C, 55LS55A and 32SE3D.
const (
	lgPower       = "ka"
	lgScreenMute  = "kd"
	lgMute        = "ke"
	lgVolume      = "kf"
	lgBrightness  = "kh"
	lgKeyLock     = "km"
	lgColour      = "ki"
	lgSharpness   = "kk"
	lgAbnormal    = "kz"
	lgInput       = "xb"
	lgOldInput    = "kb"
	lgBacklight   = "mg"
	lgHours       = "dl"
	lgTemperature = "dn"
	lgLamp        = "dp"
	lgStatus      = "sv"
	lgSerial      = "fy"

	// lgRead stands where a request has its value.
	lgRead = "FF"

	// LGBroadcast is the set ID that addresses every panel on the line. Documents disagree about who answers it.
	LGBroadcast = 0
	// lgLastID is the highest set ID in the menus of most models; some have 255 or 1000.
	lgLastID = 99
)

// lgRestInput is how long the line rests after the input was changed: hardware-facts.md. After screen mute, which
// this driver only reads, it would be 5 s.
const lgRestInput = 2 * time.Second

// lgTiming: 150 ms between sends are from hardware-facts.md. An acknowledgement takes 15 ms on the line and "may be
// delayed" (42LS75A); no source names a limit: 2 s, and Copy, as for Samsung's, for sets that answer power alone. Neither does one for the rest after NG 3, "wait", nor for how long a
// panel takes to settle: both are as for Samsung's, which are advised there.
func lgTiming() Timing {
	return Timing{
		Reply: 2 * time.Second, Gap: 150 * time.Millisecond, Write: time.Second, Again: time.Second, Copy: time.Second,
		Late: 30 * time.Second, SettleOn: 20 * time.Second, SettleOff: 2 * time.Second,
	}
}

// An LG is an LG commercial display over RS-232. Set IDs are 1 to 99, and LGBroadcast. It implements [hal.Panel],
// [hal.Settler], [hal.Dimmer], [hal.InputSwitcher], [hal.Thermometer], [hal.SignalDetector], [hal.Speaker],
// [hal.Diagnoser], [hal.HourMeter] and [hal.Identifier]. A model that lacks something says NG: with the code 2 that
// is [hal.ErrUnsupported], with any other [hal.ErrRefused]. Some models say nothing at all in standby, which is
// [hal.ErrSilent] as of any panel.
//
// Each method takes at most Attempts times Reply, twice that for what reads, and a few gaps; brightness and input,
// which have a second command to try, twice as long, and power three times, of which a silent panel takes one. As every [hal.Panel] it is for one goroutine at a time.
type LG struct {
	id        byte
	restInput time.Duration
	dialogue  dialogue
}

// NewLG returns the driver of one panel. It does no input or output: the port is opened by the first command.
func NewLG(c Config) *LG {
	l := &LG{id: byte(c.SetID), restInput: lgRestInput, dialogue: c.dialogue(lgTiming())}
	l.dialogue.markers = markers(l.ask(lgScreenMute), l.ask(lgKeyLock), l.ask(lgColour), l.ask(lgSharpness))
	return l
}

// SetPower implements [hal.Panel]. With the broadcast ID it returns once the command is sent.
func (l *LG) SetPower(ctx context.Context, on bool) error {
	value := byte(0)
	if on {
		value = 1
	}
	if err := l.set(ctx, lgPower, value); err != nil {
		return fmt.Errorf("cannot set panel power: %w", err)
	}
	return nil
}

// Power implements [hal.Panel]. A value other than 00 and 01 is unknown: 09, for one, is power management, which may
// show a picture or not. On and off are one bit apart, and LG has no checksum: the panel must say it twice.
func (l *LG) Power(ctx context.Context) (hal.Power, error) {
	if l.id == LGBroadcast {
		return hal.PowerUnknown, fmt.Errorf("cannot read panel power: %w", errLGBroadcast())
	}
	data, err := l.dialogue.readTwice(ctx, l.ask(lgPower))
	if err != nil {
		return hal.PowerUnknown, fmt.Errorf("cannot read panel power: %w", err)
	}
	switch string(data) {
	case "00":
		return hal.PowerOff, nil
	case "01":
		return hal.PowerOn, nil
	}
	return hal.PowerUnknown, fmt.Errorf("cannot read panel power: value %q is neither on nor off: %w", data, hal.ErrSilent)
}

// Settle implements [hal.Settler].
func (l *LG) Settle(on bool) time.Duration {
	if on {
		return l.dialogue.timing.SettleOn
	}
	return l.dialogue.timing.SettleOff
}

// Close implements [hal.Panel]. The LG cannot be used afterwards.
func (l *LG) Close() error { return l.dialogue.link.Close() }

// request is one command with its data, and which data the panel's OK must have.
func (l *LG) request(command, data string, fits func(data string) bool) request {
	b, _ := LGFrame{Command: command, ID: l.id, Data: data}.Encode() // fails on no command of this file
	letter := command[1:]                                            // all that an acknowledgement names
	return request{topic: letter, bytes: b, match: MatchLG(l.id, command, fits), judge: func(reply []byte) ([]byte, error) {
		data, no := strings.CutPrefix(string(reply), lgNG)
		if !no {
			return reply[len(lgOK):], nil
		}
		err := hal.ErrRefused
		if code, bad := lgNumber(data, 2); bad == nil && code == 2 {
			err = hal.ErrUnsupported
		}
		return nil, fmt.Errorf("panel %d answers command %s with NG %s: %w", l.id, command, data, err)
	}}
}

// ask is the request for a command's value.
func (l *LG) ask(command string) request { return l.request(command, lgRead, nil) }

// set sends a command with a value until the panel acknowledges that very value.
func (l *LG) set(ctx context.Context, command string, value byte) error {
	data := fmt.Sprintf("%02x", value)
	r := l.request(command, data, func(echo string) bool { return strings.EqualFold(echo, data) })
	if l.id == LGBroadcast {
		return l.dialogue.link.Tell(ctx, r.bytes)
	}
	return l.dialogue.set(ctx, r)
}

// read asks the panel until it answers, and returns the data of its OK.
func (l *LG) read(ctx context.Context, r request) (string, error) {
	if l.id == LGBroadcast {
		return "", errLGBroadcast()
	}
	data, err := l.dialogue.read(ctx, r)
	return string(data), err
}

func errLGBroadcast() error {
	return fmt.Errorf("set ID 00 is not to be waited for: %w", hal.ErrUnsupported)
}

// number reads a command's value of up to digits hexadecimal digits. What is no such value was damaged on
// its way, which nothing else shows: LG has no checksum.
func (l *LG) number(ctx context.Context, command string, digits int) (int, error) {
	data, err := l.read(ctx, l.request(command, lgRead, func(data string) bool {
		_, err := lgNumber(data, digits)
		return err == nil && (digits != 2 || len(data) == 2) // one digit of two is what a lost byte leaves
	}))
	if err != nil {
		return 0, err
	}
	return lgNumber(data, digits)
}

// lgLacks tells whether a panel said that it does not do a command, so that another may be tried.
func lgLacks(err error) bool {
	return errors.Is(err, hal.ErrRefused) || errors.Is(err, hal.ErrUnsupported)
}
