package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"bangtin/hal/rs232"
)

// maxTranscript bounds a transcript in bytes: at 9600 baud and three letters for a byte the line could fill it in ten
// minutes of talk without a pause. A suite of half an hour with a panel that behaves takes a tenth of it.
const maxTranscript = 2 << 20

// A transcript writes down every byte on a line, and when. Safe for concurrent use.
type transcript struct {
	mu      sync.Mutex
	began   time.Time
	text    strings.Builder
	dropped int // lines that found no room
}

func newTranscript() *transcript { return &transcript{began: time.Now()} }

// note writes one line with the seconds since the beginning.
func (t *transcript) note(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := fmt.Sprintf("%12.6f %s\n", time.Since(t.began).Seconds(), what)
	if t.text.Len()+len(line) > maxTranscript {
		t.dropped++
		return
	}
	t.text.WriteString(line)
}

// Write takes what a driver logs.
func (t *transcript) Write(p []byte) (int, error) {
	t.note(strings.TrimSpace(string(p)))
	return len(p), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := "on the line, in seconds since " + t.began.Format(time.RFC3339Nano) + "; > is sent, < is heard:\n" + t.text.String()
	if t.dropped > 0 {
		text += fmt.Sprintf("%d more lines are left out\n", t.dropped)
	}
	return text
}

// open opens a serial line of which everything is written down. It is an [rs232.Opener].
func (t *transcript) open(path string) (rs232.Line, error) {
	line, err := rs232.OpenSerial(path)
	if err != nil {
		t.note("cannot open: " + err.Error())
		return nil, err
	}
	t.note("opened " + path)
	return &tappedLine{line, t}, nil
}

// A tappedLine is a line with a listener.
type tappedLine struct {
	rs232.Line
	script *transcript
}

func (l *tappedLine) Read(p []byte) (int, error) {
	n, err := l.Line.Read(p)
	if n > 0 {
		l.script.note(fmt.Sprintf("< % X", p[:n]))
	}
	if err != nil {
		l.script.note("reading ended: " + err.Error())
	}
	return n, err
}

// Write notes before it writes: the panel may answer before it returns.
func (l *tappedLine) Write(p []byte) (int, error) {
	l.script.note(fmt.Sprintf("> % X", p))
	n, err := l.Line.Write(p)
	if err != nil || n < len(p) {
		l.script.note(fmt.Sprintf("only %d bytes left: %v", n, err))
	}
	return n, err
}

func (l *tappedLine) Close() error {
	l.script.note("closed")
	return l.Line.Close()
}
