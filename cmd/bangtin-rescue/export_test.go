package main

import (
	"context"
	"os"
	"time"
)

type (
	LogKeeper = logKeeper
	Morgue    = morgue
)

// Places is a volume below a folder.
func Places(device, data, under, mark, notices string, say *os.File) volume {
	return volume{
		Find: func() (string, error) {
			_, err := os.Stat(device)
			return device, err
		},
		Child: []string{"/proc/self/exe"}, Limit: time.Minute,
		Data: data, Under: under, Mark: mark, Notices: notices, Say: say,
	}
}

// Run is the program.
func Run(ctx context.Context, args ...string) error { return run(ctx, args) }

func (v volume) WithChild(limit time.Duration, argv ...string) volume {
	v.Limit, v.Child = limit, argv
	return v
}

func (v volume) WithVar(dir string) volume { v.Var = dir; return v }

func (v volume) Bring(ctx context.Context) error { return v.bring(ctx) }

func (v volume) Look() error { return v.look() }

func NewKeeper(dir, cursor string, ask func(context.Context, ...string) ([]byte, error)) LogKeeper {
	return logKeeper{dir: dir, cursor: cursor, ask: ask}
}

func (k logKeeper) Warnings(ctx context.Context) error { return k.warnings(ctx) }

func (k logKeeper) Tail(ctx context.Context) error { return k.tail(ctx) }

func NewMorgue(dir, notices string) Morgue { return morgue{dir: dir, notices: notices} }

func (m morgue) Tell() error { return m.tell() }

func Unstuck(ctx context.Context, notices string, started ...string) error {
	return unstuck(ctx, notices, started...)
}

func Open(notices string) error { return open(notices) }
