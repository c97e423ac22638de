package fleet_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"bangtin/internal/fleet"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A watch notes what it is told, and what it shows can be moved.
type watch struct {
	start time.Time
	mu    sync.Mutex
	ahead time.Duration
	told  []told
}

type told struct {
	time            time.Time
	asked, answered time.Duration
}

func (w *watch) Mono() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.start) + w.ahead
}

func (w *watch) Confirm(t time.Time, asked, answered time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, told{t, asked, answered})
}

func (w *watch) all() []told {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.told)
}

func (w *watch) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

func newTimeRig(t *testing.T) (*rig, *watch) {
	t.Helper()
	r, w := newRig(t), &watch{start: time.Now()}
	r.ports.Clock = w
	r.config.Pace.Time = 100 * time.Millisecond
	r.config.Pace.Ask = fleet.Backoff{Min: 50 * time.Millisecond, Max: 100 * time.Millisecond}
	return r, w
}

func TestTimeIsAskedAgainAndAgain(t *testing.T) {
	r, w := newTimeRig(t)
	r.start()
	r.eventually("three answers", func() bool { return len(w.all()) >= 3 })
	for _, a := range w.all() {
		if a.answered < a.asked || time.Since(a.time).Abs() > time.Hour {
			t.Errorf("told %+v", a)
		}
	}
	nonces := r.heard().Questions
	slices.Sort(nonces)
	if n := len(slices.Compact(nonces)); n < 3 || n != len(r.heard().Questions) {
		t.Errorf("%d different nonces in %d questions", n, len(r.heard().Questions))
	}
	if n := r.refusals.all(); len(n) != 0 {
		t.Errorf("refused: %v", n)
	}
}

func TestTimeNobodyAnswersIsAskedAgain(t *testing.T) {
	r, w := newTimeRig(t)
	r.centre.SetTell(func(wire.TimeReply) ([][]byte, error) { return nil, nil })
	r.start()
	r.eventually("a question", func() bool { return len(r.heard().Questions) == 1 })
	r.centre.SetTell(r.centre.Now)
	r.eventually("an answer to a later one", func() bool { return len(w.all()) > 0 })
}

// TestFalseTimeIsRefused: the centre, or whoever speaks for it, answers every question wrongly.
func TestFalseTimeIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		answer func(r *rig, w *watch, good wire.TimeReply) ([]byte, error)
		reason fleet.Reason
	}{
		{"unsigned", func(_ *rig, _ *watch, good wire.TimeReply) ([]byte, error) { return wire.Encode(good) }, fleet.Reason(trust.Malformed)},
		{"by a stranger", func(r *rig, _ *watch, good wire.TimeReply) ([]byte, error) {
			return r.department.TimeReply(good, r.department.Stranger)
		}, fleet.Reason(trust.UnknownKey)},
		{"by the collector's key", func(r *rig, _ *watch, good wire.TimeReply) ([]byte, error) {
			return r.department.TimeReply(good, r.department.Collect)
		}, fleet.Reason(trust.WrongRole)},
		{"as an acknowledgement", func(r *rig, _ *watch, good wire.TimeReply) ([]byte, error) {
			payload, err := wire.Encode(good)
			if err != nil {
				return nil, err
			}
			return brokertest.Seal(trust.TypeCollect, payload, r.department.Collect)
		}, fleet.Reason(trust.WrongType)},
		{"for another display", func(r *rig, _ *watch, good wire.TimeReply) ([]byte, error) {
			good.Device = "other-display"
			return r.department.TimeReply(good)
		}, fleet.WrongDevice},
		{"with a nonce of its own", func(r *rig, _ *watch, good wire.TimeReply) ([]byte, error) {
			good.Nonce = "00000000000000000000000000000000"
			return r.department.TimeReply(good)
		}, fleet.StaleNonce},
		{"without a nonce", func(r *rig, _ *watch, good wire.TimeReply) ([]byte, error) {
			good.Nonce = ""
			return r.department.TimeReply(good)
		}, fleet.BadOrder},
		{"in 2110", func(r *rig, _ *watch, good wire.TimeReply) ([]byte, error) {
			good.Time = time.Date(2110, 1, 1, 0, 0, 0, 0, time.UTC)
			return r.department.TimeReply(good)
		}, fleet.BadOrder},
		{"eleven seconds late", func(r *rig, w *watch, good wire.TimeReply) ([]byte, error) {
			w.advance(11 * time.Second)
			return r.department.TimeReply(good)
		}, fleet.StaleNonce},
		{"too long", func(*rig, *watch, wire.TimeReply) ([]byte, error) { return make([]byte, 20<<10), nil }, fleet.Oversized},
	}
	r, w := newTimeRig(t)
	r.centre.SetTell(func(wire.TimeReply) ([][]byte, error) { return nil, nil })
	r.config.Pace.Time = time.Hour
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			r.centre.SetTell(func(good wire.TimeReply) ([][]byte, error) {
				raw, err := test.answer(r, w, good)
				return [][]byte{raw}, err
			})
			before := r.refusals.of(test.reason, r.topics().TimeReply())
			stop := r.start()
			r.eventually("refused and counted", func() bool { return r.refusals.of(test.reason, r.topics().TimeReply()) > before })
			stop()
			if told := w.all(); len(told) != 0 {
				t.Errorf("believed %+v", told)
			}
		})
	}
}

// TestTimeIsWorthSomethingOnce: a good answer, again.
func TestTimeIsWorthSomethingOnce(t *testing.T) {
	r, w := newTimeRig(t)
	r.config.Pace.Time = time.Hour
	var mu sync.Mutex
	var kept []byte
	r.centre.SetTell(func(good wire.TimeReply) ([][]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		var err error
		kept, err = r.department.TimeReply(good)
		return [][]byte{kept, kept}, err
	})
	r.start()
	stale := func() int { return r.refusals.of(fleet.StaleNonce, r.topics().TimeReply()) }
	r.eventually("the copy is refused", func() bool { return stale() == 1 })
	mu.Lock()
	again := slices.Clone(kept)
	mu.Unlock()
	if err := r.centre.Publish(r.topics().TimeReply(), false, again); err != nil {
		t.Fatal(err)
	}
	r.eventually("a later copy is refused", func() bool { return stale() == 2 })
	if n := len(w.all()); n != 1 {
		t.Errorf("told %d times", n)
	}
}
