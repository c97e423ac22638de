package fleet_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/fleet"
)

func TestStatesAreCountedAndTellTheOutbox(t *testing.T) {
	r := newRig(t)
	r.centre.SetAnswer(r.centre.Silent)
	r.remember(4)
	r.config.Heartbeat = fleet.StateEvery
	stop := r.start()
	r.eventually("three heartbeats", func() bool { return len(r.heard().States) >= 3 })
	stop()
	for i, s := range r.heard().States {
		if s.Seq != uint64(i+1) || s.Outbox.Depth != 4 {
			t.Errorf("state %d: seq %d, depth %d; want depth 4", i+1, s.Seq, s.Outbox.Depth)
		}
	}
}

// While the panel is meant to be off, states come at a fifth of the pace.
func TestStatesAreRareOffAir(t *testing.T) {
	for panel, want := range map[string]time.Duration{"on": time.Minute, "off": 5 * time.Minute} {
		if got := fleet.HeartbeatAfter(time.Minute, panel); got < want*9/10-fleet.StateEvery || got > want*11/10 {
			t.Errorf("with the panel %s the next state comes after %s, want about %s", panel, got, want)
		}
	}
}

// Offsets in milliseconds, on the virtual clock, at which a state is published.
func TestPaceOfStates(t *testing.T) {
	tests := []struct {
		name    string
		changes []time.Duration
		want    []time.Duration
	}{
		{"heartbeats alone", nil, []time.Duration{0, 10, 20, 30}},
		{"one change", []time.Duration{4}, []time.Duration{0, 4, 14, 24, 34}},
		{"change right after the first", []time.Duration{0}, []time.Duration{0, 1, 11, 21, 31}},
		{"many changes in one second", []time.Duration{4, 4, 4, 4}, []time.Duration{0, 4, 5, 15, 25, 35}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second+500*time.Millisecond)
				defer cancel()
				began := time.Now()
				changed := make(chan struct{}, 1)
				for i, at := range test.changes {
					at := at*time.Second + time.Duration(i+1)*10*time.Millisecond
					time.AfterFunc(at, func() {
						select {
						case changed <- struct{}{}:
						default:
						}
					})
				}
				var got []time.Duration
				err := fleet.Paced(ctx, changed, func() time.Duration { return 9 * time.Second }, func(context.Context) error {
					got = append(got, time.Since(began).Truncate(time.Second)/time.Second)
					return nil
				})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("ended with %v", err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestBackoffIsBoundedAndSpread(t *testing.T) {
	b := fleet.Backoff{Min: 5 * time.Second, Max: 2 * time.Minute}
	tests := []struct {
		attempt  int
		from, to time.Duration
	}{
		{0, 0, 5 * time.Second},
		{1, 5 * time.Second, 10 * time.Second},
		{2, 10 * time.Second, 20 * time.Second},
		{5, time.Minute, 2 * time.Minute},
		{1000, time.Minute, 2 * time.Minute},
	}
	for _, test := range tests {
		seen := map[time.Duration]bool{}
		for range 1000 {
			d := b.Next(test.attempt)
			if d < test.from || d >= test.to {
				t.Fatalf("attempt %d waits %v, want [%v, %v)", test.attempt, d, test.from, test.to)
			}
			seen[d] = true
		}
		if len(seen) < 900 {
			t.Errorf("attempt %d: only %d different waits of 1000", test.attempt, len(seen))
		}
	}
}
