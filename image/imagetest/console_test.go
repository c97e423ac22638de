package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatTheTerminalShows(t *testing.T) {
	for name, c := range map[string]struct {
		said string
		want []string // without the empty rows below
	}{
		"rows in their places": {"old\r\nrows\x1b[2;1HMàn hình\x1b[K\x1b[1;1H\x1b[7mBảng tin\x1b[m\x1b[K", []string{"Bảng tin", "Màn hình"}},
		"a shorter row":        {"\x1b[1;1Hlost and away\x1b[K\x1b[1;1Hon air\x1b[K\x1b[H", []string{"on air"}},
		"the rest is erased":   {"a\r\nb\r\nc\x1b[2;1H\x1b[J", []string{"a"}},
		"all is erased":        {"a\r\nb\x1b[2J\x1b[01;01Hc", []string{"c"}},
		"it scrolls":           {strings.Repeat("x\r\n", rows+5) + "y", append(slices.Repeat([]string{"x"}, rows-1), "y")},
		"the edge":             {strings.Repeat("ắ", columns+9), []string{strings.Repeat("ắ", columns)}},
		"what a page begins":   {"\x18\x1b%G\x1b(B\x0f\x1b[m\x1b[r\x1b[?7l\x1b[?25l\x1b[1;1Hx", []string{"x"}},
		"a place outside":      {"\x1b[77;1Hbelow\x1b[0;0Habove", append([]string{"above"}, append(make([]string, rows-2), "below")...)},
		"cut off":              {"a\x1b[1;", []string{"a"}},
		"cut off sooner":       {"a\x1b", []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := shows(c.said)
			want := append(slices.Clone(c.want), make([]string, rows-len(c.want))...)
			if !slices.Equal(got, want) {
				t.Errorf("shows\n%q, wanted\n%q", got, want)
			}
		})
	}
}

func TestTranscriptIsBounded(t *testing.T) {
	var seen transcript
	for range 3 {
		if _, err := seen.Write([]byte(strings.Repeat("a", saidAtMost/2))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := seen.Write([]byte("end")); err != nil {
		t.Fatal(err)
	}
	if got := seen.String(); len(got) != saidAtMost || !strings.HasSuffix(got, "aend") {
		t.Errorf("%d bytes", len(got))
	}
}
