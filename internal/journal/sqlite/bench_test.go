package sqlite_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

// writtenBytes is what this process had the kernel write to storage (proc_pid_io(5), write_bytes): whole blocks,
// without what the file system's own journal adds.
func writtenBytes(b *testing.B) uint64 {
	b.Helper()
	f, err := os.Open("/proc/self/io")
	must(b, err)
	defer func() { must(b, f.Close()) }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "write_bytes: "); ok {
			var n uint64
			_, err := fmt.Sscan(value, &n)
			must(b, err)
			return n
		}
	}
	b.Fatal("no write_bytes in /proc/self/io")
	return 0
}

// The figures behind pageSize and autoCheckpoint. Run with -benchtime=5000x or more, on a real file system
// (TMPDIR), so that checkpoints are part of them.
func BenchmarkWrite(b *testing.B) {
	for _, bm := range []struct {
		name  string
		write func(b *testing.B, j *sqlite.Journal, n int) error
	}{
		{"play", func(b *testing.B, j *sqlite.Journal, n int) error {
			return j.Commit(b.Context(), journal.Write{Label: "play", Entries: []journal.Entry{play(n)}})
		}},
		{"ten plays", func(b *testing.B, j *sqlite.Journal, n int) error {
			entries := make([]journal.Entry, 10)
			for i := range entries {
				entries[i] = play(n*10 + i)
			}
			return j.Commit(b.Context(), journal.Write{Label: "plays", Entries: entries})
		}},
		{"order", func(b *testing.B, j *sqlite.Journal, n int) error {
			return j.Commit(b.Context(), journal.Write{
				Label: "order", Entries: []journal.Entry{incident(n)},
				Raise:    map[string]uint64{"power": uint64(n + 1)},
				Settings: map[string][]byte{"power": make([]byte, 600)},
			})
		}},
		{"heartbeat", func(b *testing.B, j *sqlite.Journal, n int) error {
			h := &journal.Heartbeat{At: int64(n), Floor: int64(n), Version: "1.0.0"}
			return j.Commit(b.Context(), journal.Write{Label: "heartbeat", Heartbeat: h})
		}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			j := open(b, options(newPath(b)))
			before := writtenBytes(b)
			n := 0
			for b.Loop() {
				must(b, bm.write(b, j, n))
				n++
			}
			b.ReportMetric(float64(writtenBytes(b)-before)/float64(n), "written-B/op")
		})
	}
}

// What a start costs with 90 days of records: 180,000 of them.
func BenchmarkOpenAndVerify(b *testing.B) {
	path := newPath(b)
	closed(b, options(path), func(j *sqlite.Journal) {
		for n := 0; n < 180_000; n += 1000 {
			entries := make([]journal.Entry, 1000)
			for i := range entries {
				entries[i] = play(n + i)
			}
			must(b, j.Commit(b.Context(), journal.Write{Label: "fill", Entries: entries}))
		}
	})
	info, err := os.Stat(path)
	must(b, err)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			closed(b, options(path), func(*sqlite.Journal) {})
		}
		b.ReportMetric(float64(info.Size()), "file-B")
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			mustVerify(b, path)
		}
	})
}
