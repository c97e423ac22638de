package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

// childIsTraced says on standard output what it holds to be on the disk.
func childIsTraced() error {
	ctx := context.Background()
	j, err := sqlite.Open(ctx, options(os.Args[1]))
	if err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString("open\n"); err != nil {
		return err
	}
	for n := range 2 { // the first write to a log is a special one
		if err := j.Commit(ctx, journal.Write{Label: "x", Entries: []journal.Entry{play(n)}}); err != nil {
			return err
		}
		if _, err := os.Stdout.WriteString("committed\n"); err != nil {
			return err
		}
	}
	return j.Close()
}

var (
	syncCall   = regexp.MustCompile(`(?:fsync|fdatasync)\(\d+<([^>]*)>`)
	renameCall = regexp.MustCompile(`rename[a-z0-9]*\(.*?"([^"]*)".*?"([^"]*)"`)
	writeCall  = regexp.MustCompile(`write\(1<[^>]*>, "([a-z]*)\\n"`)
	digits     = regexp.MustCompile(`[0-9]{8}T[0-9]{6}Z`)
)

// traced runs a child and lists what it did, with F for the folder and J for the journal's path.
func traced(t *testing.T, path string) []string {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "-y", "-s", "4096", "-o", trace,
		"-e", "trace=fsync,fdatasync,rename,renameat,renameat2,write", os.Args[0], path)
	cmd.Env = append(os.Environ(), childEnv+"=sync")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	text, err := os.ReadFile(trace)
	must(t, err)
	short := func(name string) string {
		name = strings.Replace(name, path, "J", 1)
		return digits.ReplaceAllString(strings.Replace(name, filepath.Dir(path), "F", 1), "UTC")
	}
	var did []string
	for _, line := range strings.Split(string(text), "\n") {
		if m := syncCall.FindStringSubmatch(line); m != nil {
			did = append(did, "sync "+short(m[1]))
		} else if m := renameCall.FindStringSubmatch(line); m != nil {
			did = append(did, "rename "+short(m[1])+" "+short(m[2]))
		} else if m := writeCall.FindStringSubmatch(line); m != nil {
			did = append(did, m[1])
		}
	}
	return did
}

// No test can cut the power. But what is on the disk by then is what was synced before, and strace sees that: each
// step must be there, in this order, whatever else lies between.
func TestSyncs(t *testing.T) {
	if _, err := exec.LookPath("strace"); errors.Is(err, exec.ErrNotFound) {
		t.Skip("strace is not installed: nothing shows that the journal syncs what it says is safe")
	}
	committed := "sync J-wal, committed, sync J-wal, committed"
	begun := "sync J.draft, rename J.draft J.ready, sync F, "
	for _, tt := range []struct {
		name   string
		before func(t *testing.T) string
		want   string
	}{
		{"first start", func(t *testing.T) string { return newPath(t) },
			begun + "rename J.ready J, sync F, open, " + committed},
		{"next start", filled, "open, " + committed},
		{"damaged", func(t *testing.T) string {
			path := filled(t)
			damagePage(t, path)
			return path
		}, begun + "rename J J.damaged-UTC, sync F, rename J.ready J, sync F, open, " + committed},
		{"migration", func(t *testing.T) string {
			path := filled(t)
			tamper(t, path, "PRAGMA user_version = 1")
			return path
		}, "sync J.schema1.draft, rename J.schema1.draft J.schema1, sync F, sync J-wal, open, " + committed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			did := traced(t, tt.before(t))
			left := did
			for _, step := range strings.Split(tt.want, ", ") {
				for len(left) > 0 && left[0] != step {
					left = left[1:]
				}
				if len(left) == 0 {
					t.Fatalf("no %q where it must be; it did\n%s", step, strings.Join(did, "\n"))
				}
				left = left[1:]
			}
		})
	}
}
