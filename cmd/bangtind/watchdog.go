package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"bangtin/internal/control"
)

// notify tells systemd READY=1 once ready is closed, and WATCHDOG=1 at a third of its limit while every loop
// turns. Without systemd it does nothing.
func notify(ctx context.Context, ready <-chan struct{}, health *control.Health, log *slog.Logger) error {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return fmt.Errorf("cannot read the watchdog's limit: %w", err)
	}
	every := time.Second
	if limit > 0 {
		every = limit / 3
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			tell(daemon.SdNotifyStopping, log)
			return ctx.Err()
		case <-ready:
			tell(daemon.SdNotifyReady, log)
			ready = nil
		case <-tick.C:
			if late := health.Late(); late != "" {
				log.Error("cannot feed the watchdog: a loop stands still", "loop", late)
				continue
			}
			if limit > 0 {
				tell(daemon.SdNotifyWatchdog, log)
			}
		}
	}
}

func tell(state string, log *slog.Logger) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("cannot notify systemd", "state", state, "err", err)
	}
}
