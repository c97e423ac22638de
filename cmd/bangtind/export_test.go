package main

import (
	"context"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/pki"
)

// WatchBelief is watchBelief for tests.
func WatchBelief(ctx context.Context, stamp func() journal.Stamp, changed func()) error {
	return watchBelief(ctx, stamp, changed)
}

// NewRenewal is a renewal for tests, with the alarms that it raises.
func NewRenewal(device, base, lock string, files pki.Files, now func() time.Time) (once func(context.Context) (bool, error), alarms func() map[string]string) {
	l := &lacking{what: map[string]string{}}
	r := &renewal{device: device, base: base, files: files, lock: lock, now: now, lacking: l}
	return r.once, l.list
}
