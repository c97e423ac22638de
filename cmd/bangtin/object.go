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

// resultThen writes what a command found out and ends it with the exit code.
func (p *Program) resultThen(v any, code int) error {
	if err := p.result(v); err != nil {
		return err
	}
	return exit(code)
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

// second shows a time to people to the second: the time of day alone where it is today's.
func (p *Program) second(t time.Time) string {
	z, err := zone()
	if err != nil {
		return t.UTC().Format(time.RFC3339)
	}
	if t = t.In(z); t.Format(time.DateOnly) == p.Now().In(z).Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format("2006-01-02 15:04:05 -07")
}

// An errorObject is one line of standard error. Its words are for people, in their language.
type errorObject struct {
	Error errorWords `json:"error"`
}

type errorWords struct {
	Field  string `json:"field"`
	What   string `json:"what"`
	Remedy string `json:"remedy"`
	Detail string `json:"detail,omitempty"`
}

func (p *Program) complainJSON(pr *problem) {
	e := errorWords{Field: pr.field, What: p.text(pr.what), Remedy: p.text(pr.remedy)}
	if pr.cause != nil {
		e.Detail = pr.cause.Error()
	}
	p.writeError(e)
}

// complainBriefly is for errors that nobody put in words for people.
func (p *Program) complainBriefly(err error) {
	if p.objects == nil {
		fmt.Fprintf(p.Stderr, "bangtin: %v\n", err)
		return
	}
	p.writeError(errorWords{What: err.Error()})
}

func (p *Program) writeError(e errorWords) {
	raw, err := wire.Encode(errorObject{e})
	if err != nil {
		raw = []byte(`{"error":{}}`) // words always encode
	}
	fmt.Fprintf(p.Stderr, "%s\n", raw)
}
