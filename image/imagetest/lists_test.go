package main

import (
	"strings"
	"testing"
)

func TestAChangeOfAListIsSeen(t *testing.T) {
	for _, tt := range []struct{ want, seen, found string }{
		{"a b", "a b", ""},
		{"a b", "b a", ""}, // the order is the shell's
		{"a b", "a b c", "new: c"},
		{"a b", "b", "gone: a"},
		{"a", "a a", "new: a"},
		{"a a", "a", "gone: a"},
		{"a b", "a c", "new: c\ngone: b"},
	} {
		got := ""
		if err := changes(strings.Fields(tt.want), strings.Fields(tt.seen)); err != nil {
			got = err.Error()
		}
		if got != tt.found {
			t.Errorf("%q, then %q: %q, expected %q", tt.want, tt.seen, got, tt.found)
		}
	}
}

func TestAListIsWrittenAndCompared(t *testing.T) {
	dir := t.TempDir()
	l := list{name: "doors"}
	if err := l.compare(dir, "front\nback\n", false); err == nil {
		t.Error("a list that is not there is as it was")
	}
	if err := l.compare(dir, "front\nback\n", true); err != nil {
		t.Fatal(err)
	}
	if err := l.compare(dir, "front\nback", false); err != nil {
		t.Error(err)
	}
	if err := l.compare(dir, "front\nbangtin-agent.service 9.5\nback\n", false); err != nil {
		t.Errorf("the bench's own: %v", err)
	}
	if err := l.compare(dir, "front\nback\nwindow", false); err == nil {
		t.Error("a new line was not seen")
	}
}
