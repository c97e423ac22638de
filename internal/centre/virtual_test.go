package centre_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"bangtin/internal/centre"
	"bangtin/internal/centre/store"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/fleet/department"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A still is a centre with its real database on virtual time, and no broker.
type still struct {
	t      *testing.T
	path   string
	people *brokertest.Department
	store  *store.Store
	centre *centre.Centre
	kept   atomic.Bool  // whether somebody keeps the centre's clock
	step   atomic.Int64 // nanoseconds that it is ahead
	log    logBook
	mu     sync.Mutex
	said   []string

	waitBeforeRun func()
	stop          func()
}

func newStill(t *testing.T) *still {
	t.Helper()
	// The bubble begins in 2000, before there are commands; a centre would look every second of the way.
	time.Sleep(time.Until(time.Date(2027, 1, 29, 1, 0, 0, 0, time.UTC)))
	s := &still{t: t, path: filepath.Join(t.TempDir(), "center.db"), people: must(brokertest.NewDepartment())(t)}
	s.start()
	return s
}

// start must be called inside the bubble.
func (s *still) start() {
	s.t.Helper()
	db := must(store.Open(context.Background(), store.Options{Path: s.path}))(s.t)
	s.store = db
	s.kept.Store(true)
	began := time.Now()
	s.centre = must(centre.New(context.Background(), centre.Config{
		Plan: always(), Enrolled: enrolled, Signer: s.people.Collect, Trust: func() *trust.Document { return s.people.Document }, Store: db,
		Send: func(topic string, payload []byte) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if topic != "bt/v1/d/centre/desired/marker" {
				s.said = append(s.said, topic)
			}
		},
		Retain: func(string, []byte) {},
		Mono:   func() time.Duration { return time.Since(began) }, Wall: func() time.Time { return time.Now().Add(time.Duration(s.step.Load())) }, Kept: s.kept.Load, Built: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		Metrics: must(centre.NewMetrics(prometheus.NewRegistry()))(s.t), Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	}))(s.t)
	if s.waitBeforeRun != nil {
		s.waitBeforeRun()
	}
	ctx, cancel := context.WithCancel(context.Background())
	var part sync.WaitGroup
	part.Go(func() { _ = s.centre.Run(ctx) })
	s.stop = func() {
		cancel()
		part.Wait()
		if err := db.Close(); err != nil {
			s.t.Error(err)
		}
	}
	s.centre.Connected()
}

// sent is the topics on which the centre spoke.
func (s *still) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.said)
}

func (s *still) tell(topic string, payload []byte) {
	s.centre.Receive(department.Message{Topic: topic, Payload: payload, Ack: func() {}})
}

func (s *still) state(seq uint64, power string) {
	s.t.Helper()
	now := time.Now().UTC()
	s.tell("bt/v1/d/tinh-bien-01/state", must(wire.Encode(wire.State{Seq: seq, At: now, Boot: "boot-1", Time: wire.TimeState{Trust: "synchronised"},
		Want:  wire.WantState{Panel: "on", Rule: "schedule", Reason: "inside a window"},
		Panel: wire.PanelState{Power: power, VerifiedAt: &now}, Player: wire.PlayerState{State: "playing"}}))(s.t))
}

// incidents are the rows, in words.
func (s *still) incidents() []string {
	s.t.Helper()
	var all []string
	for word := range peek(s.t, s.path, "SELECT id || ' ' || device || ' ' || code || ' ' || over || ' ' || (at - since) || ' s: ' || detail, id FROM incident") {
		all = append(all, word)
	}
	return all
}

// A display falls silent; within five minutes there is a row and a line in the log, and again when it is back. States
// reach the database some at a time.
func TestDarkIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStill(t)
		for seq := range uint64(10) {
			s.state(seq+1, "on")
			time.Sleep(time.Minute)
		}
		if got := s.incidents(); len(got) > 0 {
			t.Errorf("told: %q", got)
		}
		if diff := cmp.Diff(map[string]int{"tinh-bien-01": 1}, peek(t, s.path, "SELECT device, count(*) FROM state JOIN display ON id = display GROUP BY 1")); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		time.Sleep(4*time.Minute + 10*time.Second) // and the minute before
		synctest.Wait()
		want := []string{"1 tinh-bien-01 dark 0 240 s: silent: it was not heard since the centre started"}
		if diff := cmp.Diff(want, s.incidents()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if log := s.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "display=tinh-bien-01 code=dark") {
			t.Errorf("log: %s", log)
		}
		s.state(20, "on")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := s.incidents(); len(got) != 2 || !strings.Contains(strings.Join(got, "\n"), "2 tinh-bien-01 dark 1 ") {
			t.Errorf("%q", got)
		}
		s.stop()
	})
}

// A command that nobody answers is sent again at each birth while it lives, and ends as expired, also over a restart; a
// late answer corrects that.
func TestCommandNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStill(t)
		made := time.Now()
		payload := must(wire.Encode(wire.Command{ID: "lenh-000001", Counter: uint64(made.UnixMilli()), Audience: []string{"tinh-bien-01"},
			Expires: made.Add(10 * time.Minute), Kind: wire.DoRestartPlayer}))(t)
		s.tell("bt/v1/d/tinh-bien-01/cmd/req", must(brokertest.Seal(trust.TypePower, payload, s.people.Power))(t))
		birth := must(wire.Encode(wire.Conn{State: wire.Online, Session: "a", Boot: "b", Version: "0.1.0"}))(t)
		for range 20 {
			time.Sleep(time.Minute)
			s.tell("bt/v1/d/tinh-bien-01/conn", birth)
		}
		synctest.Wait()
		if len(s.sent()) != 9 { // the tenth birth comes when it has expired
			t.Errorf("sent %q", s.sent())
		}
		if diff := cmp.Diff(map[string]int{"EXPIRED": 1}, statuses(t, s.path)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		s.stop()
		s.start()
		digest := must(s.people.Document.Verify(must(brokertest.Seal(trust.TypePower, payload, s.people.Power))(t), trust.TypePower))(t).Digest
		s.tell("bt/v1/d/tinh-bien-01/cmd/ack", must(wire.Encode(wire.CommandAck{ID: "lenh-000001", Digest: digest, Status: wire.Done, At: time.Now().UTC()}))(t))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if diff := cmp.Diff(map[string]int{"DONE": 1}, statuses(t, s.path)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		s.stop()
	})
}

// A clock that nobody keeps, or that is before the program itself, is nothing to sign.
func TestTimeThatNobodyKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStill(t)
		ask := func(want int) {
			t.Helper()
			s.tell("bt/v1/d/tinh-bien-01/time/req", must(wire.Encode(wire.TimeRequest{Nonce: "00112233445566778899aabbccddeeff"}))(t))
			time.Sleep(time.Minute)
			synctest.Wait()
			if len(s.sent()) != want {
				t.Errorf("told %d times, want %d", len(s.sent()), want)
			}
		}
		ask(1)
		s.kept.Store(false)
		ask(1)
		s.kept.Store(true)
		s.step.Store(-int64(60 * 24 * time.Hour)) // before it was built
		ask(1)
		s.step.Store(0)
		ask(2)
		s.stop()
	})
}

// A question that waited is one that its display has given up.
func TestOldQuestionForTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStill(t)
		s.stop()
		for wait, want := range map[time.Duration]int{9 * time.Second: 1, 11 * time.Second: 0} {
			s.mu.Lock()
			s.said = nil
			s.mu.Unlock()
			s.waitBeforeRun = func() {
				s.tell("bt/v1/d/tinh-bien-01/time/req", must(wire.Encode(wire.TimeRequest{Nonce: "00112233445566778899aabbccddeeff"}))(t))
				time.Sleep(wait)
			}
			s.start()
			time.Sleep(time.Second)
			synctest.Wait()
			if len(s.sent()) != want {
				t.Errorf("after %s: told %d times", wait, len(s.sent()))
			}
			s.stop()
		}
	})
}
