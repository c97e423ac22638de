// Package watchdog tells systemd how a daemon is: ready, turning, stopping.
package watchdog

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// unwatched is how often the loops are looked at where systemd sets no limit: what stands still is logged all the same.
const unwatched = 10 * time.Second

// Run tells systemd READY=1 once ready is closed, and WATCHDOG=1 at a third of its limit while late, which names a loop
// that stands still, is empty. It tells STOPPING=1 when ctx ends, and returns only then, or where the limit cannot be
// read. Without systemd it only looks.
func Run(ctx context.Context, ready <-chan struct{}, late func() string, log *slog.Logger) error {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return fmt.Errorf("cannot read the watchdog's limit: %w", err)
	}
	every := unwatched
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
			if loop := late(); loop != "" {
				log.Error("cannot feed the watchdog: a loop stands still", "loop", loop)
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
