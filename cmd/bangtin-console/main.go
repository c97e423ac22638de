// Program bangtin-console is what the serial port of a controller shows instead of a shell: one page that says whether the
// display is on air, if not why and what to do, and what else a technician asks first. It is read-only. Two keys choose
// the language; nothing else that is typed is obeyed.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/internal/notice"
)

// Set at build time.
var (
	version = "unknown"
	built   = "" // RFC 3339
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		slog.Error("the status page ends", "err", err)
		os.Exit(1)
	}
}

// run shows the page on the terminal that is standard input, which systemd opens.
func run(ctx context.Context) error {
	terminal, err := openTerminal(unix.Stdin)
	if err != nil {
		return fmt.Errorf("cannot use the terminal: %w", err)
	}
	release, err := time.Parse(time.RFC3339, built)
	if err != nil {
		release = time.Time{}
	}
	s := &sources{
		socket: "/run/bangtin/control.sock", notices: notice.Dir, slot: "/run/bangtin/boot/slot", data: "/data",
		systemctl: []string{"systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager", "--full"},
	}
	c := &Console{
		Terminal: terminal, Version: version, Released: release, Inquiries: s.inquiries(), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	return c.Run(ctx)
}
