package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	one = strings.Repeat("1", 64)
	two = strings.Repeat("2", 64)
)

func TestLockIsReadAsItIsWritten(t *testing.T) {
	text := formatLock([]debPackage{{Name: "libc6", Version: "2.41-12+deb13u5", SHA256: one}, {Name: "mpv", Version: "0.40.0-3", SHA256: two}})
	got, err := parseLock(text)
	want := map[string]locked{"libc6": {"2.41-12+deb13u5", one}, "mpv": {"0.40.0-3", two}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(locked{})); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestALockThatIsNone(t *testing.T) {
	for name, text := range map[string]string{
		"no hash":     "mpv 0.40\n",
		"short hash":  "mpv 0.40 1234\n",
		"capitals":    "mpv 0.40 " + strings.Repeat("A", 64) + "\n",
		"one more":    "mpv 0.40 " + one + " x\n",
		"an empty":    "\n",
		"twice":       "mpv 0.40 " + one + "\nmpv 0.41 " + two + "\n",
		"not a name":  "../mpv 0.40 " + one + "\n",
		"far too big": manyLocked(),
	} {
		if got, err := parseLock(text); err == nil {
			t.Errorf("%s: read as %d packages", name, len(got))
		}
	}
}

func manyLocked() string {
	var s strings.Builder
	for i := range maxLocked + 1 {
		s.WriteString("p" + strings.Repeat("a", i%100) + "." + strings.Repeat("b", i/100) + " 1 " + one + "\n")
	}
	return s.String()
}

func TestDescribeChange(t *testing.T) {
	last := map[string]locked{"gone": {"1", one}, "same": {"1", one}, "newer": {"1", one}, "rebuilt": {"1", one}}
	now := map[string]locked{"same": {"1", one}, "newer": {"2", two}, "rebuilt": {"1", two}, "added": {"3", one}}
	want := []string{
		"added is new: 3",
		"gone is gone: it was 1",
		"newer was 1 and is 2",
		"rebuilt 1 is another file than before, under the same version",
	}
	if diff := cmp.Diff(want, describeChange(last, now)); diff != "" {
		t.Error(diff)
	}
	if words := describeChange(now, now); words != nil {
		t.Errorf("%q changed in what is the same", words)
	}
}
