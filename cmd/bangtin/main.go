// Command bangtin is what the department's people work with: it makes keys, the trust document, playlists and
// orders, and signs them. It talks to nobody: what it writes is carried by any MQTT client, a web server or a USB
// stick.
//
// It exits 0 when it did what was asked, 1 when that was refused or failed, 2 when it was not asked properly.
package main

import (
	"context"
	"os"
	"os/signal"
	"time"
	_ "time/tzdata" // Windows has no zones of its own
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	p := &Program{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Now: time.Now, Probe: ffprobe, Fonts: debianFonts,
	}
	code := p.Run(ctx)
	stop()
	os.Exit(code)
}
