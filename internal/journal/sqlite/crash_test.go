package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

// childEnv makes the test binary a child that works on a journal: "write", "prune", "limit" or "sync".
const childEnv = "BANGTIN_TEST_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	role := os.Getenv(childEnv)
	if role == "" {
		os.Exit(m.Run())
	}
	var err error
	switch role {
	case "write":
		err = childWrites()
	case "prune":
		err = childPrunes()
	case "limit":
		err = childMeetsLimit()
	case "sync":
		err = childIsTraced()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// childOptions kills the process at the moment named by the arguments: path, moment, and how often it passes
// before. SIGKILL leaves to the kernel what a power cut takes with it; TestSyncs is about that.
func childOptions() (sqlite.Options, error) {
	times, err := strconv.Atoi(os.Args[3])
	o := options(os.Args[1])
	o.Fault = func(moment string) {
		if moment == os.Args[2] {
			if times--; times < 0 {
				_ = unix.Kill(os.Getpid(), unix.SIGKILL)
				select {}
			}
		}
	}
	return o, err
}

// childWrites goes on where the last child was killed and says what was acknowledged to it.
func childWrites() error {
	o, err := childOptions()
	if err != nil {
		return err
	}
	ctx := context.Background()
	j, err := sqlite.Open(ctx, o)
	if err != nil {
		return err
	}
	for {
		n, err := j.Counter(ctx, "n")
		if err != nil {
			return err
		}
		n++
		if err := j.Commit(ctx, journal.Write{
			Label:    "order.accept",
			Entries:  []journal.Entry{play(int(n)), incident(int(n))},
			Settings: map[string][]byte{"last": []byte(itemName(int(n)))},
			Raise:    map[string]uint64{"n": n},

			Heartbeat: &journal.Heartbeat{At: int64(n)},
		}); err != nil {
			return err
		}
		fmt.Println("committed", n)
		oldest, err := j.Pending(ctx, 1)
		if err != nil {
			return err
		}
		if err := j.Acknowledge(ctx, oldest[0].Seq, oldest[0].Hash); err != nil {
			return err
		}
		fmt.Println("acknowledged", oldest[0].Seq)
		head, err := j.SignHead(ctx, noon.Unix())
		if err != nil {
			return err
		}
		fmt.Println("signed", head.Seq)
	}
}

func childPrunes() error {
	o, err := childOptions()
	if err != nil {
		return err
	}
	j, err := sqlite.Open(context.Background(), o)
	if err != nil {
		return err
	}
	for {
		if _, err := j.Prune(context.Background(), noon, sqlite.Policy{Age: 1 << 60, MaxBytes: 1, Batch: 7}); err != nil {
			return err
		}
	}
}

// killedChild runs a child until it is killed and returns the last number of each word it said.
func killedChild(t *testing.T, role, path, moment string, times int) map[string]uint64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], path, moment, strconv.Itoa(times))
	cmd.Env = append(os.Environ(), childEnv+"="+role)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("child ended with %v, want SIGKILL: %s", err, stderr.String())
	}
	said := map[string]uint64{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		var word string
		var n uint64
		_, err := fmt.Sscan(lines.Text(), &word, &n)
		must(t, err)
		said[word] = n
	}
	return said
}

func TestKilledAtEveryWrite(t *testing.T) {
	path := newPath(t)
	total := map[string]uint64{}
	for _, label := range []string{"order.accept", "outbox.acknowledge", "chain.sign"} {
		for _, moment := range []string{"begin:", "mid:", "done:"} {
			for times := range 4 {
				name := fmt.Sprintf("%s%s after %d", moment, label, times)
				for word, n := range killedChild(t, "write", path, moment+label, times) {
					total[word] = n
				}
				checkSurvived(t, name, path, total, moment+label)
			}
		}
	}
	if total["committed"] < 60 {
		t.Errorf("only %d commits", total["committed"])
	}
}

// checkSurvived compares the journal with what was acknowledged to the children. The write at which a child was
// killed is there if, and only if, its COMMIT had returned.
func checkSurvived(t *testing.T, name, path string, said map[string]uint64, moment string) {
	t.Helper()
	closed(t, options(path), func(j *sqlite.Journal) {
		if r := j.Recovered(); r != (sqlite.Recovered{}) {
			t.Fatalf("%s: recovered %v", name, r)
		}
		n, err := j.Counter(t.Context(), "n")
		must(t, err)
		want := said["committed"]
		if moment == "done:order.accept" {
			want++
			said["committed"] = want
		}
		if n != want {
			t.Fatalf("%s: counter %d, want %d", name, n, want)
		}
		last, err := j.Setting(t.Context(), "last")
		must(t, err)
		if n > 0 && string(last) != itemName(int(n)) {
			t.Errorf("%s: setting %s, want %s", name, last, itemName(int(n)))
		}
		beat, _, err := j.LastHeartbeat(t.Context())
		must(t, err)
		if uint64(beat.At) != n {
			t.Errorf("%s: heartbeat %d, want %d as everything else of its transaction", name, beat.At, n)
		}
	})
	report := mustVerify(t, path)
	if report.Last != 2*said["committed"] || report.Records != int(report.Last) {
		t.Fatalf("%s: report %+v after %d commits of two records", name, report, said["committed"])
	}
	acked := said["acknowledged"]
	if moment == "done:outbox.acknowledge" {
		acked++
		said["acknowledged"] = acked
	}
	if report.Acked != acked {
		t.Errorf("%s: acknowledged up to %d, want %d", name, report.Acked, acked)
	}
	checkOnce(t, name, path, said["committed"])
}

// checkOnce makes sure that every item from 1 to n has one play and one incident.
func checkOnce(t *testing.T, name, path string, n uint64) {
	t.Helper()
	for item, count := range query(t, path, `SELECT coalesce(body ->> 'item', body ->> 'detail'), count(*)
		FROM record WHERE kind IN ('play', 'incident') GROUP BY 1`) {
		i, err := strconv.Atoi(strings.TrimPrefix(item, "item-"))
		must(t, err)
		if count != 2 || i < 1 || uint64(i) > n {
			t.Errorf("%s: %s is there %d times", name, item, count)
		}
	}
}

func TestKilledWhilePruning(t *testing.T) {
	for _, moment := range []string{"begin:", "mid:", "done:"} {
		path := newPath(t)
		closed(t, options(path), func(j *sqlite.Journal) {
			for n := range 20 {
				commit(t, j, play(n), incident(n), play(n))
			}
		})
		for times := range 4 {
			killedChild(t, "prune", path, moment+"chain.prune", times)
			mustVerify(t, path)
			incidents := query(t, path, `SELECT body ->> 'detail', count(*) FROM record WHERE kind = 'incident' GROUP BY 1`)
			if len(incidents) != 20 {
				t.Errorf("%s %d: %d incidents, want 20", moment, times, len(incidents))
			}
			for item, count := range incidents {
				if count != 1 {
					t.Errorf("%s %d: %s is there %d times", moment, times, item, count)
				}
			}
		}
	}
}

// childMeetsLimit lets every write beyond a file size fail (EFBIG, an I/O error to SQLite), and then no more.
func childMeetsLimit() error {
	signal.Ignore(unix.SIGXFSZ)
	ctx := context.Background()
	j, err := sqlite.Open(ctx, options(os.Args[1]))
	if err != nil {
		return err
	}
	if err := limitFileSize(200 << 10); err != nil {
		return err
	}
	written, err := commitUntilError(ctx, j)
	if err == nil || written == 0 {
		return fmt.Errorf("%d commits, then %w; want some commits and an error", written, err)
	}
	n, err := j.Counter(ctx, "n")
	if err != nil || n != uint64(written) {
		return fmt.Errorf("counter %d after %d commits: %w", n, written, err)
	}
	if err := limitFileSize(unix.RLIM_INFINITY); err != nil {
		return err
	}
	for n := written + 1; n <= written+5; n++ {
		if err := j.Commit(ctx, numbered(n)); err != nil {
			return fmt.Errorf("after the limit was lifted: %w", err)
		}
	}
	fmt.Println(written + 5)
	return j.Close()
}

func limitFileSize(soft uint64) error {
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: soft, Max: unix.RLIM_INFINITY})
}

func numbered(n int) journal.Write {
	return journal.Write{
		Label: "numbered", Entries: []journal.Entry{play(n), incident(n)}, Raise: map[string]uint64{"n": uint64(n)},
	}
}

// commitUntilError counts the commits before the first that fails.
func commitUntilError(ctx context.Context, j *sqlite.Journal) (int, error) {
	for n := 1; n < 10_000; n++ {
		if err := j.Commit(ctx, numbered(n)); err != nil {
			return n - 1, err
		}
	}
	return 10_000, nil
}

func TestWriteErrorsLeaveNothingBehind(t *testing.T) {
	path := newPath(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], path)
	cmd.Env = append(os.Environ(), childEnv+"=limit")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	must(t, err)
	if report := mustVerify(t, path); report.Records != 2*n {
		t.Errorf("%d records after %d commits of two", report.Records, n)
	}
	checkOnce(t, "limit", path, uint64(n))
}

// However the room was used up, and whether or not the centre has it all, Prune finds room for its checkpoint.
func TestPruneOfAFullJournal(t *testing.T) {
	long := journal.Incident{Class: journal.Technical, Code: "x", Detail: strings.Repeat("x", 500), Count: 1}
	for name, fill := range map[string]func(n int) []journal.Entry{
		"plays": func(n int) []journal.Entry { return []journal.Entry{play(n)} },
		"incidents": func(n int) []journal.Entry {
			return []journal.Entry{{Stamp: stampAt(noon), Kind: journal.KindIncident, Body: long}}
		},
		"both": func(n int) []journal.Entry { return []journal.Entry{play(n), incident(n)} },
		"large": func(n int) []journal.Entry {
			return []journal.Entry{{Stamp: stampAt(noon), Kind: journal.KindPlay, Body: strings.Repeat("x", 8000)}}
		},
	} {
		for _, acknowledged := range []bool{true, false} {
			path := newPath(t)
			o := options(path)
			o.MaxBytes = 256 << 10
			closed(t, o, func(j *sqlite.Journal) {
				var err error
				for n := 0; err == nil; n++ {
					err = j.Commit(t.Context(), journal.Write{Label: "x", Entries: fill(n)})
				}
				if !errors.Is(err, sqlite.ErrFull) {
					t.Fatal(err)
				}
				// The last free bytes go too, until not even the daily head fits.
				for n := range 100 {
					small := map[string][]byte{itemName(n): make([]byte, 100)}
					err := j.Commit(t.Context(), journal.Write{Label: "x", Settings: small})
					if err != nil && !errors.Is(err, sqlite.ErrFull) {
						t.Fatal(err)
					}
				}
				if all := pending(t, j); acknowledged {
					must(t, j.Acknowledge(t.Context(), all[len(all)-1].Seq, all[len(all)-1].Hash))
				}
				done, err := j.Prune(t.Context(), noon, sqlite.Policy{MaxBytes: 128 << 10, Batch: 50})
				must(t, err)
				worth := acknowledged || name != "incidents"
				if (done.Removed > 0) != worth {
					t.Errorf("%s, acknowledged %v: pruned %+v", name, acknowledged, done)
				}
				if worth {
					_, err = j.SignHead(t.Context(), noon.Unix())
					must(t, err)
				}
			})
			mustVerify(t, path)
		}
	}
}

func TestFullJournal(t *testing.T) {
	path := newPath(t)
	o := options(path)
	o.MaxBytes = 256 << 10
	closed(t, o, func(j *sqlite.Journal) {
		written, err := commitUntilError(t.Context(), j)
		if !errors.Is(err, sqlite.ErrFull) {
			t.Fatalf("after %d commits: %v, want ErrFull", written, err)
		}
		if n, err := j.Counter(t.Context(), "n"); err != nil || n != uint64(written) {
			t.Errorf("counter %d after %d commits, %v", n, written, err)
		}
		done, err := j.Prune(t.Context(), noon, sqlite.Policy{Age: 1 << 60, MaxBytes: 128 << 10, Batch: 100})
		must(t, err)
		if done.Removed != 100 || done.Carried != 50 || done.Unsent != 50 {
			t.Errorf("pruned %+v", done)
		}
		must(t, j.Commit(t.Context(), numbered(written+1)))
	})
	mustVerify(t, path)
}
