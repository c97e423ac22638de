// Command bangtin-setup takes a display's site file from what an installer brought, at each start of a controller.
//
//	bangtin-setup              look for a stick, then at the boot partition; take what is sound, else say why not
//	bangtin-setup read DEVICE  what is on one device, as JSON: the part of it that a broken stick may hang
//	bangtin-setup enrol        let the display in with the department by the code that the stick brought
//
// A display that has a site file waits for nothing. One that has none says so, on its screen too, until a stick comes.
// It exits 0 when all is well, 1 when it cannot do what was asked, and 2 when it was asked wrongly.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a site file names a time zone, which must be known to judge it
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	m := &Main{Args: os.Args[1:], Stdout: os.Stdout, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Paths: Controller()}
	os.Exit(m.Run(ctx))
}
