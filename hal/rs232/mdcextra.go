package rs232

import (
	"context"
	"fmt"

	"bangtin/hal"

	"periph.io/x/conn/v3/physic"
)

// hottest is the highest limit in °C that command 85, maximum temperature, can be set to. A panel that claims
// to be hotter does not measure.
const hottest = 124

// SetBrightness implements [hal.Dimmer]. It sets the lamp (58), not the picture's brightness (25): only
// the lamp makes less heat. The panel stays at it until told otherwise.
func (m *MDC) SetBrightness(ctx context.Context, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("cannot set panel brightness to %d: it goes from 0 to 100", percent)
	}
	if err := m.set(ctx, mdcLamp, byte(percent)); err != nil {
		return fmt.Errorf("cannot set panel brightness: %w", err)
	}
	return nil
}

// Brightness implements [hal.Dimmer].
func (m *MDC) Brightness(ctx context.Context) (int, error) {
	v, err := m.number(ctx, mdcLamp, 1, 0)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel brightness: %w", err)
	}
	if v > 100 {
		return 0, fmt.Errorf("cannot read panel brightness: panel claims %d %%: %w", v, hal.ErrSilent)
	}
	return v, nil
}

// Temperature implements [hal.Thermometer] with whole degrees Celsius from the error status (0D), whose values
// are lamp, temperature error, bright sensor, no sync, temperature and fan.
func (m *MDC) Temperature(ctx context.Context) (physic.Temperature, error) {
	v, err := m.number(ctx, mdcErrorStatus, mdcStatusLength, mdcHeatAt)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel temperature: %w", err)
	}
	if v > hottest {
		return 0, fmt.Errorf("cannot read panel temperature: panel claims %d °C: %w", v, hal.ErrSilent)
	}
	return physic.ZeroCelsius + physic.Temperature(v)*physic.Celsius, nil
}

type mdcSocket struct {
	name string
	code byte // the first of a name is the one that is set
}

// mdcSockets: a panel whose socket is labelled as a computer's tells a code of its own for it, which cannot be set; so it
// does for a DVI socket with a video picture (HDMI1_PC to HDMI4_PC and DVI_video in Samsung's list of sources, as many
// programs have it).
func mdcSockets() []mdcSocket {
	return []mdcSocket{
		{"hdmi1", 0x21}, {"hdmi2", 0x23}, {"hdmi3", 0x31}, {"hdmi4", 0x33}, {"dp", 0x25}, {"dvi", 0x18},
		{"hdmi1", 0x22}, {"hdmi2", 0x24}, {"hdmi3", 0x32}, {"hdmi4", 0x34}, {"dvi", 0x1F},
	}
}

// SetInput implements [hal.InputSwitcher] for hdmi1 to hdmi4, dp and dvi. It wraps [hal.ErrUnsupported] for
// every other name.
func (m *MDC) SetInput(ctx context.Context, name string) error {
	for _, s := range mdcSockets() {
		if s.name != name {
			continue
		}
		if err := m.set(ctx, mdcInput, s.code); err != nil {
			return fmt.Errorf("cannot set panel input: %w", err)
		}
		return nil
	}
	return fmt.Errorf("cannot set panel input to %q: %w", name, hal.ErrUnsupported)
}

// Input implements [hal.InputSwitcher]. An input without a name here is returned as its code, such as "0x40".
func (m *MDC) Input(ctx context.Context) (string, error) {
	v, err := m.number(ctx, mdcInput, 1, 0)
	if err != nil {
		return "", fmt.Errorf("cannot read panel input: %w", err)
	}
	return mdcInputName(byte(v)), nil
}

func mdcInputName(code byte) string {
	for _, s := range mdcSockets() {
		if s.code == code {
			return s.name
		}
	}
	return fmt.Sprintf("0x%02X", code)
}

// Serial implements [hal.Identifier].
func (m *MDC) Serial(ctx context.Context) (string, error) {
	s, err := m.text(ctx, mdcSerial)
	if err != nil {
		return "", fmt.Errorf("cannot read panel serial number: %w", err)
	}
	return s, nil
}

// Model implements [hal.Identifier].
func (m *MDC) Model(ctx context.Context) (string, error) {
	s, err := m.text(ctx, mdcModel)
	if err != nil {
		return "", fmt.Errorf("cannot read panel model: %w", err)
	}
	return s, nil
}

// text reads a command whose value is text, at most 253 bytes.
func (m *MDC) text(ctx context.Context, command byte) (string, error) {
	v, err := m.read(ctx, command)
	return printable(v), err
}
