package main

import (
	"strings"
	"testing"

	"bangtin/image/layout"
)

func TestRootHash(t *testing.T) {
	hash := strings.Repeat("0123456789abcdef", 4)
	arg := layout.RootArg + hash
	const end = " " + layout.EndArg + "\n"
	for _, line := range []string{"", "quiet", arg, arg + end + "init=/bin/sh", arg + end + "quiet" + "x" + end[1:], arg + " x" + layout.EndArg, arg + " " + layout.EndArg + "="} {
		if _, err := rootHash(line); err == nil || !strings.Contains(err.Error(), "does not end with") {
			t.Errorf("%q: %v", line, err)
		}
	}
	for _, test := range []struct{ name, line, reason string }{
		{"alone", arg, ""},
		{"among others", "console=ttyS0,115200 quiet\t" + arg + " panic=10", ""},
		{"none", "quiet", "has no bangtin.root="},
		{"empty line", "", "has no bangtin.root="},
		{"no value", "quiet " + layout.RootArg, "of 0 characters"},
		{"twice", arg + " " + arg, "2 times"},
		{"two", arg + " " + layout.RootArg + strings.Repeat("0", 64), "2 times"},
		{"capital letters", layout.RootArg + strings.ToUpper(hash), "capital"},
		{"too short", layout.RootArg + hash[2:], "of 62 characters"},
		{"within a word", "x" + arg, "has no"},
		{"quoted", `"` + arg + `"`, "has no"},
		{"after the end of the kernel's own", "quiet -- " + arg, ""},
		{"too long", arg + strings.Repeat(" ", 2048), "bytes"},
	} {
		got, err := rootHash(test.line + end)
		if test.reason == "" && (err != nil || got.String() != hash) {
			t.Errorf("%s: %s, %v", test.name, got, err)
		}
		if test.reason != "" && (err == nil || !strings.Contains(err.Error(), test.reason)) {
			t.Errorf("%s: %v, want one about %q", test.name, err, test.reason)
		}
	}
}

// FuzzRootHash: what is taken stands in the line as a word of its own, and the argument does not stand there twice.
func FuzzRootHash(f *testing.F) {
	f.Add("quiet " + layout.RootArg + strings.Repeat("0f", 32) + " " + layout.EndArg)
	f.Add(layout.RootArg + " " + layout.RootArg)
	f.Fuzz(func(t *testing.T, line string) {
		hash, err := rootHash(line)
		if err != nil {
			return
		}
		if n := strings.Count(" "+strings.Join(strings.Fields(line), " "), " "+layout.RootArg); n != 1 {
			t.Fatalf("%d times in %q", n, line)
		}
		if !strings.HasSuffix(strings.TrimSpace(line), layout.EndArg) {
			t.Fatalf("%q goes on", line)
		}
		if !strings.Contains(line, layout.RootArg+hash.String()) {
			t.Fatalf("%s is not in %q", hash, line)
		}
	})
}
