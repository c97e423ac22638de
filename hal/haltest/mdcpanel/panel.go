package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

type power string

const (
	off     power = "off"
	warming power = "warming"
	on      power = "on"
)

// A panel is all that the loop's one goroutine knows.
type panel struct {
	id     byte
	warmup time.Duration
	line   *os.File
	out    io.Writer
	warm   *time.Timer // fires at the end of warming

	power power // "" is off as well, before the first change
	input byte
	lamp  byte

	silent, nak, disobey            bool
	garbage, split, duplicate, late bool

	pending  []byte    // received, not yet a whole request
	received time.Time // when the last byte came
	held     []byte    // the reply that late holds back
}

// loop runs the panel until its commands end.
func (p *panel) loop(line <-chan []byte, commands <-chan string) error {
	for {
		select {
		case b, ok := <-line:
			if !ok {
				return errors.New("cannot read from the terminal")
			}
			p.receive(b)
		case c, ok := <-commands:
			if !ok {
				return nil
			}
			p.command(c)
		case <-p.warm.C:
			p.become(on)
		}
	}
}

func (p *panel) command(c string) {
	switch c {
	case "silent":
		p.silent = true
	case "talk":
		p.silent = false
	case "nak":
		p.nak = true
	case "disobey":
		p.disobey = true
	case "obey":
		p.nak, p.disobey = false, false
	case "garbage":
		p.garbage = true
	case "split":
		p.split = true
	case "duplicate":
		p.duplicate = true
	case "late":
		p.late = true
	case "clean":
		p.garbage, p.split, p.duplicate, p.late = false, false, false, false
		p.held = nil
	case "lose-power":
		p.switchOff()
	case "state":
		fmt.Fprintf(p.out, "state %s\n", p.state())
	default:
		fmt.Fprintf(p.out, "unknown %s\n", c)
		return
	}
	fmt.Fprintf(p.out, "ok %s\n", c)
}

func (p *panel) state() power {
	if p.power == "" {
		return off
	}
	return p.power
}

func (p *panel) switchOn() {
	if p.state() != off {
		return
	}
	if p.warmup <= 0 {
		p.become(on)
		return
	}
	p.power = warming
	p.warm.Reset(p.warmup)
}

func (p *panel) switchOff() {
	p.warm.Stop()
	p.become(off)
}

// become changes the power and prints it where the picture appears or disappears.
func (p *panel) become(s power) {
	lit := p.state() == on
	p.power = s
	if lit != (s == on) {
		fmt.Fprintf(p.out, "power %s %s\n", s, time.Now().UTC().Format(time.RFC3339Nano))
	}
}
