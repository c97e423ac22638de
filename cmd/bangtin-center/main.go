// Command bangtin-center is the department's server: it collects what displays record and acknowledges it, keeps
// commands until they are answered, tells the time and notices what is dark. Configuration and wiring, nothing else.
//
//	bangtin-center [--dir DIR] run      collect, until it is stopped
//	bangtin-center [--dir DIR] verify   check every chain of records and every command
//
// It exits 0 when all is well, 1 when it cannot do what was asked or verify found something, and 2 when it was asked
// wrongly.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the windows need their time zone even where the system has no zone files
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	m := &Main{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(m.Run(ctx))
}
