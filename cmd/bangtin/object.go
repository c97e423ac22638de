package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"bangtin/internal/wire"
)

// speakJSON makes everything that is told an object: one on each line of standard output, errors on standard error.
func (p *Program) speakJSON() {
	if p.objects == nil {
		p.objects, p.Stdout = p.Stdout, io.Discard
	}
}

// result writes what a command found out, where a program reads it. It is one object on one line.
func (p *Program) result(v any) error {
	if p.objects == nil {
		return nil
	}
	raw, err := wire.Encode(v)
	if err != nil {
		return err
	}
	if _, err := p.objects.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("cannot write result: %w", err)
	}
	return nil
}

// compact is a piece of JSON on one line.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil {
		return "{}"
	}
	return b.String()
}

// moment shows a time to people; a zone that cannot be loaded shows as UTC.
func (p *Program) moment(t time.Time) string {
	s, err := clock(t)
	if err != nil {
		return t.UTC().Format(time.RFC3339)
	}
	return s
}
