package main

import (
	"fmt"
	"strings"
	"testing"

	"bangtin/image/layout"
)

// TestBenchBoot: the root whose hash is on the command line is started, from whichever slot it is in.
func TestBenchBoot(t *testing.T) {
	needBench(t)
	one, two := makeRoot(t, "1"), makeRoot(t, "2")
	for _, test := range []struct {
		name string
		a, b []byte
		hash string
		want layout.Slot
	}{
		{"in A", one.image, two.image, one.hash, layout.A},
		{"in B", one.image, two.image, two.hash, layout.B},
	} {
		t.Run(test.name, func(t *testing.T) {
			newRig(t, test.a, test.b)
			got := boot(t, "console=ttyS0 "+layout.RootArg+test.hash+" quiet")
			want := fmt.Sprintf("init: process 1, slot %q", string(test.want)+"\n")
			if !strings.Contains(got.said, want) || got.end != 0 {
				t.Errorf("said %q, console %q, ended with %v; want %q", got.said, got.console, got.end, want)
			}
			t.Log(got.said)
		})
	}
}
