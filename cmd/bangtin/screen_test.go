package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// A page that is too long keeps its top, its sum and what was left out; lines that the terminal breaks count as many.
func TestScreenFits(t *testing.T) {
	v := &view{p: &Program{}}
	long := strings.Repeat("x", 100)
	tests := map[string]struct {
		page          string
		width, height int
		want          string
	}{
		"fits":           {"head\na\nb\nsum\n", 80, 10, "head\na\nb\nsum\n"},
		"just fits":      {"head\na\nb\nc\nsum\n", 80, 5, "head\na\nb\nc\nsum\n"},
		"one too many":   {"head\na\nb\nc\nd\nsum\n", 80, 5, "head\na\nb\n… and 2 more lines: a larger window or --gate shows them\nsum\n"},
		"broken lines":   {"head\na\n" + long + "\nb\nsum\n", 40, 5, "head\na\n… and 2 more lines: a larger window or --gate shows them\nsum\n"},
		"letters, bytes": {"head\n" + strings.Repeat("ế", 40) + "\nb\nc\nsum\n", 40, 5, "head\n" + strings.Repeat("ế", 40) + "\nb\nc\nsum\n"},
		"very low":       {"head\na\nb\nc\nd\nsum\n", 80, 1, "head\na\nb\n… and 2 more lines: a larger window or --gate shows them\nsum\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := v.fit(tt.page, tt.width, tt.height); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// The time on top goes on while nothing changes, and a broken line is told above what it makes old.
func TestScreenTellsItsAge(t *testing.T) {
	out := &book{}
	now := func() time.Time { return morning }
	v := &view{p: &Program{Stdout: out, Stderr: out, Now: now}, wall: newWall(now), local: now, screen: true}
	if err := v.lineBroke("tls://a:1", io.EOF); err != nil {
		t.Fatal(err)
	}
	v.redraw(nil, func() (int, int) { return 80, 24 })
	if !strings.Contains(out.String(), "WHAT STANDS BELOW IS OLD: not connected to tls://a:1: EOF") {
		t.Errorf("does not say that it is old: %q", out)
	}
	drawn := len(out.String())
	if err := v.lineStands("tls://a:1"); err != nil {
		t.Fatal(err)
	}
	v.redraw(nil, func() (int, int) { return 80, 24 })
	if again := out.String()[drawn:]; strings.Contains(again, "OLD") || !strings.Contains(again, morning.Format("15:04:05")) {
		t.Errorf("draws %q", again)
	}
}
