package rs232

import (
	"context"
	"fmt"

	"bangtin/hal"

	"periph.io/x/conn/v3/physic"
)

// SetBrightness implements [hal.Dimmer]. It sets the backlight (mg): only that makes less heat. Where the panel
// refuses it, as models without it and any during energy saving do, it sets the picture's brightness (kh).
func (l *LG) SetBrightness(ctx context.Context, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("cannot set panel brightness to %d: it goes from 0 to 100", percent)
	}
	err := l.set(ctx, lgBacklight, byte(percent))
	if lgLacks(err) {
		err = l.set(ctx, lgBrightness, byte(percent))
	}
	if err != nil {
		return fmt.Errorf("cannot set panel brightness: %w", err)
	}
	return nil
}

// Brightness implements [hal.Dimmer]. It reads the backlight, or the picture's brightness where that is refused.
func (l *LG) Brightness(ctx context.Context) (int, error) {
	v, err := l.percent(ctx, lgBacklight)
	if lgLacks(err) {
		v, err = l.percent(ctx, lgBrightness)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read panel brightness: %w", err)
	}
	return v, nil
}

// percent reads a value that goes from 00 to 64.
func (l *LG) percent(ctx context.Context, command string) (int, error) {
	v, err := l.number(ctx, command, 2)
	if err == nil && v > 100 {
		return 0, fmt.Errorf("panel claims %d %%: %w", v, hal.ErrSilent)
	}
	return v, err
}

// Temperature implements [hal.Thermometer] with one byte of whole degrees. The manuals do not name the unit; it is
// taken for Celsius, and for no measurement above what Samsung's can be set to.
func (l *LG) Temperature(ctx context.Context) (physic.Temperature, error) {
	v, err := l.number(ctx, lgTemperature, 2)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel temperature: %w", err)
	}
	if v > hottest {
		return 0, fmt.Errorf("cannot read panel temperature: panel claims %d °C: %w", v, hal.ErrSilent)
	}
	return physic.ZeroCelsius + physic.Temperature(v)*physic.Celsius, nil
}

type lgSocket struct {
	name string
	code byte // of xb; the first of a name is the one that is set
}

// lgSockets: 42LS75A, with HDMI 3 from HECTO. Each has one code for video and one for a computer's picture.
func lgSockets() []lgSocket {
	return []lgSocket{
		{"hdmi1", 0x90}, {"hdmi1", 0xA0}, {"hdmi2", 0x91}, {"hdmi2", 0xA1}, {"hdmi3", 0x92}, {"hdmi3", 0xA2},
		{"dp", 0xC0}, {"dp", 0xD0}, {"dvi", 0x70}, {"dvi", 0x80}, {"vga", 0x60},
	}
}

// lgOldSockets are the codes of kb, which models before xb have: M4210. There 09 is HDMI from a computer, on others DVI.
func lgOldSockets() []lgSocket { return []lgSocket{{"hdmi1", 0x08}, {"vga", 0x07}} }

func lgSocketNamed(sockets []lgSocket, name string) (code byte, ok bool) {
	for _, s := range sockets {
		if s.name == name {
			return s.code, true
		}
	}
	return 0, false
}

func lgSocketName(sockets []lgSocket, code int) string {
	for _, s := range sockets {
		if int(s.code) == code {
			return s.name
		}
	}
	return fmt.Sprintf("0x%02X", code)
}

// SetInput implements [hal.InputSwitcher] for hdmi1 to hdmi3, dp, dvi and vga. It wraps [hal.ErrUnsupported] for
// every other name. The next request waits 2 s.
func (l *LG) SetInput(ctx context.Context, name string) error {
	code, ok := lgSocketNamed(lgSockets(), name)
	if !ok {
		return fmt.Errorf("cannot set panel input to %q: %w", name, hal.ErrUnsupported)
	}
	err := l.set(ctx, lgInput, code)
	if old, ok := lgSocketNamed(lgOldSockets(), name); ok && lgLacks(err) {
		err = l.set(ctx, lgOldInput, old)
	}
	if err != nil {
		return fmt.Errorf("cannot set panel input: %w", err)
	}
	l.dialogue.link.Rest(l.restInput)
	return nil
}

// Input implements [hal.InputSwitcher]. An input without a name here is returned as its code, such as "0x40".
func (l *LG) Input(ctx context.Context) (string, error) {
	sockets := lgSockets()
	v, err := l.number(ctx, lgInput, 2)
	if lgLacks(err) {
		sockets = lgOldSockets()
		v, err = l.number(ctx, lgOldInput, 2)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read panel input: %w", err)
	}
	return lgSocketName(sockets, v), nil
}

// lgSignalItem is the item of the status command that tells of the signal.
const lgSignalItem = "02"

// Signal implements [hal.SignalDetector] with an item of the status command: 55LS55A, 32SE3D.
func (l *LG) Signal(ctx context.Context) (present bool, err error) {
	data, err := l.read(ctx, l.request(lgStatus, lgSignalItem+" "+lgRead, func(data string) bool {
		return len(data) == 4 && data[:2] == lgSignalItem
	}))
	if err != nil {
		return false, fmt.Errorf("cannot read panel signal: %w", err)
	}
	switch data[2:] {
	case "00":
		return false, nil
	case "01":
		return true, nil
	}
	return false, fmt.Errorf("cannot read panel signal: value %q is neither yes nor no: %w", data, hal.ErrSilent)
}

// SetVolume implements [hal.Speaker].
func (l *LG) SetVolume(ctx context.Context, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("cannot set panel volume to %d: it goes from 0 to 100", percent)
	}
	if err := l.set(ctx, lgVolume, byte(percent)); err != nil {
		return fmt.Errorf("cannot set panel volume: %w", err)
	}
	return nil
}

// Volume implements [hal.Speaker].
func (l *LG) Volume(ctx context.Context) (percent int, err error) {
	v, err := l.percent(ctx, lgVolume)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel volume: %w", err)
	}
	return v, nil
}

// SetMute implements [hal.Speaker]. In this protocol 00 is muted.
func (l *LG) SetMute(ctx context.Context, muted bool) error {
	value := byte(1)
	if muted {
		value = 0
	}
	if err := l.set(ctx, lgMute, value); err != nil {
		return fmt.Errorf("cannot mute panel: %w", err)
	}
	return nil
}

// Muted implements [hal.Speaker].
func (l *LG) Muted(ctx context.Context) (bool, error) {
	v, err := l.number(ctx, lgMute, 2)
	if err != nil {
		return false, fmt.Errorf("cannot read panel mute: %w", err)
	}
	if v > 1 {
		return false, fmt.Errorf("cannot read panel mute: value %d is neither on nor off: %w", v, hal.ErrSilent)
	}
	return v == 0, nil
}

// Diagnose implements [hal.Diagnoser] with the lamp (dp) and the abnormal state (kz). A model that has only one of
// them is asked the other in vain, which is no error.
func (l *LG) Diagnose(ctx context.Context) (faults []string, err error) {
	lamp, err := l.number(ctx, lgLamp, 2)
	none := lgLacks(err)
	if err != nil && !none {
		return nil, fmt.Errorf("cannot read panel lamp: %w", err)
	}
	if err == nil && lamp == 0 { // 1 is right, 2 is not known in standby
		faults = append(faults, "lamp")
	}
	state, err := l.number(ctx, lgAbnormal, 2)
	if err != nil && (none || !lgLacks(err)) {
		return nil, fmt.Errorf("cannot read panel state: %w", err)
	}
	if err == nil {
		faults = append(faults, lgFaults(state)...)
	}
	return faults, nil
}

// lgFaults: M3701C, M4201C, M5201C. The other values tell who switched the panel off, as it should be.
func lgFaults(state int) []string {
	switch state {
	case 0, 2, 3, 4, 8, 9: // normal; off by remote control, sleep timer, serial line, off timer, auto off
		return nil
	case 1:
		return []string{"no signal"}
	case 6:
		return []string{"mains"}
	}
	return []string{fmt.Sprintf("code %02X", state)}
}

// lgLongest is more hours than a century has; how many digits a panel sends is not documented.
const lgLongest = 1_000_000

// Hours implements [hal.HourMeter].
func (l *LG) Hours(ctx context.Context) (int, error) {
	v, err := l.number(ctx, lgHours, 8)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel hours: %w", err)
	}
	if v > lgLongest {
		return 0, fmt.Errorf("cannot read panel hours: panel claims %d: %w", v, hal.ErrSilent)
	}
	return v, nil
}

// Serial implements [hal.Identifier] with fy, 13 characters: M3203C, M4210, M4720C.
func (l *LG) Serial(ctx context.Context) (string, error) {
	data, err := l.read(ctx, l.ask(lgSerial))
	if err != nil {
		return "", fmt.Errorf("cannot read panel serial number: %w", err)
	}
	return printable([]byte(data)), nil
}

// Model implements [hal.Identifier]. No document at hand has a command for it.
func (l *LG) Model(context.Context) (string, error) {
	return "", fmt.Errorf("cannot read panel model: %w", hal.ErrUnsupported)
}
