package rs232

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"bangtin/hal"

	"periph.io/x/conn/v3/physic"
)

// SetBrightness implements [hal.Dimmer] with the first of the video parameters (32), the menu's Brightness; black
// level is another of them. The backlight (72) knows on and off only. The panel stays at it until told otherwise.
//
// Programs agree on brightness and differ in how many parameters follow it, four or six, so the others are read first
// and sent back as they are.
func (s *SICP) SetBrightness(ctx context.Context, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("cannot set panel brightness to %d: it goes from 0 to 100", percent)
	}
	if err := s.setFirst(ctx, sicpPicture, sicpPictureSet, byte(percent)); err != nil {
		return fmt.Errorf("cannot set panel brightness: %w", err)
	}
	return nil
}

// Brightness implements [hal.Dimmer].
func (s *SICP) Brightness(ctx context.Context) (int, error) {
	v, err := s.first(ctx, sicpPicture)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel brightness: %w", err)
	}
	return v, nil
}

// SetVolume implements [hal.Speaker]. Where a panel has a second volume, of its audio output, that stays as it is.
func (s *SICP) SetVolume(ctx context.Context, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("cannot set panel volume to %d: it goes from 0 to 100", percent)
	}
	if err := s.setFirst(ctx, sicpVolume, sicpVolumeSet, byte(percent)); err != nil {
		return fmt.Errorf("cannot set panel volume: %w", err)
	}
	return nil
}

// Volume implements [hal.Speaker].
func (s *SICP) Volume(ctx context.Context) (int, error) {
	v, err := s.first(ctx, sicpVolume)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel volume: %w", err)
	}
	return v, nil
}

// first reads a command whose first value is a percentage.
func (s *SICP) first(ctx context.Context, command byte) (int, error) {
	v, err := s.read(ctx, command)
	if err != nil {
		return 0, err
	}
	if v[0] > 100 {
		return 0, fmt.Errorf("panel claims %d %%: %w", v[0], hal.ErrSilent)
	}
	return int(v[0]), nil
}

// setFirst changes the first of the values that belong together and keeps the others.
func (s *SICP) setFirst(ctx context.Context, get, set, value byte) error {
	v, err := s.read(ctx, get)
	if err != nil {
		return err
	}
	v = slices.Clone(v)
	v[0] = value
	return s.set(ctx, set, v...)
}

// SetMute implements [hal.Speaker].
func (s *SICP) SetMute(ctx context.Context, muted bool) error {
	value := byte(0)
	if muted {
		value = 1
	}
	if err := s.set(ctx, sicpMuteSet, value); err != nil {
		return fmt.Errorf("cannot mute panel: %w", err)
	}
	return nil
}

// Muted implements [hal.Speaker].
func (s *SICP) Muted(ctx context.Context) (bool, error) {
	muted, err := s.yes(ctx, sicpMute)
	if err != nil {
		return false, fmt.Errorf("cannot read whether panel is muted: %w", err)
	}
	return muted, nil
}

// Signal implements [hal.SignalDetector].
func (s *SICP) Signal(ctx context.Context) (bool, error) {
	present, err := s.yes(ctx, sicpSignal)
	if err != nil {
		return false, fmt.Errorf("cannot read panel signal: %w", err)
	}
	return present, nil
}

// yes reads a command that reports 0 or 1.
func (s *SICP) yes(ctx context.Context, command byte) (bool, error) {
	v, err := s.number(ctx, command)
	if err == nil && v > 1 {
		err = fmt.Errorf("value %d is neither yes nor no: %w", v, hal.ErrSilent)
	}
	return v == 1, err
}

// Temperature implements [hal.Thermometer] with whole degrees Celsius. Of a panel with two sensors it is the hotter;
// when one of them tells nonsense, the other is not believed either. The documents give no bound: it is Samsung's.
func (s *SICP) Temperature(ctx context.Context) (physic.Temperature, error) {
	v, err := s.read(ctx, sicpHeat)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel temperature: %w", err)
	}
	hot := slices.Max(v)
	if len(v) > 2 || hot > hottest {
		return 0, fmt.Errorf("cannot read panel temperature: panel claims % d °C: %w", v, hal.ErrSilent)
	}
	return physic.ZeroCelsius + physic.Temperature(hot)*physic.Celsius, nil
}

// Hours implements [hal.HourMeter].
func (s *SICP) Hours(ctx context.Context) (int, error) {
	const operating = 2 // the item of command 0F
	v, err := s.read(ctx, sicpHours, operating)
	if err != nil {
		return 0, fmt.Errorf("cannot read panel hours: %w", err)
	}
	if len(v) != 2 {
		return 0, fmt.Errorf("cannot read panel hours: report has %d values, not 2: %w", len(v), hal.ErrSilent)
	}
	return int(binary.BigEndian.Uint16(v)), nil
}

type sicpSocket struct {
	name string
	code byte
}

// sicpSockets: 0D, 06 and 0B are in vectors; the others are listed alike by programs after V1.99 and V2.03.
func sicpSockets() []sicpSocket {
	return []sicpSocket{
		{"hdmi1", 0x0D}, {"hdmi2", 0x06}, {"hdmi3", 0x0F}, {"hdmi4", 0x19}, {"dp", 0x0A}, {"dp2", 0x07},
		{"dvi", 0x0E}, {"vga", 0x05}, {"ops", 0x0B},
	}
}

// sicpInputValues is the source, no playlist, its name shown on the screen, and no mute, as V2.10 writes it.
func sicpInputValues(code byte) []byte { return []byte{code, 0, 1, 0} }

// SetInput implements [hal.InputSwitcher] for hdmi1 to hdmi4, dp, dp2, dvi, vga and ops. It wraps
// [hal.ErrUnsupported] for every other name.
func (s *SICP) SetInput(ctx context.Context, name string) error {
	for _, socket := range sicpSockets() {
		if socket.name != name {
			continue
		}
		if err := s.set(ctx, sicpInputSet, sicpInputValues(socket.code)...); err != nil {
			return fmt.Errorf("cannot set panel input: %w", err)
		}
		return nil
	}
	return fmt.Errorf("cannot set panel input to %q: %w", name, hal.ErrUnsupported)
}

// Input implements [hal.InputSwitcher]. An input without a name here is returned as its code, such as "0x10".
func (s *SICP) Input(ctx context.Context) (string, error) {
	v, err := s.read(ctx, sicpInput)
	if err != nil {
		return "", fmt.Errorf("cannot read panel input: %w", err)
	}
	return sicpInputName(v[0]), nil
}

func sicpInputName(code byte) string {
	for _, socket := range sicpSockets() {
		if socket.code == code {
			return socket.name
		}
	}
	return fmt.Sprintf("0x%02X", code)
}

// Serial implements [hal.Identifier].
func (s *SICP) Serial(ctx context.Context) (string, error) {
	v, err := s.read(ctx, sicpSerial)
	if err != nil {
		return "", fmt.Errorf("cannot read panel serial number: %w", err)
	}
	return printable(v), nil
}

// Model implements [hal.Identifier].
func (s *SICP) Model(ctx context.Context) (string, error) {
	const number = 0 // the item of command A1
	v, err := s.read(ctx, sicpModel, number)
	if err != nil {
		return "", fmt.Errorf("cannot read panel model: %w", err)
	}
	return printable(v), nil
}
