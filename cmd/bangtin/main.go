// Command bangtin is what the department's people work with: it makes keys, the trust document, playlists and
// orders, and signs them. What it writes may be carried by anything, a USB stick too; send, watch and the two publish
// commands carry it themselves, over the centre's broker and content server, and tell what displays say.
//
// It exits 0 when it did what was asked, 1 when that was refused or failed, 2 when it was not asked properly, 3 when
// there was no answer in time, and 4 when a display refused.
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
