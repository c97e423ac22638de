package rs232

import (
	"context"
	"fmt"

	"bangtin/hal"
)

// The error status (0D) is six values. Of lamp, temperature error and fan 0 is good and 1 a fault, and 2 is a panel
// without a fan; of no sync 0 is a signal, 1 none, and 2 that the panel shows a program of its own. So says
// vgavro/samsung-mdc, which follows Samsung's document.
const (
	mdcStatusLength = 6
	mdcLampAt       = 0
	mdcTooHotAt     = 1
	mdcNoSyncAt     = 3
	mdcHeatAt       = 4
	mdcFanAt        = 5

	// mdcUnitsAnHour: 83 counts in units of ten minutes. By the same program it has two bytes, the higher first, and on
	// newer models three.
	mdcUnitsAnHour  = 6
	mdcHoursLongest = 3
)

// mdcFaults names what an error status finds wrong. A value that means nothing known is named too: it is not "good".
func mdcFaults(v []byte) []string {
	var faults []string
	for _, part := range []struct {
		name string
		at   int
		none byte // the value of a panel that has no such part
	}{{"lamp", mdcLampAt, 0}, {"temperature", mdcTooHotAt, 0}, {"fan", mdcFanAt, 2}} {
		switch value := v[part.at]; {
		case value == 1:
			faults = append(faults, part.name)
		case value != 0 && value != part.none:
			faults = append(faults, fmt.Sprintf("%s %02X", part.name, value))
		}
	}
	return faults
}

// mdcPresent tells what an error status says of the signal, where it says something.
func mdcPresent(v []byte) (present, ok bool) { return v[mdcNoSyncAt] == 0, v[mdcNoSyncAt] <= 1 }

// status reads the error status.
func (m *MDC) status(ctx context.Context) ([]byte, error) {
	v, err := m.read(ctx, mdcErrorStatus)
	if err == nil && len(v) != mdcStatusLength {
		err = fmt.Errorf("error status has %d values, not %d: %w", len(v), mdcStatusLength, hal.ErrSilent)
	}
	return v, err
}

// Diagnose implements [hal.Diagnoser] with lamp, temperature and fan of the error status.
func (m *MDC) Diagnose(ctx context.Context) ([]string, error) {
	v, err := m.status(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read panel faults: %w", err)
	}
	return mdcFaults(v), nil
}

// Signal implements [hal.SignalDetector] with "no sync" of the error status, which is also set by a picture that the
// panel cannot show. It wraps [hal.ErrUnsupported] while the panel shows a program of its own.
func (m *MDC) Signal(ctx context.Context) (bool, error) {
	v, err := m.status(ctx)
	if err != nil {
		return false, fmt.Errorf("cannot read panel signal: %w", err)
	}
	present, ok := mdcPresent(v)
	if !ok {
		return false, fmt.Errorf("cannot read panel signal: no sync is %d: %w", v[mdcNoSyncAt], hal.ErrUnsupported)
	}
	return present, nil
}

// SetVolume implements [hal.Speaker].
func (m *MDC) SetVolume(ctx context.Context, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("cannot set panel volume to %d: it goes from 0 to 100", percent)
	}
	if err := m.set(ctx, mdcVolume, byte(percent)); err != nil {
		return fmt.Errorf("cannot set panel volume: %w", err)
	}
	return nil
}

// Volume implements [hal.Speaker].
func (m *MDC) Volume(ctx context.Context) (int, error) {
	v, err := m.number(ctx, mdcVolume, 1, 0)
	if err == nil && v > 100 {
		err = fmt.Errorf("panel claims %d %%: %w", v, hal.ErrSilent)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read panel volume: %w", err)
	}
	return v, nil
}

// SetMute implements [hal.Speaker].
func (m *MDC) SetMute(ctx context.Context, muted bool) error {
	value := byte(0)
	if muted {
		value = 1
	}
	if err := m.set(ctx, mdcMute, value); err != nil {
		return fmt.Errorf("cannot mute panel: %w", err)
	}
	return nil
}

// Muted implements [hal.Speaker].
func (m *MDC) Muted(ctx context.Context) (bool, error) {
	v, err := m.number(ctx, mdcMute, 1, 0)
	if err == nil && v > 1 {
		err = fmt.Errorf("value %d is neither yes nor no: %w", v, hal.ErrSilent)
	}
	if err != nil {
		return false, fmt.Errorf("cannot read whether panel is muted: %w", err)
	}
	return v == 1, nil
}

// Hours implements [hal.HourMeter], rounded down.
func (m *MDC) Hours(ctx context.Context) (int, error) {
	v, err := m.read(ctx, mdcHours)
	if err == nil && (len(v) < 2 || len(v) > mdcHoursLongest) {
		err = fmt.Errorf("reply has %d values: %w", len(v), hal.ErrSilent)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read panel hours: %w", err)
	}
	units := 0
	for _, b := range v {
		units = units<<8 | int(b)
	}
	return units / mdcUnitsAnHour, nil
}
