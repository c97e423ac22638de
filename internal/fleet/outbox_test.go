package fleet_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bangtin/internal/fleet"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

func TestOutboxIsEmptiedInOrder(t *testing.T) {
	r := newRig(t)
	r.config.Pace.Resend.Min = time.Minute // on a busy machine an acknowledgement takes a while
	r.remember(250)                        // more than two batches hold
	r.start()
	r.eventually("outbox is empty", func() bool { return r.depth() == 0 })
	r.remember(1) // one more while connected
	r.eventually("outbox is empty again", func() bool { return r.depth() == 0 })
	h := r.heard()
	if len(h.Records) != 251 || len(h.Gaps) != 0 || h.Duplicates != 0 {
		t.Errorf("%d records, gaps %v, %d duplicates; want 251 records", len(h.Records), h.Gaps, h.Duplicates)
	}
	if !strings.Contains(string(h.Records[0].Body), "test") {
		t.Errorf("body %s", h.Records[0].Body)
	}
}

// What is recorded while nothing else happens is sent because the journal says so, not when the outbox is looked into next.
func TestRecordsAreSentWhenMade(t *testing.T) {
	r := newRig(t)
	r.config.Pace.Poll = time.Hour
	r.ports.Recorded = r.journal.Grown()
	r.start()
	r.awaitOnline()
	for n := range 3 {
		r.remember(1)
		r.eventually("the record is acknowledged", func() bool { return r.depth() == 0 })
		if got := len(r.heard().Records); got != n+1 {
			t.Errorf("%d records, want %d", got, n+1)
		}
	}
}

// Proofs of play wait for each other; whatever else happens takes them along.
func TestPlaysGather(t *testing.T) {
	r := newRig(t)
	r.config.Gather = time.Hour
	r.start()
	r.awaitOnline()
	for range 3 {
		err := r.journal.Commit(t.Context(), journal.Write{Label: "test", Entries: []journal.Entry{{
			Stamp: stamp(), Kind: journal.KindPlay, Body: journal.Play{Item: "chao-mung"},
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	states := len(r.heard().States)
	r.changed <- struct{}{}
	r.eventually("a state after the plays", func() bool { return len(r.heard().States) > states })
	if n := len(r.heard().Records); n != 0 {
		t.Errorf("%d proofs of play did not wait", n)
	}
	r.remember(1)
	r.eventually("an incident takes the plays along", func() bool { return r.depth() == 0 })
	if h := r.heard(); len(h.Records) != 4 || h.Batches != 1 {
		t.Errorf("%d records in %d batches, want 4 in 1", len(h.Records), h.Batches)
	}
}

// A full batch need not wait, and neither do plays that have waited long enough.
func TestGatheredPlaysAreSent(t *testing.T) {
	for name, test := range map[string]struct {
		plays  int
		gather time.Duration
	}{
		"full batch":  {wire.MaxBatch, time.Hour},
		"waited":      {2, 50 * time.Millisecond},
		"no patience": {1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.config.Gather = test.gather
			w := journal.Write{Label: "test"}
			for range test.plays {
				w.Entries = append(w.Entries, journal.Entry{Stamp: stamp(), Kind: journal.KindPlay, Body: journal.Play{Item: "chao-mung"}})
			}
			if err := r.journal.Commit(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			r.start()
			r.eventually("plays are acknowledged", func() bool { return r.depth() == 0 })
		})
	}
}

// Whatever comes instead of the right acknowledgement, the outbox keeps its records, and the right one then works.
func TestOnlyTheRightAcknowledgementEmptiesTheOutbox(t *testing.T) {
	type sign func(r *rig, good wire.RecordsAck) ([]byte, error)
	signed := func(change func(*wire.RecordsAck)) sign {
		return func(r *rig, good wire.RecordsAck) ([]byte, error) {
			change(&good)
			return r.department.RecordsAck(good)
		}
	}
	by := func(kind trust.Type, signer func(*brokertest.Department) trust.Signer) sign {
		return func(r *rig, good wire.RecordsAck) ([]byte, error) {
			payload, err := wire.Encode(good)
			if err != nil {
				return nil, err
			}
			return brokertest.Seal(kind, payload, signer(r.department))
		}
	}
	tests := []struct {
		name   string
		sign   sign
		reason fleet.Reason
	}{
		{"unsigned", func(_ *rig, good wire.RecordsAck) ([]byte, error) { return wire.Encode(good) }, fleet.Reason(trust.Malformed)},
		{"by a stranger", by(trust.TypeCollect, func(d *brokertest.Department) trust.Signer { return d.Stranger }), fleet.Reason(trust.UnknownKey)},
		{"by another role", by(trust.TypeCollect, func(d *brokertest.Department) trust.Signer { return d.Power }), fleet.Reason(trust.WrongRole)},
		{"of another type", by(trust.TypeTime, func(d *brokertest.Department) trust.Signer { return d.Collect }), fleet.Reason(trust.WrongType)},
		{"for another display", signed(func(a *wire.RecordsAck) { a.Device = "other-display" }), fleet.WrongDevice},
		{"of more than was sent", signed(func(a *wire.RecordsAck) { a.UptoSeq++ }), fleet.BeyondSent},
		{"of very much more", signed(func(a *wire.RecordsAck) { a.UptoSeq = 1 << 52 }), fleet.BeyondSent},
		{"of another chain", signed(func(a *wire.RecordsAck) { a.Head = strings.Repeat("0a", 32) }), fleet.WrongHead},
		{"of another record's head", signed(func(a *wire.RecordsAck) { a.UptoSeq-- }), fleet.WrongHead},
		{"that makes no sense", signed(func(a *wire.RecordsAck) { a.UptoSeq = 0 }), fleet.BadOrder},
	}
	r := newRig(t)
	var lie atomic.Pointer[sign]
	r.centre.SetAnswer(func(good wire.RecordsAck) ([][]byte, error) {
		message, err := (*lie.Load())(r, good)
		return [][]byte{message}, err
	})
	r.config.Pace.Resend.Max = 300 * time.Millisecond
	lie.Store(&tests[0].sign)
	r.remember(5)
	r.start()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			before := r.refusals.of(test.reason, r.topics().EventsAck())
			lie.Store(&test.sign)
			r.eventually("refused and counted", func() bool {
				return r.refusals.of(test.reason, r.topics().EventsAck()) > before
			})
			if d := r.depth(); d != 5 {
				t.Errorf("outbox has %d records, want all 5", d)
			}
		})
	}
	r.t = t
	r.centre.SetAnswer(r.centre.Honest)
	r.eventually("outbox is empty", func() bool { return r.depth() == 0 })
}

func TestPartOfABatchMayBeAcknowledged(t *testing.T) {
	r := newRig(t)
	r.centre.SetAnswer(func(good wire.RecordsAck) ([][]byte, error) {
		h, err := r.centre.Heard(device)
		if err != nil {
			return nil, err
		}
		good.UptoSeq, good.Head = 2, h.Records[1].Hash.String()
		return r.centre.Honest(good)
	})
	r.remember(5)
	r.start()
	r.eventually("two are gone", func() bool { return r.depth() == 3 })
	r.centre.SetAnswer(r.centre.Honest)
	r.eventually("all are gone", func() bool { return r.depth() == 0 })
}

// A silent centre gets the same batch again, one at a time, and late answers to both do no harm.
func TestSilentCentre(t *testing.T) {
	r := newRig(t)
	r.centre.SetAnswer(r.centre.Silent)
	r.remember(3)
	r.start()
	r.eventually("batch is sent again", func() bool { return r.heard().Batches >= 2 })
	if d := r.depth(); d != 3 {
		t.Errorf("outbox has %d records without an acknowledgement, want 3", d)
	}
	r.centre.SetAnswer(func(good wire.RecordsAck) ([][]byte, error) {
		one, err := r.centre.Honest(good)
		return append(one, one...), err // twice
	})
	r.eventually("outbox is empty", func() bool { return r.depth() == 0 })
	r.remember(3)
	r.eventually("outbox is empty again", func() bool { return r.depth() == 0 })
	if n := r.refusals.all(); len(n) != 0 {
		t.Errorf("an acknowledgement that came twice was refused: %v", n)
	}
}

// The broker forgets everything, three times, each time with a batch on its way. None may be missing in the end.
func TestBrokerIsKilled(t *testing.T) {
	r := newRig(t)
	r.start()
	const rounds, each = 3, 40
	for round := range rounds {
		r.centre.SetAnswer(r.centre.Silent)
		r.remember(each / 2)
		r.eventually("some are on their way", func() bool { return len(r.heard().Records) > round*each })
		if err := r.broker.Kill(); err != nil {
			t.Fatal(err)
		}
		r.remember(each / 2)
		r.centre.SetAnswer(r.centre.Honest)
		if err := r.broker.Start(); err != nil {
			t.Fatal(err)
		}
		r.eventually("outbox is empty", func() bool { return r.depth() == 0 })
	}
	h := r.heard()
	if len(h.Records) != rounds*each || len(h.Gaps) != 0 || h.Duplicates == 0 {
		t.Errorf("%d records, gaps %v, %d came twice; want %d, none and some", len(h.Records), h.Gaps, h.Duplicates, rounds*each)
	}
}

// flaky is a journal on a disk that is full for a while.
type flaky struct {
	*sqlite.Journal
	failures atomic.Int32
}

func (f *flaky) Acknowledge(ctx context.Context, upto uint64, head journal.Hash) error {
	if f.failures.Add(-1) >= 0 {
		return errors.New("disk is full")
	}
	return f.Journal.Acknowledge(ctx, upto, head)
}

func TestOutboxThatCannotBeShortened(t *testing.T) {
	r := newRig(t)
	broken := &flaky{Journal: r.journal}
	broken.failures.Store(3)
	r.ports.Outbox = broken
	r.remember(2)
	r.start()
	r.eventually("outbox is empty", func() bool { return r.depth() == 0 })
	if h := r.heard(); len(h.Records) != 2 {
		t.Errorf("%d records, want 2", len(h.Records))
	}
}
