package main

import (
	"time"

	"bangtin/hal/haltest/peer"
)

// A cable is one terminal with a reader and a writer of its own, until it is pulled.
type cable struct {
	path  string
	heard chan []byte

	terminal *terminal
	perByte  time.Duration
	bursts   chan peer.Burst
	pulled   chan struct{}
}

func newCable(t *terminal, path string, perByte time.Duration) *cable {
	c := &cable{path: path, heard: make(chan []byte), terminal: t, perByte: perByte, bursts: make(chan peer.Burst, 4096), pulled: make(chan struct{})}
	go c.listen()
	go c.speak()
	return c
}

// listen passes on what arrives on the line, at the moment at which the last byte of it would have.
func (c *cable) listen() {
	free := time.Now()
	for {
		b := make([]byte, 256)
		n, err := c.terminal.line.Read(b)
		if err != nil {
			return
		}
		if free = latest(free, time.Now()).Add(time.Duration(n) * c.perByte); !c.until(free) {
			return
		}
		select {
		case c.heard <- b[:n]:
		case <-c.pulled:
			return
		}
	}
}

// say queues bursts. What finds no room is lost, as is what nobody takes from the line.
func (c *cable) say(list []peer.Burst) {
	for _, b := range list {
		select {
		case c.bursts <- b:
		default:
		}
	}
}

func (c *cable) speak() {
	for {
		var b peer.Burst
		select {
		case b = <-c.bursts:
		case <-c.pulled:
			return
		}
		if !c.until(b.At) {
			return
		}
		if c.perByte == 0 {
			c.send(b.Bytes)
			continue
		}
		free := time.Now()
		for i := range b.Bytes {
			if free = free.Add(c.perByte); !c.until(free) {
				return
			}
			c.send(b.Bytes[i : i+1])
		}
	}
}

func (c *cable) send(b []byte) {
	c.terminal.line.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	c.terminal.line.Write(b)
}

// until waits for a moment, and tells whether the cable was not pulled before.
func (c *cable) until(at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return true
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.pulled:
		return false
	}
}

func (c *cable) pull() {
	close(c.pulled)
	c.terminal.close()
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
