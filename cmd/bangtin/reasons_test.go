package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"bangtin/internal/trust"
)

// codesOf finds what stands between backquotes and looks like a code.
func codesOf(text string) []string {
	var all []string
	for _, m := range regexp.MustCompile("`([a-z]+(?:-[a-z]+)*)(?:-…)?`").FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// between cuts a part out of a page.
func between(t *testing.T, page, from, to string) string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(raw), from)
	part, _, _ := strings.Cut(rest, to) // or its end
	if !found {
		t.Fatalf("%s has no part from %q to %q", page, from, to)
	}
	return part
}

// Every reason of the contract, and every alarm, is told in words with what to do, in both languages.
func TestEveryReasonIsInWords(t *testing.T) {
	var codes []string
	for _, r := range trust.Reasons() {
		codes = append(codes, string(r))
	}
	for row := range strings.Lines(between(t, "PROTOCOL.md", "| REJECTED because | |\n", "\n\n")) {
		cells := strings.Split(row, "|")
		if in := cells[1]; strings.Contains(in, "a reason of the envelope") {
			codes = append(codes, codesOf(cells[2])...)
		} else {
			codes = append(codes, codesOf(in)...)
		}
	}
	for row := range strings.Lines(between(t, "PROTOCOL.md", "| FAILED because |\n|---|---|---|---|\n", "\n\n")) {
		failed := strings.Split(strings.TrimSpace(row), "|")[4]
		codes = append(codes, codesOf(strings.ReplaceAll(failed, "(`rule` says", "("))...)
	}
	codes = append(codes, codesOf(between(t, "PROTOCOL.md", "`desired/power`: ", "## "))...)
	if len(codes) < 45 {
		t.Errorf("only %d reasons found in PROTOCOL.md: %q", len(codes), codes)
	}
	codes = append(codes, "expired", "revoked") // told beside the tables
	alarms := 0
	for row := range strings.Lines(between(t, "OPERATIONS.md", "| code | what it means | what to do |\n|---|---|---|\n", "\n\n")) {
		cells := strings.Split(row, "|")
		if len(cells) < 4 || strings.Contains(cells[2], "causes") || strings.Contains(cells[2], "centre:") {
			continue // no alarm of a display
		}
		found := codesOf(cells[1])
		codes, alarms = append(codes, found...), alarms+len(found)
	}
	if alarms < 30 {
		t.Errorf("only %d alarms found in OPERATIONS.md", alarms)
	}
	for _, code := range codes {
		ph, ok := reasonWord(code)
		if !ok {
			t.Errorf("nobody has words for %s", code)
		} else if vietnamese()[ph.english] == "" {
			t.Errorf("no Vietnamese for %s", code)
		}
	}
	if got := (&Program{}).reasonWords("some\u202enew"); got != "some\ufffdnew" {
		t.Errorf("%q", got)
	}
}
