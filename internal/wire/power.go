package wire

import (
	"errors"
	"fmt"
	"time"
)

const (
	maxReason = 500 // characters

	// MaxPowerSpan is how far after its making a power order may reach. Longer darkness needs a trust order.
	MaxPowerSpan = 31 * 24 * time.Hour

	maxVersion = 1 << 53 // numbers above are not exact in every JSON reader
)

// Times outside these years are mistakes. The display's own clock may be wrong, so it takes no part in the check.
var (
	earliest = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// ParsePowerOrder reads the signed payload of a power order and refuses one that is not exactly right. It does
// not know whether the order is meant for this display, is newer than the last, or has passed: that is its
// caller's to judge.
func ParsePowerOrder(payload []byte) (*PowerOrder, error) {
	o, err := parse[PowerOrder](payload, MaxPayload, "power order")
	if err != nil {
		return nil, err
	}
	if err := whole(payload, o); err != nil {
		return nil, fmt.Errorf("cannot take power order: %w", err)
	}
	if o.Until != nil {
		utc := o.Until.UTC()
		o.Until = &utc
	}
	return o, nil
}

func (o *PowerOrder) check() error {
	if err := CheckDevice(o.Device); err != nil {
		return err
	}
	if o.Version == 0 || o.Version > maxVersion {
		return fmt.Errorf("version %d is not between 1 and 2^53", o.Version)
	}
	if err := checkText("reason", o.Reason, maxReason); err != nil {
		return err
	}
	switch o.State {
	case WishSchedule:
		if o.Until != nil {
			return errors.New("schedule takes no end")
		}
		return nil
	case WishOn, WishOff, WishBlackout, WishSafe:
		return o.checkUntil()
	}
	return fmt.Errorf("state %.20q is none of schedule, on, off, blackout and safe", o.State)
}

func (o *PowerOrder) checkUntil() error {
	if o.Until == nil {
		return fmt.Errorf("state %q needs an end", o.State)
	}
	if o.Until.Before(earliest) || !o.Until.Before(latest) {
		return fmt.Errorf("end %s is not in this century's work", o.Until.Format(time.RFC3339))
	}
	// A version by custom is the signer's clock, which says how far ahead the order reaches without asking ours.
	made := time.UnixMilli(int64(o.Version))
	if !made.Before(earliest) && o.Until.Sub(made) > MaxPowerSpan {
		return fmt.Errorf("end %s is more than %d days after its making", o.Until.Format(time.RFC3339),
			MaxPowerSpan/(24*time.Hour))
	}
	return nil
}
