// Command secureboot boots a controller's image under a firmware that enforces Secure Boot and trusts one key, the
// image's, and then images in which one thing is wrong: `make secure-boot`. QEMU emulates, with Debian's OVMF; no KVM.
//
// An image has started when its disk says so: the root, mounted and verified, has grown the data partition. One that must
// not start has to say why on the serial line, and its disk stays as it was.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

func main() {
	// What is started dies with the thread that started it: this one lasts as long as the program.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var b bench
	flag.StringVar(&b.image, "image", "", "the image, a .img.zst of mkimage")
	flag.StringVar(&b.cert, "cert", "", "the certificate of the key that signed it")
	flag.StringVar(&b.firmware, "firmware", "/usr/share/OVMF", "the folder of Debian's ovmf")
	keys := flag.String("keys", "", "only make key.pem and cert.pem in this folder, unless they are there")
	only := flag.String("only", "", "only the trials whose name this expression finds")
	limit := flag.Duration("limit", time.Hour, "the longest that all may take")
	flag.Parse()
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, fmt.Errorf("it took longer than %v", *limit))
	defer cancel()
	if err := run(ctx, &b, *keys, *only); err != nil {
		fmt.Fprintln(os.Stderr, "cannot prove Secure Boot:", errors.Join(context.Cause(ctx), err))
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, b *bench, keys, only string) (err error) {
	if keys != "" {
		return makeKeys(keys, "Bang Tin bench")
	}
	choice, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp("/var/tmp", "secureboot-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.work)) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	var failed []error
	for _, t := range trials() {
		if !choice.MatchString(t.name) || ctx.Err() != nil {
			continue
		}
		began := time.Now()
		said, err := b.try(ctx, t)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", t.name, err))
			said = "WRONG: " + err.Error()
		}
		fmt.Printf("%-45s %5.1f s  %s\n", t.name, time.Since(began).Seconds(), said)
	}
	return errors.Join(failed...)
}
