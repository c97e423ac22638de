package main

import (
	"context"
	"log/slog"
	"time"

	"bangtin/internal/notice"
)

// noticesEvery is slow: what they say was wrong before the daemon ran, and lasts until a person came.
const noticesEvery = 30 * time.Second

// watchNotices makes an alarm of each notice that other parts of the controller put, at most notice.MaxNotices, so that
// the centre hears of it too.
func watchNotices(ctx context.Context, dir string, every time.Duration, l *lacking, log *slog.Logger) error {
	told := ""
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		all, err := notice.All(dir)
		why := ""
		if err != nil {
			why = err.Error()
		}
		if why != told { // once, not each time
			told = why
			if err != nil {
				log.Warn("some notices cannot be read", "err", err)
			}
		}
		l.notices(all)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// noticed is the alarm of a notice, by its code: notice-S06.
const noticed = "notice-"

// notices replaces the alarms of notices. Where two parts have one code, the first is told.
func (l *lacking) notices(all []notice.Notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noticed = map[string]string{}
	for _, n := range all {
		if _, there := l.noticed[noticed+n.Code]; there {
			continue
		}
		detail := n.Part + ": " + n.En
		if len(n.Details) > 0 {
			detail += " " + n.Details[0]
		}
		l.noticed[noticed+n.Code] = detail
	}
}
