package main_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/centre/store"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// TestKillAtEveryLabelledWrite kills the centre with SIGKILL before, inside and after transactions of each kind that
// comes from outside, and lets it go on. Every record arrives once, every command ends in a final status.
func TestKillAtEveryLabelledWrite(t *testing.T) {
	for _, kind := range []string{"batch", "command", "answer"} {
		for _, moment := range []string{"begin", "mid", "done"} {
			nth := 2
			if moment == "mid" {
				nth = 1 // nothing at all is in the database yet
			}
			label := fmt.Sprintf("%s:%s#%d", moment, kind, nth)
			t.Run(label, func(t *testing.T) { survive(t, label) })
		}
	}
}

func survive(t *testing.T, label string) {
	w := newWorld(t)
	d := w.display("tinh-bien-01")
	operator := w.operator()
	first := w.start("BANGTIN_TEST_KILL=" + label)
	w.eventually("the centre hears", func() bool { return w.metric("bangtin_broker_connected") == "1" })
	topics := must(wire.NewTopics(d.id))(t)
	sent := 0
	// One after the other, so that each kind comes first in a transaction of its own.
	for end := time.Now().Add(patience); first.alive(); sent++ {
		if time.Now().After(end) {
			t.Fatalf("%s was not reached: nothing was killed", label)
		}
		made := time.Now()
		payload := must(wire.Encode(wire.Command{ID: fmt.Sprintf("lenh-%06d", sent), Counter: uint64(made.UnixMilli()), Audience: []string{d.id},
			Expires: made.Add(time.Hour).UTC(), Kind: wire.DoRestartPlayer}))(t)
		raw := must(brokertest.Seal(trust.TypePower, payload, w.department.Power))(t)
		if err := operator.Publish(t.Context(), topics.CommandRequest(), false, raw); err != nil {
			t.Fatal(err)
		}
		d.remember(3)
		w.eventually("what was sent is done", func() bool { return d.depth() == 0 || !first.alive() })
	}
	d.remember(3)
	second := w.start()
	w.eventually("the outbox is empty", func() bool { return d.depth() == 0 })
	w.eventually("every command is done", func() bool {
		r := w.verify()
		return r.Commands >= sent
	})
	second.stop()
	report := w.verify()
	if !report.OK() || report.Records != d.made || report.Again != 0 {
		t.Errorf("%d records made, %+v", d.made, report)
	}
	live := must(must(store.Open(t.Context(), store.Options{Path: filepath.Join(w.dir, "center.db")}))(t).Live(t.Context(), time.Now(), 10))(t)
	if len(live) > 0 {
		t.Errorf("without a final status: %+v", live)
	}
	if notes := strings.Join(report.Notes, "\n"); notes != "" {
		t.Error(notes)
	}
}
