// Command bangtind is the daemon on a display's controller: configuration and wiring, nothing else.
//
//	bangtind --site FILE              run the display
//	bangtind --site FILE --simulate   with a simulated panel and simulated sensors
//	bangtind --site FILE --check      validate the site file and exit
//	bangtind --site FILE enrol --code CODE   let this display in with the department
//	bangtind --site FILE smoke-test   prove the wiring and the safety chain, with a person at the display
//	bangtind --site FILE smoke [-hardware]   run the drivers' own tests on a simulated panel, or on the one that is wired
//	bangtind --site FILE verify       check the hash chain of the journal
//	bangtind --site FILE status       print the daemon's state
//	bangtind --site FILE on|off --for 30m --reason "…"   override on site
//	bangtind --site FILE schedule|clear-fire --reason "…"
//	bangtind --site FILE clear-fire --despite-silent-smoke --reason "…"   where its smoke detector is dead
//
// It exits 0 when all is well, 1 when it cannot do what was asked, and 2 when it was asked wrongly; smoke-test 3
// when nothing failed and not everything was tried.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // a controller needs its time zone even where the image has no zone files
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	m := &Main{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Wall: time.Now, Getenv: os.Getenv}
	os.Exit(m.Run(ctx))
}
