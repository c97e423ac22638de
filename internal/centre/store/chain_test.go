package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/centre/store"
	"bangtin/internal/journal"
)

func TestAppendsAndKnowsWhatCameAgain(t *testing.T) {
	d, c := open(t, store.Options{}), newChain(t)
	all := c.plays(10)
	first := d.collect(all[:4]...)
	if first.Stored != 4 || first.Upto != 4 || first.Head != all[3].Hash {
		t.Errorf("first: %+v", first)
	}
	overlap := d.collect(all[2:8]...)
	if overlap.Stored != 4 || overlap.Duplicates != 2 || overlap.Upto != 8 || overlap.Head != all[7].Hash {
		t.Errorf("overlap: %+v", overlap)
	}
	// What came again is acknowledged by its own end: the display refuses the head of what it did not just send.
	again := d.collect(all[:4]...)
	if again.Stored != 0 || again.Duplicates != 4 || again.Upto != 4 || again.Head != all[3].Hash || len(again.Incidents) > 0 {
		t.Errorf("again: %+v", again)
	}
	d.reopen(store.Options{}) // what is known is known after a restart
	if o := d.collect(all[6:]...); o.Stored != 2 || o.Duplicates != 2 {
		t.Errorf("after a restart: %+v", o)
	}
	if r := d.verify(); !r.OK() || r.Records != 10 {
		t.Errorf("%+v", r)
	}
}

func TestGapIsKeptUntilACheckpointExplainsIt(t *testing.T) {
	d, c := open(t, store.Options{}), newChain(t)
	d.collect(c.plays(3)...)
	lost := c.plays(5)
	kept := c.plays(1)[0]
	o := d.collect(kept)
	if diff := cmp.Diff([]string{store.RecordsMissing}, codes(o)); diff != "" || o.Gaps != 1 {
		t.Errorf("(-want +got):\n%s\n%+v", diff, o)
	}
	if r := d.verify(); len(r.Findings) != 1 || !strings.Contains(r.Findings[0], "records 4 to 8 did not come") {
		t.Errorf("unexplained: %q", r.Findings)
	}
	last := lost[len(lost)-1]
	d.collect(c.next(journal.KindCheckpoint, journal.Checkpoint{Upto: last.Seq, Hash: last.Hash, Reason: journal.PrunedSize, Unsent: 5}))
	r := d.verify()
	if !r.OK() || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "(size)") {
		t.Errorf("explained: %q, %q", r.Findings, r.Notes)
	}
}

// A journal that was set aside begins anew far above, with a checkpoint that says so and follows nothing.
func TestJournalBegunAnewAfterDamage(t *testing.T) {
	d, c := open(t, store.Options{}), newChain(t)
	d.collect(c.plays(3)...)
	c.seq, c.hash, c.boot = 1<<20, journal.Hash{}, "boot-2"
	o := d.collect(c.next(journal.KindCheckpoint, journal.Checkpoint{Upto: 1 << 20, Reason: journal.PrunedDamaged}))
	if o.Gaps != 1 || o.Replaced != 0 {
		t.Errorf("%+v", o)
	}
	d.collect(c.plays(2)...)
	if r := d.verify(); !r.OK() || len(r.Notes) != 1 || r.Records != 6 {
		t.Errorf("%+v", r)
	}
}

func TestAnotherChainIsKeptBesideTheFirst(t *testing.T) {
	tests := []struct {
		name string
		seq  uint64
		own  bool // follows the first chain's record of that number
	}{
		{"restarts", 0, false},
		{"another hash at a known number", 3, true},
		{"next number, another predecessor", 6, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, c := open(t, store.Options{}), newChain(t)
			all := c.plays(6)
			d.collect(all...)
			other := newChain(t)
			other.boot, other.seq = "boot-other", tt.seq
			if tt.own {
				other.hash = all[tt.seq-1].Hash
			} else if tt.seq > 0 {
				other.hash = journal.Hash{1}
			}
			batch := other.plays(4)
			o := d.collect(batch...)
			if diff := cmp.Diff([]string{store.ChainReplaced}, codes(o)); diff != "" || o.Stored != 4 || o.Replaced != 1 {
				t.Errorf("(-want +got):\n%s\n%+v", diff, o)
			}
			if o.Upto != other.seq || o.Head != other.hash {
				t.Errorf("not acknowledged: %+v", o)
			}
			// The broker delivers an old batch of the first chain once more: nothing begins anew.
			if old := d.collect(all[2:5]...); old.Duplicates != 3 || old.Replaced+old.Gaps+old.Stored != 0 {
				t.Errorf("old batch: %+v", old)
			}
			if o := d.collect(other.plays(2)...); o.Stored != 2 || o.Replaced+o.Gaps != 0 {
				t.Errorf("goes on: %+v", o)
			}
			if r := d.verify(); !r.OK() || r.Records != 12 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// What a display carries over a prune comes with a new number and counts once.
func TestAppendedAgainCountsOnce(t *testing.T) {
	d, c := open(t, store.Options{}), newChain(t)
	e := journal.Entry{Stamp: c.stamp(), Kind: journal.KindIncident, Body: journal.Incident{Code: "panel-silent", Count: 1}}
	d.collect(c.seal(e))
	d.collect(c.plays(3)...)
	sibling := e
	sibling.Body = journal.Incident{Code: "panel-silent", Count: 2}
	o := d.collect(c.seal(e), c.seal(sibling))
	if o.Stored != 2 || o.Again != 1 {
		t.Errorf("%+v", o)
	}
	c.boot, c.mono = "boot-2", 0
	d.collect(c.plays(2)...)
	if o := d.collect(c.seal(e)); o.Again != 1 {
		t.Errorf("of an earlier run: %+v", o)
	}
	r := d.verify()
	if !r.OK() || r.Records != 9 || r.Again != 2 {
		t.Errorf("%+v", r)
	}
}

// Records of a clock that nobody trusted get a time when a later record of the same run tells it.
func TestBackdates(t *testing.T) {
	d, c := open(t, store.Options{}), newChain(t)
	wrong := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	untrusted := func(mono time.Duration) journal.Record {
		return c.seal(journal.Entry{Stamp: journal.Stamp{Boot: c.boot, Mono: mono, Wall: wrong.Add(mono), Trust: journal.Floored},
			Kind: journal.KindIncident, Body: journal.Incident{Code: "test", Count: 1}})
	}
	told := func(mono time.Duration, wall time.Time) journal.Record {
		c.mono = mono
		return c.next(journal.KindClock, journal.Clock{Boot: c.boot, Mono: mono, Wall: wall, Trust: journal.Signed})
	}
	d.collect(untrusted(10*time.Second), untrusted(70*time.Second), told(100*time.Second, noon))
	d.collect(told(200*time.Second, noon.Add(time.Hour)))
	// The first Clock's own record is a second younger than what it says, so the second Clock dates it.
	var want []string
	for _, at := range []time.Duration{-90 * time.Second, -30 * time.Second, time.Hour - 99*time.Second} {
		want = append(want, noon.Add(at).Format(time.RFC3339))
	}
	got := d.rows("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000000000, 'unixepoch') FROM record WHERE at IS NOT NULL ORDER BY seq")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Numbers that would not fit are the display's own trouble.
	d.collect(told(1<<62, time.Unix(0, 0)))
	if r := d.verify(); !r.OK() {
		t.Errorf("%q", r.Findings)
	}
}

// The corrected times are those of journal.Dated, whatever the clocks say in whatever order.
func TestBackdatesAsTheJournalDoes(t *testing.T) {
	trusts := []journal.TimeTrust{journal.Untrusted, journal.Floored, journal.Synchronised, journal.Signed}
	random := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		d, c := open(t, store.Options{}), newChain(t)
		var records []journal.Record
		var clocks []journal.Clock
		for range 60 {
			c.mono += time.Duration(random.IntN(100)) * time.Second
			stamp := journal.Stamp{Boot: c.boot, Mono: c.mono, Wall: noon.Add(time.Duration(random.IntN(1e6)) * time.Second), Trust: trusts[random.IntN(4)]}
			e := journal.Entry{Stamp: stamp, Kind: journal.KindIncident, Body: journal.Incident{Code: "test", Count: 1}}
			if random.IntN(8) == 0 {
				clock := journal.Clock{Boot: c.boot, Mono: c.mono, Wall: noon.Add(time.Duration(random.IntN(1e6)) * time.Second), Trust: trusts[2+random.IntN(2)]}
				clocks = append(clocks, clock)
				e.Kind, e.Body = journal.KindClock, clock
			}
			records = append(records, c.seal(e))
		}
		d.collect(records[:40]...)
		d.collect(records[40:]...)
		var want []string
		for _, r := range records {
			at, trust := journal.Dated(r.Stamp, clocks)
			want = append(want, fmt.Sprint(at.UnixNano(), " ", trust))
		}
		got := d.rows("SELECT coalesce(at, wall) || ' ' || coalesce(worth, trust) FROM record ORDER BY seq")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func TestBudgetOfADay(t *testing.T) {
	d, c := open(t, store.Options{Daily: 3000}), newChain(t)
	o := d.collect(c.plays(4)...)
	rest := c.plays(10)
	over := d.collect(rest...)
	if o.Refused != "" || over.Refused != store.OverBudget || over.Upto != 0 {
		t.Errorf("%+v\n%+v", o, over)
	}
	if diff := cmp.Diff([]string{store.BudgetSpent}, codes(over)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if more := d.collect(rest...); more.Refused != store.OverBudget || len(more.Incidents) > 0 {
		t.Errorf("told twice: %+v", more)
	}
	other := &store.Batch{Device: "vinh-xuong-01", Records: newChain(t).plays(2)}
	if o := d.write(store.Change{Batch: other})[0]; o.Refused != "" {
		t.Errorf("another display: %+v", o)
	}
	tomorrow, err := d.Write(t.Context(), noon.Add(24*time.Hour), []store.Change{{Batch: &store.Batch{Device: device, Records: rest[:4]}}})
	if err != nil || tomorrow[0].Stored != 4 {
		t.Errorf("tomorrow: %+v, %v", tomorrow, err)
	}
}

func TestNumberOfDisplaysIsLimited(t *testing.T) {
	d := open(t, store.Options{Displays: 1})
	d.collect(newChain(t).plays(1)...)
	b := &store.Batch{Device: "vinh-xuong-01", Records: newChain(t).plays(1)}
	if o := d.write(store.Change{Batch: b})[0]; o.Refused != store.TooManyDisplays {
		t.Errorf("%+v", o)
	}
	known, err := d.Displays(t.Context())
	if err != nil || len(known) != 1 || known[0].Device != device || !known[0].Heard.Equal(noon) {
		t.Errorf("%+v, %v", known, err)
	}
}

// Beginning a new chain again and again is charged like everything else.
func TestBudgetHoldsForReplacedChains(t *testing.T) {
	d := open(t, store.Options{Daily: 20_000})
	stored, refused := 0, 0
	for i := range 20 {
		c := newChain(t)
		c.mono = time.Duration(i) * time.Hour
		if o := d.collect(c.plays(10)...); o.Refused == "" {
			stored += o.Stored
		} else {
			refused++
		}
	}
	if stored > 60 || refused < 14 {
		t.Errorf("%d records stored, %d batches refused", stored, refused)
	}
}
