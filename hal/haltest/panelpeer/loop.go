package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"bangtin/hal/haltest/peer"
)

// A loop joins a panel to a terminal and to its commands.
type loop struct {
	panel   *peer.Panel
	link    string
	perByte time.Duration // what a byte takes on the line
	out     io.Writer
	heard   io.Writer

	plugged *cable // nil while unplugged
	state   peer.State
}

// run runs the panel until its commands end.
func (l *loop) run(in io.Reader) error {
	if err := l.plug(); err != nil {
		return err
	}
	defer l.unplug()
	fmt.Fprintln(l.out, l.plugged.path)
	commands := readCommands(in)
	change := time.NewTimer(0)
	for {
		var line <-chan []byte
		if l.plugged != nil {
			line = l.plugged.heard
		}
		select {
		case b := <-line:
			fmt.Fprintf(l.heard, "heard %s %X\n", stamp(), b)
			l.plugged.say(l.panel.Hear(b))
		case c, ok := <-commands:
			if !ok {
				return nil
			}
			l.command(c)
		case <-change.C:
		}
		l.look()
		if next := l.panel.Next(); !next.IsZero() {
			change.Reset(time.Until(next))
		}
	}
}

// look prints that the picture has appeared or disappeared.
func (l *loop) look() {
	before := l.state
	if l.state = l.panel.State(); (before == peer.On) == (l.state == peer.On) {
		return
	}
	word := "off"
	if l.state == peer.On {
		word = "on"
	}
	fmt.Fprintf(l.out, "power %s %s\n", word, stamp())
}

// seen lists the states since mark.
func (l *loop) seen() string {
	var words []string
	for _, s := range []peer.State{peer.Off, peer.Warming, peer.On} {
		if l.panel.Seen(s) {
			words = append(words, string(s))
		}
	}
	return strings.Join(words, " ")
}

func stamp() string { return time.Now().UTC().Format(time.RFC3339Nano) }

func (l *loop) command(c string) {
	var err error
	switch c {
	case "unplug":
		l.unplug()
	case "replug":
		err = l.plug()
	case "state":
		l.look() // the event comes before the word
		fmt.Fprintf(l.out, "state %s\n", l.state)
	case "mark":
		l.panel.Mark()
	case "seen":
		fmt.Fprintf(l.out, "seen %s\n", l.seen())
	default:
		err = l.panel.Do(c)
		l.look()
	}
	if err != nil {
		fmt.Fprintf(l.out, "unknown %s\n", c)
		return
	}
	fmt.Fprintf(l.out, "ok %s\n", c)
}

func (l *loop) plug() error {
	l.unplug()
	terminal, path, err := openTerminal()
	if err != nil {
		return err
	}
	l.plugged = newCable(terminal, path, l.perByte)
	if l.link == "" {
		return nil
	}
	if err := os.Symlink(path, l.link); err != nil {
		return fmt.Errorf("cannot link the terminal: %w", err)
	}
	return nil
}

func (l *loop) unplug() {
	if l.plugged == nil {
		return
	}
	if l.link != "" {
		os.Remove(l.link)
	}
	l.plugged.pull()
	l.plugged = nil
}

func readCommands(in io.Reader) <-chan string {
	c := make(chan string)
	go func() {
		defer close(c)
		for s := bufio.NewScanner(in); s.Scan(); {
			c <- strings.TrimSpace(s.Text())
		}
	}()
	return c
}
