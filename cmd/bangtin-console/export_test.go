package main

import (
	"context"
	"os"
	"time"
)

// OpenTerminal is openTerminal for tests.
func OpenTerminal(fd int) (*os.File, error) { return openTerminal(fd) }

// Plain is plain for tests.
func Plain(s string) string { return plain(s) }

// Wrap is wrap for tests.
func Wrap(s string, columns, rows int) []string { return wrap(s, columns, rows) }

// Known reports whether there is an advice for a code.
func Known(code string) (vi, en string, known bool) {
	a := adviceOn(code)
	return a.what.vi + ". " + a.do.vi, a.what.en + ". " + a.do.en, a.what.en != "code "+plain(code)
}

// NewInquiry is a source by its name.
func NewInquiry(name string, ask func(ctx context.Context) func(*Facts)) Inquiry {
	return Inquiry{Name: text{name, name}, Ask: ask}
}

// Gather asks these again and again: each call is one page's.
func Gather(inquiries ...Inquiry) func(ctx context.Context) (Facts, []string) {
	g := newGatherer(inquiries)
	return func(ctx context.Context) (f Facts, silent []string) {
		g.ask(ctx, &f)
		for _, s := range f.Silent {
			silent = append(silent, s.en)
		}
		return f, silent
	}
}

// Fall says that sources did not answer.
func (f *Facts) Fall(names ...string) {
	for _, n := range names {
		f.Silent = append(f.Silent, text{n, n})
	}
}

// Sources are the real ones, at these paths.
func Sources(socket, notices, slot, data string, systemctl ...string) []Inquiry {
	return (&sources{socket: socket, notices: notices, slot: slot, data: data, systemctl: systemctl}).inquiries()
}

// A Screen is a screen for tests.
type Screen struct{ *screen }

// NewScreen is newScreen for tests.
func NewScreen(f *os.File, limit time.Duration) Screen { return Screen{newScreen(f, limit)} }

// Draw draws.
func (s Screen) Draw(rows []Row) error { return s.draw(rows) }

// Forget forgets.
func (s Screen) Forget() { s.forget() }

// Paint hands over a row for a picture.
func (r Row) Paint() (text string, bright, inverted bool) {
	return r.text, r.style&bold != 0, r.style&inverse != 0
}
