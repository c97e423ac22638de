package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"bangtin/internal/centre"
)

// stillness is how long a loop of the centre may stand: a transaction on a slow disk may take seconds.
const stillness = time.Minute

// notify tells systemd READY=1 at once, as the centre works without its broker and with a full database too, and
// WATCHDOG=1 at a third of its limit while every loop turns. Without systemd it does nothing.
func notify(ctx context.Context, c *centre.Centre, log *slog.Logger) error {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return fmt.Errorf("cannot read the watchdog's limit: %w", err)
	}
	tell(daemon.SdNotifyReady, log)
	every := time.Minute
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
		case <-tick.C:
			if late := c.Late(stillness); late != "" {
				log.Error("cannot feed the watchdog: a loop stands still", "loop", late)
			} else if limit > 0 {
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
