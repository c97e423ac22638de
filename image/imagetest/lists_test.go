package main

import (
	"os"
	"os/exec"
	"path/filepath"
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

// A list whose tools are missing, or fail, is none: an empty one would be as it was.
func TestAListOfAFailingToolIsNone(t *testing.T) {
	empty, failing := t.TempDir(), t.TempDir()
	for _, tool := range []string{"awk", "find", "systemctl", "systemd-analyze", "agent"} {
		if err := os.WriteFile(filepath.Join(failing, tool), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range lists() {
		for what, path := range map[string]string{"missing": empty, "failing": failing + ":/usr/bin"} {
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", l.script())
			cmd.Env = []string{"PATH=" + path, "AGENT=agent"}
			said, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("%s with %s tools ends well", l.name, what)
			}
			if _, err := whole(string(said)); err == nil {
				t.Errorf("%s with %s tools is whole: %s", l.name, what, said)
			}
		}
	}
}

// A list that is empty in truth is read to its end.
func TestAnEmptyListIsWhole(t *testing.T) {
	tools := t.TempDir()
	for _, tool := range []string{"find", "systemctl", "agent"} {
		if err := os.WriteFile(filepath.Join(tools, tool), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range lists() {
		if l.name != "failed" && l.name != "setuid" {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", l.script())
		cmd.Env = []string{"PATH=" + tools + ":/usr/bin", "AGENT=agent"}
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", l.name, err, said)
		}
		list, err := whole(string(said))
		if err == nil {
			err = l.compare("testdata", list, false)
		}
		if err != nil {
			t.Errorf("%s: %v", l.name, err)
		}
	}
	for _, said := range []string{"", "a\n", "a" + ends + "\n", ends} {
		if _, err := whole(said); err == nil {
			t.Errorf("%q is whole", said)
		}
	}
}

func TestALineIsAWord(t *testing.T) {
	for said, ok := range map[string]bool{"i6300ESB timer\n30\nactive\n": true, "i6300ESB timer\n30\ninactive\n": false, "": false} {
		if err := oneOf(said, "active"); (err == nil) != ok {
			t.Errorf("%q: %v", said, err)
		}
	}
}

func TestSizesCountAllButTheBench(t *testing.T) {
	pss, rss, mpv := sizes("bangtind 20000 26000\nmpv 170000 190000\nsh 200 900\nbangtin-agent 6000 7000\nsystemd 7000 12000\n: no such file\nmpv 5 6\n")
	if pss != 27000 || rss != 38000 || mpv != 170005 {
		t.Errorf("sizes: %d, %d and %d", pss, rss, mpv)
	}
}
