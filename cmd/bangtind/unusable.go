package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"bangtin/hal"
)

// unusableEvery is within the 10 s that a sensor may be silent.
const unusableEvery = 5 * time.Second

// An unusable is a sensor that cannot be as the site file says. It is there so that it is missed: one that was left out
// would look like one that was never wired.
type unusable struct {
	readings []hal.Reading // Sensor and Kind
	reason   string
}

// Run implements [hal.Sensor].
func (u *unusable) Run(ctx context.Context, readings chan<- hal.Reading) error {
	tick := time.NewTicker(unusableEvery)
	defer tick.Stop()
	for {
		for _, r := range u.readings {
			r.At, r.Reason = time.Now(), u.reason
			select {
			case readings <- r:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unusable returns what was refused on one line; nil when nothing was.
func (w *wired) unusable() error {
	var all []string
	for _, err := range w.refused {
		all = append(all, err.Error())
	}
	if all == nil {
		return nil
	}
	return errors.New(strings.Join(all, "; "))
}
