package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A bench is one run: what is asked of it, and what its groups share.
type bench struct {
	image, benchImage, programs, out string
	only, one                        string // a group, and what is wrong where not all are to be shown
	cuts                             int
	seed                             uint64
	record                           bool
	say                              io.Writer

	work  string // a temporary folder: disks and sockets
	base  string // the disk of the shipped image, as a medium of the field has it
	world *world
	lines []line
}

// A line is one thing that was to be shown.
type line struct {
	group, what string
	err         error
}

// A group is what shares a boot, or what belongs together.
type group struct {
	name  string
	agent bool // it needs the bench's image
	do    func(context.Context) error
}

func (b *bench) groups() []group {
	return []group{
		{"air", false, b.air},
		{"cec", true, b.cec},
		{"power", false, b.power},
		{"wrong", false, b.wrong},
		{"beside", false, b.beside},
		{"inside", true, b.inside},
		{"watchdog", true, b.watchdog},
		{"figures", true, b.figures},
	}
}

func (b *bench) run(ctx context.Context) error {
	began := time.Now()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer os.RemoveAll(b.work)
	defer b.world.close()
	if b.seed == 0 {
		b.seed = uint64(began.UnixNano())
	}
	fmt.Fprintf(b.say, "seed %d\n", b.seed)
	for _, g := range b.groups() {
		if b.only != "" && !slices.Contains(strings.Split(b.only, ","), g.name) {
			continue
		}
		if g.agent && b.benchImage == "" {
			fmt.Fprintf(b.say, "%s: not shown, as -bench is not given\n", g.name)
			continue
		}
		started := time.Now()
		if err := g.do(ctx); err != nil {
			b.note(g.name, "the group came to its end", err)
		}
		fmt.Fprintf(b.say, "--- %s: %.0f s\n", g.name, time.Since(started).Seconds())
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(context.Cause(ctx), b.verdict(time.Since(began)))
}

// prepare makes the folders, the disk, and the department with its centre.
func (b *bench) prepare(ctx context.Context) (err error) {
	b.only, b.one, _ = strings.Cut(b.only, "/")
	if b.image == "" {
		return errors.New("-image is not given")
	}
	for _, path := range []*string{&b.out, &b.programs} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp("/var/tmp", "imagetest-"); err != nil {
		return err
	}
	b.base = filepath.Join(b.work, "base.img")
	if _, err := b.do(ctx, "zstd", "-d", "-q", "-f", b.image, "-o", b.base); err != nil {
		return err
	}
	if err := os.Truncate(b.base, mediumBytes); err != nil {
		return err
	}
	b.world, err = b.newWorld(ctx)
	return err
}

// note keeps what came of a line, and says it.
func (b *bench) note(group, what string, err error) {
	b.lines = append(b.lines, line{group, what, err})
	if err != nil {
		fmt.Fprintf(b.say, "FAIL %s: %s: %v\n", group, what, err)
		return
	}
	fmt.Fprintf(b.say, "ok   %s: %s\n", group, what)
}

// figure says a number that a reader of the run wants to know.
func (b *bench) figure(format string, args ...any) {
	fmt.Fprintf(b.say, "     "+format+"\n", args...)
}

func (b *bench) verdict(took time.Duration) error {
	var failed []string
	for _, l := range b.lines {
		if l.err != nil {
			failed = append(failed, l.group+": "+l.what)
		}
	}
	fmt.Fprintf(b.say, "%d lines, %d failed, %.0f s; pictures and consoles are in %s\n", len(b.lines), len(failed), took.Seconds(), b.out)
	if len(failed) > 0 {
		return fmt.Errorf("not shown:\n  %s", strings.Join(failed, "\n  "))
	}
	if len(b.lines) == 0 {
		return fmt.Errorf("no group is called %q", b.only)
	}
	return nil
}

// do runs a program to its end and returns what it said.
func (b *bench) do(ctx context.Context, name string, args ...string) (string, error) {
	return b.doIn(ctx, "", name, args...)
}

func (b *bench) doIn(ctx context.Context, dir, name string, args ...string) (string, error) {
	var out bytes.Buffer
	if strings.HasPrefix(name, "bangtin") {
		name = filepath.Join(b.programs, name)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.Env = append(os.Environ(), "LANG=en", "LC_ALL=", "LC_MESSAGES=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("cannot run %s %s: %w\n%s", name, strings.Join(args, " "), err, tail(out.String(), 3000))
	}
	return out.String(), nil
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// await asks until something is so. What it saw last is part of the error. Nothing is asserted of how long it took:
// the limits say when to give up on a slow machine.
func await(ctx context.Context, what string, limit time.Duration, ask func() (bool, string)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		ok, last := ask()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %v for this: %s; seen last: %s", limit, what, last)
		case <-tick.C:
		}
	}
}
