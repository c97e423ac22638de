package sqlite_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

func itemName(n int) string { return fmt.Sprintf("item-%d", n) }

func TestCommitIsAllOrNothing(t *testing.T) {
	j := open(t, options(newPath(t)))
	ctx := t.Context()
	must(t, j.Commit(ctx, journal.Write{
		Label:    "order.accept",
		Entries:  []journal.Entry{play(1), play(2)},
		Settings: map[string][]byte{"power": []byte("on"), "empty": {}},
		Raise:    map[string]uint64{"power": 10},
	}))
	err := j.Commit(ctx, journal.Write{
		Label:    "order.accept",
		Entries:  []journal.Entry{play(3)},
		Settings: map[string][]byte{"power": []byte("off"), "new": []byte("x")},
		Raise:    map[string]uint64{"a": 1, "power": 10},
	})
	if !errors.Is(err, journal.ErrStale) {
		t.Fatalf("got %v, want ErrStale", err)
	}
	for key, want := range map[string]string{"power": "on", "empty": "", "new": ""} {
		got, err := j.Setting(ctx, key)
		must(t, err)
		if string(got) != want || (got == nil) != (key == "new") {
			t.Errorf("setting %s is %q (nil %v), want %q", key, got, got == nil, want)
		}
	}
	for name, want := range map[string]uint64{"power": 10, "a": 0} {
		got, err := j.Counter(ctx, name)
		must(t, err)
		if got != want {
			t.Errorf("counter %s is %d, want %d", name, got, want)
		}
	}
	if got := len(pending(t, j)); got != 2 {
		t.Errorf("%d records, want 2", got)
	}
}

// Records that are safe are told of once; what appends none, or nothing, tells of none.
func TestGrown(t *testing.T) {
	j := open(t, options(newPath(t)))
	told := func() bool {
		select {
		case <-j.Grown():
			return true
		default:
			return false
		}
	}
	must(t, j.Commit(t.Context(), journal.Write{Label: "test", Raise: map[string]uint64{"a": 1}}))
	if err := j.Commit(t.Context(), journal.Write{Label: "test", Entries: []journal.Entry{play(1)}, Raise: map[string]uint64{"a": 1}}); err == nil {
		t.Fatal("a counter did not rise")
	}
	if told() {
		t.Error("told without a record")
	}
	commit(t, j, play(1))
	commit(t, j, play(2))
	if !told() || told() {
		t.Error("not told once")
	}
}

// A counter that was raised too far is set down, and only down; with it goes the rest of the write, or nothing.
func TestCommitLowers(t *testing.T) {
	j := open(t, options(newPath(t)))
	ctx := t.Context()
	must(t, j.Commit(ctx, journal.Write{Label: "x", Raise: map[string]uint64{"power": 1000}}))
	for _, bad := range []map[string]uint64{{"power": 1000}, {"power": 1001}, {"power": 10, "never": 1}} {
		err := j.Commit(ctx, journal.Write{Label: "x", Entries: []journal.Entry{play(1)}, Raise: map[string]uint64{"a": 1}, Lower: bad})
		if !errors.Is(err, journal.ErrStale) {
			t.Errorf("lower %v: got %v, want ErrStale", bad, err)
		}
	}
	must(t, j.Commit(ctx, journal.Write{Label: "x", Entries: []journal.Entry{play(2)}, Lower: map[string]uint64{"power": 10}}))
	for name, want := range map[string]uint64{"power": 10, "a": 0, "never": 0} {
		got, err := j.Counter(ctx, name)
		must(t, err)
		if got != want {
			t.Errorf("counter %s is %d, want %d", name, got, want)
		}
	}
	if got := len(pending(t, j)); got != 1 {
		t.Errorf("%d records, want 1", got)
	}
}

// The log of a large transaction is cut once it is in the database.
func TestLogShrinks(t *testing.T) {
	path := newPath(t)
	j := open(t, options(path))
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		must(t, err)
		return info.Size()
	}
	must(t, j.Commit(t.Context(), journal.Write{Label: "x", Settings: map[string][]byte{"large": make([]byte, 20<<20)}}))
	if size() < 20<<20 {
		t.Fatalf("the log has %d bytes already", size())
	}
	commit(t, j, play(1)) // begins the log anew
	if size() > 8<<20 {
		t.Errorf("the log has %d bytes still", size())
	}
}

func TestSettingIsDeletedByNil(t *testing.T) {
	j := open(t, options(newPath(t)))
	must(t, j.Commit(t.Context(), journal.Write{Label: "a", Settings: map[string][]byte{"k": []byte("v")}}))
	must(t, j.Commit(t.Context(), journal.Write{Label: "b", Settings: map[string][]byte{"k": nil}}))
	got, err := j.Setting(t.Context(), "k")
	must(t, err)
	if got != nil {
		t.Errorf("got %q, want nil", got)
	}
}

func TestEverythingIsThereAfterReopening(t *testing.T) {
	path := newPath(t)
	mains := true
	beat := journal.Heartbeat{At: 1798800000, Open: journal.Segment{From: 1798799000, State: journal.OnAir}, Mains: &mains}
	closed(t, options(path), func(j *sqlite.Journal) {
		commit(t, j, play(1), incident(2))
		must(t, j.Commit(t.Context(), journal.Write{Label: "a", Heartbeat: &journal.Heartbeat{At: 1}}))
		must(t, j.Commit(t.Context(), journal.Write{Label: "b", Heartbeat: &beat}))
		must(t, j.Commit(t.Context(), journal.Write{Label: "c"})) // leaves it
	})
	j := open(t, options(path))
	if r := j.Recovered(); r != (sqlite.Recovered{}) {
		t.Errorf("recovered %v from a sound journal", r)
	}
	got, ok, err := j.LastHeartbeat(t.Context())
	must(t, err)
	if !ok || got.At != beat.At || got.Open != beat.Open || *got.Mains != mains {
		t.Errorf("heartbeat is %+v, want %+v", got, beat)
	}
	all := pending(t, j)
	if len(all) != 2 || all[0].Seq != 1 || all[1].Seq != 2 || all[0].Prev != (journal.Hash{}) {
		t.Fatalf("records are %+v", all)
	}
	if err := errors.Join(journal.Check(journal.Hash{}, all[0]), journal.Check(all[0].Hash, all[1])); err != nil {
		t.Error(err)
	}
	if all[0].Stamp != play(1).Stamp {
		t.Errorf("stamp is %+v, want %+v", all[0].Stamp, play(1).Stamp)
	}
}

func TestRecordKeepsItsHashOnTheWire(t *testing.T) {
	j := open(t, options(newPath(t)))
	e := incident(1)
	e.Body = journal.Incident{Class: journal.Cyber, Code: "x", Detail: "<a href=\"&\u2028\">\xff Tịnh Biên ភាសាខ្មែរ", Count: 1}
	commit(t, j, e)
	sent, err := json.Marshal(pending(t, j)[0])
	must(t, err)
	var got journal.Record
	must(t, json.Unmarshal(sent, &got))
	if err := journal.Check(journal.Hash{}, got); err != nil {
		t.Errorf("%v: %s", err, sent)
	}
}

func TestSegments(t *testing.T) {
	j := open(t, options(newPath(t)))
	base := noon.Unix()
	commit(t, j,
		segment(base, base+100, journal.OnAir, ""),
		play(1),
		segment(base+100, base+160, journal.Lost, journal.CausePanelSilent),
		segment(base+160, base+400, journal.Unverified, ""))
	for _, tt := range []struct {
		from, to int64
		want     int
	}{
		{base, base + 400, 3}, {base + 99, base + 100, 1}, {base + 100, base + 101, 1}, {base + 50, base + 101, 2},
		{base - 10, base, 0}, {base + 400, base + 500, 0}, {0, 1 << 40, 3},
	} {
		got, err := j.Segments(t.Context(), tt.from, tt.to)
		must(t, err)
		if len(got) != tt.want {
			t.Errorf("[%d,%d): %d segments, want %d", tt.from-base, tt.to-base, len(got), tt.want)
		}
	}
	all, err := j.Segments(t.Context(), base, base+400)
	must(t, err)
	totals := journal.Tally(all, base+90, base+200)
	if totals.OnAir != 10 || totals.Unverified != 40 || totals.Lost[journal.CausePanelSilent] != 60 {
		t.Errorf("totals %+v", totals)
	}
}

// A clock that was an hour ahead booked time that was not; the void takes it back, and what was recorded
// afterwards counts.
func TestSegmentsComeInTheOrderOfTheirRecords(t *testing.T) {
	j := open(t, options(newPath(t)))
	base := noon.Unix()
	commit(t, j,
		segment(base+3600, base+3660, journal.OnAir, ""),
		segment(base+3600, base+3660, journal.Void, ""),
		segment(base, base+3600, journal.OnAir, ""),
		segment(base+3600, base+3610, journal.Lost, journal.CausePanelSilent),
		segment(base+3610, base+3660, journal.OnAir, ""))
	got, err := j.Segments(t.Context(), base+3599, base+3660)
	must(t, err)
	if len(got) != 5 || got[0].From != base+3600 || got[1].State != journal.Void || got[2].From != base {
		t.Errorf("segments %+v", got)
	}
	totals := journal.Tally(got, base, base+7200)
	if totals.OnAir != 3650 || totals.Lost[journal.CausePanelSilent] != 10 {
		t.Errorf("totals %+v", totals)
	}
	if got, err = j.Segments(t.Context(), base, base+3600); err != nil || len(got) != 1 {
		t.Errorf("beside the void: %+v, %v", got, err)
	}
}

func TestOutbox(t *testing.T) {
	j := open(t, options(newPath(t)))
	ctx := t.Context()
	depth := func(want uint64) {
		t.Helper()
		got, err := j.Depth(ctx)
		must(t, err)
		if got != want {
			t.Errorf("depth %d, want %d", got, want)
		}
	}
	depth(0)
	commit(t, j, play(1), play(2), play(3))
	depth(3)
	all := pending(t, j)
	for name, ack := range map[string]func() error{
		"beyond the end":  func() error { return j.Acknowledge(ctx, 4, all[2].Hash) },
		"far beyond":      func() error { return j.Acknowledge(ctx, 1<<63+5, all[2].Hash) },
		"another chain":   func() error { return j.Acknowledge(ctx, 3, all[1].Hash) },
		"no hash at all":  func() error { return j.Acknowledge(ctx, 1, journal.Hash{}) },
		"hash of another": func() error { return j.Acknowledge(ctx, 2, all[2].Hash) },
	} {
		if err := ack(); !errors.Is(err, journal.ErrForeignAck) {
			t.Errorf("%s: got %v, want ErrForeignAck", name, err)
		}
	}
	depth(3)
	must(t, j.Acknowledge(ctx, 2, all[1].Hash))
	must(t, j.Acknowledge(ctx, 2, all[1].Hash))
	must(t, j.Acknowledge(ctx, 1, all[0].Hash))
	depth(1)
	if left := pending(t, j); len(left) != 1 || left[0].Seq != 3 {
		t.Errorf("pending %+v", left)
	}
	must(t, j.Acknowledge(ctx, 3, all[2].Hash))
	depth(0)
}

func TestCounterAboveInt64IsRefused(t *testing.T) {
	j := open(t, options(newPath(t)))
	err := j.Commit(t.Context(), journal.Write{Label: "x", Raise: map[string]uint64{"c": 1 << 63}})
	if err == nil || errors.Is(err, journal.ErrStale) {
		t.Errorf("got %v", err)
	}
}
