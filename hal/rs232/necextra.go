package rs232

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"bangtin/hal"

	"periph.io/x/conn/v3/physic"
)

// SetBrightness implements [hal.Dimmer] with the backlight, which is what makes heat.
func (n *NEC) SetBrightness(ctx context.Context, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("cannot set panel brightness to %d: it goes from 0 to 100", percent)
	}
	if err := n.tell(ctx, n.set(necBacklight, percent)); err != nil {
		return fmt.Errorf("cannot set panel brightness: %w", err)
	}
	return nil
}

// Brightness implements [hal.Dimmer].
func (n *NEC) Brightness(ctx context.Context) (int, error) {
	v, err := n.percent(ctx, necBacklight)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel brightness: %w", err)
	}
	return v, nil
}

// percent reads a value that goes from 0 to 100.
func (n *NEC) percent(ctx context.Context, op string) (int, error) {
	v, err := n.number(ctx, op)
	if err == nil && v > 100 {
		return 0, fmt.Errorf("panel claims %d %%: %w", v, hal.ErrSilent)
	}
	return v, err
}

type necSocket struct {
	name string
	code int
}

// necSockets: the PD SDK's table of operation code 0060; P702's manual agrees as far as it goes.
func necSockets() []necSocket {
	return []necSocket{
		{"hdmi1", 17}, {"hdmi2", 18}, {"hdmi3", 130}, {"hdmi4", 131}, {"dp", 15}, {"dp2", 16}, {"dvi", 3}, {"vga", 1}, {"ops", 13},
	}
}

func necSocketName(code int) string {
	for _, s := range necSockets() {
		if s.code == code {
			return s.name
		}
	}
	return fmt.Sprintf("0x%02X", code)
}

func necSocketCode(name string) (code int, ok bool) {
	for _, s := range necSockets() {
		if s.name == name {
			return s.code, true
		}
	}
	return 0, false
}

// SetInput implements [hal.InputSwitcher] for hdmi1 to hdmi4, dp, dp2, dvi, vga and ops. It wraps [hal.ErrUnsupported]
// for every other name.
func (n *NEC) SetInput(ctx context.Context, name string) error {
	code, ok := necSocketCode(name)
	if !ok {
		return fmt.Errorf("cannot set panel input to %q: %w", name, hal.ErrUnsupported)
	}
	if err := n.tell(ctx, n.set(necInput, code)); err != nil {
		return fmt.Errorf("cannot set panel input: %w", err)
	}
	return nil
}

// Input implements [hal.InputSwitcher]. An input without a name here is returned as its code, such as "0x0C".
func (n *NEC) Input(ctx context.Context) (string, error) {
	v, err := n.number(ctx, necInput)
	if err != nil {
		return "", fmt.Errorf("cannot read panel input: %w", err)
	}
	return necSocketName(v), nil
}

// A necStep is what one step of the temperature is worth.
type necStep physic.Temperature

// necStepOf: NEC and Sharp-NEC count in halves of a degree, Mitsubishi's MDT panels, which speak the same protocol, in
// whole ones: hardware-facts.md. A model of any other name is taken for NEC's.
func necStepOf(model string) necStep {
	if strings.HasPrefix(strings.ToUpper(model), "MDT") {
		return necStep(physic.Celsius)
	}
	return necStep(physic.Celsius / 2)
}

// Temperature implements [hal.Thermometer] with the first sensor. It first asks for the model, once, because the unit
// depends on it: where the panel does not tell, there is no temperature either. One that is wrong by half is worse
// than none.
func (n *NEC) Temperature(ctx context.Context) (physic.Temperature, error) {
	t, err := n.temperature(ctx)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel temperature: %w", err)
	}
	return t, nil
}

func (n *NEC) temperature(ctx context.Context) (physic.Temperature, error) {
	if n.step == 0 {
		model, err := n.Model(ctx)
		if err != nil {
			return 0, err
		}
		if model == "" {
			return 0, fmt.Errorf("panel has no model name: %w", hal.ErrRefused)
		}
		n.step = necStepOf(model)
	}
	if _, err := n.read(ctx, n.set(necSensor, 1)); err != nil && !necLacks(err) { // a panel with one may refuse
		return 0, err
	}
	v, err := n.number(ctx, necTemperature)
	if err != nil {
		return 0, err
	}
	t := physic.Temperature(int16(v)) * physic.Temperature(n.step)
	if t < -hottest*physic.Celsius || t > hottest*physic.Celsius {
		return 0, fmt.Errorf("panel claims %d steps: %w", int16(v), hal.ErrSilent)
	}
	return physic.ZeroCelsius + t, nil
}

// SetVolume implements [hal.Speaker].
func (n *NEC) SetVolume(ctx context.Context, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("cannot set panel volume to %d: it goes from 0 to 100", percent)
	}
	if err := n.tell(ctx, n.set(necVolume, percent)); err != nil {
		return fmt.Errorf("cannot set panel volume: %w", err)
	}
	return nil
}

// Volume implements [hal.Speaker].
func (n *NEC) Volume(ctx context.Context) (percent int, err error) {
	v, err := n.percent(ctx, necVolume)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel volume: %w", err)
	}
	return v, nil
}

// Values of mute: P702, PD SDK. 0 unmutes too.
const (
	necMuted   = 1
	necUnmuted = 2
)

// SetMute implements [hal.Speaker].
func (n *NEC) SetMute(ctx context.Context, muted bool) error {
	value := necUnmuted
	if muted {
		value = necMuted
	}
	if err := n.tell(ctx, n.set(necMute, value)); err != nil {
		return fmt.Errorf("cannot mute panel: %w", err)
	}
	return nil
}

// Muted implements [hal.Speaker].
func (n *NEC) Muted(ctx context.Context) (bool, error) {
	v, err := n.number(ctx, necMute)
	if err != nil {
		return false, fmt.Errorf("cannot read panel mute: %w", err)
	}
	switch v {
	case necMuted:
		return true, nil
	case 0, necUnmuted:
		return false, nil
	}
	return false, fmt.Errorf("cannot read panel mute: value %d is neither on nor off: %w", v, hal.ErrSilent)
}

const (
	necNormal   = 0x00
	necNoSignal = 0xB0
	// mostFaults is how many faults hal.Diagnoser allows.
	mostFaults = 16
)

// Signal implements [hal.SignalDetector] with the self-diagnosis, which reports a signal that is missing.
func (n *NEC) Signal(ctx context.Context) (present bool, err error) {
	codes, err := n.diagnosis(ctx)
	if err != nil {
		return false, fmt.Errorf("cannot read panel signal: %w", err)
	}
	return !slices.Contains(codes, necNoSignal), nil
}

// Diagnose implements [hal.Diagnoser] with the self-diagnosis. Two codes of the same word are one fault.
func (n *NEC) Diagnose(ctx context.Context) (faults []string, err error) {
	codes, err := n.diagnosis(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read panel diagnosis: %w", err)
	}
	return necFaults(codes), nil
}

func necFaults(codes []byte) (faults []string) {
	for _, c := range codes {
		if c == necNormal {
			continue
		}
		if f := necFault(c); !slices.Contains(faults, f) && len(faults) < mostFaults {
			faults = append(faults, f)
		}
	}
	return faults
}

// necFound is what the codes of the self-diagnosis stand behind.
const necFound = "A1"

// diagnosis reads the codes of the self-diagnosis.
func (n *NEC) diagnosis(ctx context.Context) ([]byte, error) {
	m, err := n.read(ctx, n.request('A', necDiagnosis, necNoResult, func(m string) bool {
		return strings.HasPrefix(m, necFound) && len(m) > len(necFound)
	}))
	if err != nil {
		return nil, err
	}
	codes, err := hex.DecodeString(m[len(necFound):])
	if err != nil {
		return nil, fmt.Errorf("reply %q is no list of codes: %w: %w", m, hal.ErrSilent, err)
	}
	return codes, nil
}

// necFault: the tables of LCD4020, P403, V422, X981UHD and the PD SDK, as far as they agree.
func necFault(code byte) string {
	switch {
	case code >= 0x70 && code <= 0x78:
		return "supply"
	case code >= 0x80 && code <= 0x83:
		return "fan"
	case code == 0x90 || code == 0x91:
		return "backlight"
	case code >= 0xA0 && code <= 0xA2:
		return "temperature"
	case code == necNoSignal:
		return "no signal"
	case code == 0xC0:
		return "option board"
	case code == 0xD1:
		return "clock"
	case code == 0xE0:
		return "memory"
	}
	return fmt.Sprintf("code %02X", code)
}

// Hours implements [hal.HourMeter] with the operating time (00FF), or with the total one (00FA) where that is refused.
// Both count half hours in 16 bits, so that they end after 32767 hours.
func (n *NEC) Hours(ctx context.Context) (int, error) {
	v, err := n.number(ctx, necHours)
	if necLacks(err) {
		v, err = n.number(ctx, necTotalHours)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read panel hours: %w", err)
	}
	return v / 2, nil
}

// Serial implements [hal.Identifier] with C216: LCD3215, LCD4020, PD SDK.
func (n *NEC) Serial(ctx context.Context) (string, error) {
	s, err := n.text(ctx, necSerial, "C316")
	if err != nil {
		return "", fmt.Errorf("cannot read panel serial number: %w", err)
	}
	return s, nil
}

// Model implements [hal.Identifier] with C217: LCD3215, P403, PD SDK.
func (n *NEC) Model(ctx context.Context) (string, error) {
	s, err := n.text(ctx, necModel, "C317")
	if err != nil {
		return "", fmt.Errorf("cannot read panel model: %w", err)
	}
	return s, nil
}

// text reads a command whose reply is text behind a head.
func (n *NEC) text(ctx context.Context, command, head string) (string, error) {
	m, err := n.read(ctx, n.request('A', command, necNoResult, func(m string) bool { return strings.HasPrefix(m, head) }))
	if err != nil {
		return "", err
	}
	return necText(m[len(head):]), nil
}

// necText reads text of which each character is two hexadecimal digits, up to a zero: so the PD SDK. The manuals can be
// read to mean the text itself, which is believed of what is no such digits.
func necText(digits string) string {
	text, err := hex.DecodeString(digits)
	if err != nil {
		return printable([]byte(digits))
	}
	if i := slices.Index(text, 0); i >= 0 {
		text = text[:i]
	}
	return printable(text)
}
