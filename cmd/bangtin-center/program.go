package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main is the program with its surroundings as fields, so that tests run it in process.
type Main struct {
	Args   []string
	Stdout io.Writer
	Stderr io.Writer
	Fault  func(label string) // called at every labelled write; nil outside of tests

	dir     string
	verbose bool
}

// Run does what the arguments say and returns the exit code.
func (m *Main) Run(ctx context.Context) int {
	flags := flag.NewFlagSet("bangtin-center", flag.ContinueOnError)
	flags.SetOutput(m.Stderr)
	flags.StringVar(&m.dir, "dir", DefaultDir, "the centre's folder")
	flags.BoolVar(&m.verbose, "verbose", false, "log what is normal too")
	flags.Usage = func() {
		fmt.Fprintln(m.Stderr, "usage: bangtin-center [flags] run|verify")
		flags.PrintDefaults()
	}
	err := flags.Parse(m.Args)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		return exitUsage
	}
	switch verb := flags.Arg(0); {
	case flags.NArg() > 1:
		flags.Usage()
		return exitUsage
	case verb == "" || verb == "run":
		err = m.serve(ctx)
	case verb == "verify":
		err = m.verify(ctx)
	default:
		flags.Usage()
		return exitUsage
	}
	if err != nil {
		fmt.Fprintln(m.Stderr, oneLine(err))
		return exitFailed
	}
	return exitOK
}

func (m *Main) logger() *slog.Logger {
	level := slog.LevelWarn
	if m.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(m.Stderr, &slog.HandlerOptions{Level: level}))
}
