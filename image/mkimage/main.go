// Command mkimage makes the image of a controller from Debian's packages, this repository's programs and the recipe
// beside it: one file for the whole disk, and what there is to know of it. It needs root and the packages of
// `.ci/need image`; no loop device, no running systemd, no network but Debian's archive. Everything else that it runs
// comes from a workshop, a trixie of its own below ~/.cache/bangtin.
//
// Two runs from one package set give the same root image and the same unsigned kernel image, byte by byte.
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
	syscall.Umask(0o022) // the image has the modes of its files
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	b := &build{say: os.Stdout, recipeDir: "image/recipe", unitsDir: "systemd"}
	flag.StringVar(&b.out, "out", "out", "the folder that gets the image")
	flag.StringVar(&b.work, "work", "", "a new folder that keeps the steps' results; a temporary one when empty")
	flag.StringVar(&b.arch, "arch", "amd64", "Debian's name of the controller's architecture")
	flag.StringVar(&b.version, "version", "", "the version; what git describes when empty")
	flag.Int64Var(&b.epoch, "epoch", 0, "the time of all that is made, in seconds since 1970; the last commit's when 0")
	flag.StringVar(&b.key, "key", "", "the file of the key that signs the kernel image; a throw-away key when empty")
	flag.StringVar(&b.cert, "cert", "", "the file of that key's certificate")
	flag.BoolVar(&b.record, "record", false, "write the package set to the recipe's lock file")
	flag.StringVar(&b.bench, "bench", "", "a folder of files: make a second image, of the same tree with these laid over it")
	limit := flag.Duration("limit", time.Hour, "the longest that all may take")
	flag.Parse()
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, fmt.Errorf("the image took longer than %v", *limit))
	defer cancel()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cannot make the image:", err)
		stop()
		os.Exit(1)
	}
}
