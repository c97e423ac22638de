package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// patience is how long the person at the display has for one thing: a walk around the cabinet, and a screwdriver.
const patience = 60 * time.Second

// maxAsked is how often a question is put again whose answer nobody understands.
const maxAsked = 3

// A person is who stands at the display and does what is asked. There may be nobody: then every question goes
// unanswered at once.
type person struct {
	tongue
	out   io.Writer
	lines chan string // closed when nobody is there any more
}

// meet listens to a person's lines until in or ctx ends. A line of more than 64 KiB ends it too: nobody types that.
func meet(ctx context.Context, t tongue, in io.Reader, out io.Writer) *person {
	p := &person{tongue: t, out: out, lines: make(chan string)}
	if in == nil {
		close(p.lines)
		return p
	}
	go func() {
		defer close(p.lines)
		for scan := bufio.NewScanner(in); scan.Scan(); {
			select {
			case p.lines <- strings.TrimSpace(scan.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return p
}

func (p *person) tell(ph phrase) { fmt.Fprintln(p.out, p.text(ph)) }

// attend forgets what was typed before the question that comes now.
func (p *person) attend() {
	for {
		select {
		case _, ok := <-p.lines:
			if !ok {
				return
			}
		default:
			return
		}
	}
}

// An answer is what a person says to a question.
type answer int

const (
	noAnswer answer = iota // skipped, too late, or nobody there
	yes
	no
)

// asks puts a question that is answered by yes or no, in either language.
func (p *person) asks(ctx context.Context, question phrase) answer {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	p.attend()
	for range maxAsked {
		p.tell(say("%s [y = yes, n = no, Enter = skip]", question))
		select {
		case line, ok := <-p.lines:
			if !ok || line == "" {
				return noAnswer
			}
			switch word := strings.ToLower(line); {
			case slices.Contains([]string{"y", "yes", "c", "co", "có"}, word):
				return yes
			case slices.Contains([]string{"n", "no", "k", "khong", "không"}, word):
				return no
			}
		case <-limit.C:
			return noAnswer
		case <-ctx.Done():
			return noAnswer
		}
	}
	return noAnswer
}
