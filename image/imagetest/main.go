// Command imagetest boots the image of a controller in QEMU under OVMF, without KVM, and shows what it must show: the
// programme on the screen, a panel behind a serial port and one at a CEC adapter, a centre with a real Mosquitto outside the machine, power
// taken away at random, and each wrong input. It needs root and the packages of `.ci/need e2e`, and the programs of
// `make build`.
//
// What can be shown with the image that is shipped is shown with it. The bench's image has the same tree and an agent
// in it, for lists that are read inside and for faults that are put in.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	// What is started dies with the thread that started it: this one lasts as long as the program.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	b := &bench{say: os.Stdout}
	flag.StringVar(&b.image, "image", "", "the image that is shipped, .img.zst")
	flag.StringVar(&b.benchImage, "bench", "", "the bench's image, .bench.img; without it nothing is shown that needs the agent")
	flag.StringVar(&b.programs, "bin", "bin", "the folder of this repository's programs")
	flag.StringVar(&b.out, "out", "out/e2e", "the folder for what was seen")
	flag.StringVar(&b.only, "only", "", "the one group of lines to show, or as wrong/no-panel the one thing that is wrong; all when empty")
	flag.IntVar(&b.cuts, "cuts", 5, "how often the power is taken away")
	flag.Uint64Var(&b.seed, "seed", 0, "makes the moments of power cuts those of an earlier run; one of its own when 0")
	flag.BoolVar(&b.record, "record", false, "write the lists that are compared anew")
	limit := flag.Duration("limit", 30*time.Minute, "the longest that all may take")
	flag.Parse()
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, fmt.Errorf("all took longer than %v", *limit))
	defer cancel()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}
