// Command bangtin-demo runs one display on this machine, on real parts: the daemon with a simulated rig, mpv, an
// MQTT broker with mutual TLS on loopback, and a playlist in three languages that two people approved. It tells
// what happens as it happens, and leaves nothing running.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	d := &demo{device: "tinh-bien-01", out: os.Stdout}
	flag.StringVar(&d.bin, "bin", "bin", "folder with bangtind and bangtin")
	flag.DurationVar(&d.lasts, "duration", 0, "end after this long; 0 runs until Ctrl-C")
	flag.Parse()
	if flag.NArg() > 0 || d.lasts < 0 {
		flag.Usage()
		os.Exit(2)
	}
	if d.lasts > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.lasts+setUp)
		defer cancel()
	}
	err := d.run(ctx)
	if errors.Is(err, errInterrupted) {
		os.Exit(130) // as a shell says it of Ctrl-C
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// setUp is the most that making keys, media and playlist may take before the show begins.
const setUp = 2 * time.Minute
