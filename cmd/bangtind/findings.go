package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bangtin/internal/pki"
	"bangtin/internal/site"
)

// A verdict is what became of one step.
type verdict int

const (
	untried verdict = iota
	passed
	failed
)

func (v verdict) phrase() phrase {
	switch v {
	case passed:
		return say("PASS")
	case failed:
		return say("FAIL")
	}
	return say("NOT TRIED")
}

// A step is one thing that was tried, with what was seen.
type step struct {
	name    phrase
	verdict verdict
	seen    []phrase
}

func (s *step) saw(what phrase) { s.seen = append(s.seen, what) }

// fail notes what was seen, and that it is not as it must be.
func (s *step) fail(what phrase) {
	s.verdict = failed
	s.saw(what)
}

// pass is for the end of a step in which nothing failed.
func (s *step) pass() {
	if s.verdict != failed {
		s.verdict = passed
	}
}

// summary is the end of a report: each step on a line, with what was seen below it.
func (t tongue) summary(steps []*step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s: %s\n", t.text(s.verdict.phrase()), t.text(s.name))
		for _, line := range s.seen {
			fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(t.text(line), "\n", "\n    "))
		}
	}
	return b.String()
}

// verdictOf is the exit code of all steps together.
func verdictOf(steps []*step) int {
	code := exitOK
	for _, s := range steps {
		switch s.verdict {
		case failed:
			return exitFailed
		case untried:
			code = exitUntried
		}
	}
	return code
}

// header says which display it was, and by what it was looked at.
func (m *Main) header(s *site.Site, what string) string {
	return fmt.Sprintf("%s\ndate: %s\ndisplay: %s, %s\nbangtind: %s, built %s\nkernel: %s\npanel: %s\n\n",
		what, m.Wall().Format(time.RFC3339), s.ID, s.Gate, version, built, kernelName(), panelLine(s.Panel))
}

// panelLine is [panel] of the site file on one line.
func panelLine(p site.Panel) string {
	line := "driver=" + string(p.Driver)
	if p.Port != "" {
		line += " port=" + p.Port
	}
	if p.Driver.OnLine() {
		line += fmt.Sprintf(" set_id=%d", p.SetID)
	}
	if p.Edition != "" {
		line += " edition=" + string(p.Edition)
	}
	if p.CEC != "" {
		line += " cec=" + p.CEC
	}
	return line
}

// keep writes a report below the data folder, whole or not at all, and returns its path.
func (m *Main) keep(s *site.Site, name, text string) (string, error) {
	path := filepath.Join(s.Data, name+"-"+m.Wall().UTC().Format("20060102T150405Z")+".txt")
	if err := os.MkdirAll(s.Data, 0o750); err != nil {
		return "", fmt.Errorf("cannot make the data folder: %w", err)
	}
	if err := pki.Write(path, []byte(strings.ToValidUTF8(text, "\uFFFD")), 0o644); err != nil {
		return "", fmt.Errorf("cannot write the report: %w", err)
	}
	return path, nil
}
