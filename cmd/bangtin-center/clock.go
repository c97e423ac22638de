package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// built is set by the linker: -X main.built=2027-01-02T03:04:05Z. No earlier time is signed.
var built = "2026-11-01T00:00:00Z"

// Values of `time` in center.toml.
const (
	timeKernel  = "kernel"
	timeTrusted = "trusted"
)

// kept is whether somebody keeps the clock right at this moment. To read the kernel's word needs no privilege, but the
// call must not be filtered away, as systemd's ProtectClock does.
func (c *Config) kept() bool {
	if c.Time == timeTrusted {
		return true
	}
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

func buildTime() (time.Time, error) {
	t, err := time.Parse(time.RFC3339, built)
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot read the program's build time: %w", err)
	}
	return t, nil
}
