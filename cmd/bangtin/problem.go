package main

import (
	"errors"
	"fmt"

	"bangtin/internal/trust"
	"bangtin/media"
)

// A problem is an error for people: what it is about, what is wrong with it and what to do.
type problem struct {
	field  string // the option, file or item
	what   phrase
	remedy phrase
	cause  error // further detail in English, or nil
	usage  bool  // the person asked wrongly, nothing was tried
}

func (pr *problem) Error() string {
	s := fmt.Sprintf("%s: "+pr.what.english, append([]any{pr.field}, pr.what.args...)...)
	if pr.cause != nil {
		s += ": " + pr.cause.Error()
	}
	return s
}

func (pr *problem) Unwrap() error { return pr.cause }

func missing(field string) error {
	return &problem{field: field, what: say("is missing"), remedy: say("add %s", field), usage: true}
}

// report tells the person about err and returns the exit code.
func (p *Program) report(err error) int {
	if err == nil {
		return exitOK
	}
	var pr *problem
	var found media.Findings
	var refusal *trust.Refusal
	if code, told := errors.AsType[exit](err); told {
		return int(code)
	}
	switch {
	case errors.As(err, &pr):
		p.complain(pr)
		if pr.usage {
			return exitUsage
		}
	case errors.As(err, &found):
		for _, f := range found {
			p.complain(p.explainFinding(f))
		}
	case errors.As(err, &refusal):
		p.complain(explainRefusal("", refusal))
	default:
		p.complainBriefly(err)
	}
	return exitFailed
}

func (p *Program) complain(pr *problem) {
	if p.objects != nil {
		p.complainJSON(pr)
		return
	}
	fmt.Fprintf(p.Stderr, "bangtin: %s: %s\n", pr.field, p.text(pr.what))
	fmt.Fprintf(p.Stderr, "  %s: %s\n", p.text(say("remedy")), p.text(pr.remedy))
	if pr.cause != nil {
		fmt.Fprintf(p.Stderr, "  %s: %v\n", p.text(say("detail")), pr.cause)
	}
}
