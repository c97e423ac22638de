package fleet_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"bangtin/internal/fleet"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

const device = "tinh-bien-01"

// patience is how long anything may take before a test gives up on it. It decides nothing else.
const patience = 30 * time.Second

// A rig is one display with a real journal, a real broker and a centre.
type rig struct {
	t          *testing.T
	broker     *brokertest.Broker
	department *brokertest.Department
	centre     *brokertest.Centre
	journal    *sqlite.Journal
	orders     *orders
	refusals   *refusals
	log        *logBook
	changed    chan struct{}
	answers    chan wire.CommandAck

	config fleet.Config // may be changed before start
	ports  fleet.Ports
}

func newRig(t *testing.T) *rig {
	t.Helper()
	t.Parallel() // most of a test is waiting
	r := &rig{t: t, orders: &orders{}, refusals: &refusals{}, log: &logBook{}, changed: make(chan struct{}, 1), answers: make(chan wire.CommandAck, 1)}
	r.broker = must(brokertest.NewBroker(t.TempDir()))(t)
	t.Cleanup(func() {
		if err := r.broker.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("display:\n%s\nbroker:\n%s", r.log, r.broker.Log())
		}
	})
	r.department = must(brokertest.NewDepartment())(t)
	r.centre = must(brokertest.NewCentre(r.broker, r.department))(t)
	t.Cleanup(func() {
		if err := r.centre.Close(); err != nil {
			t.Error(err)
		}
	})
	r.journal = newJournal(t)
	files := must(r.broker.Issue(device))(t)
	r.config = fleet.Config{
		Device: device, URL: r.broker.URL(), CA: files.CA, Certificate: files.Certificate, Key: files.Key,
		Boot: "boot-1", Version: "0.1.0", Now: time.Now, Floor: func() time.Time { return time.Now().Add(-time.Hour) },
		Trust: r.department.Document, Log: textLog(r.log),
		Pace: fleet.Pace{
			Retry:   fleet.Backoff{Min: 20 * time.Millisecond, Max: 200 * time.Millisecond},
			Resend:  fleet.Backoff{Min: 200 * time.Millisecond, Max: time.Second},
			Poll:    20 * time.Millisecond,
			Publish: 10 * time.Second,
		},
	}
	r.ports = fleet.Ports{
		Outbox: r.journal, Orders: r.orders, Changed: r.changed, Refused: r.refusals.count, Answers: r.answers,
		State: func() wire.State { return wire.State{At: time.Now().UTC(), Boot: "boot-1", Version: "0.1.0"} },
	}
	return r
}

func newJournal(t *testing.T) *sqlite.Journal {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := sqlite.Open(t.Context(), sqlite.Options{
		Path: filepath.Join(t.TempDir(), "journal.db"), Key: key, Log: slog.New(slog.DiscardHandler),
		Stamp: func() journal.Stamp { return stamp() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func stamp() journal.Stamp {
	return journal.Stamp{Boot: "boot-1", Wall: time.Now(), Trust: journal.Synchronised}
}

// start runs the display. The returned function stops it in good order and is called at the end of the test if not
// before.
func (r *rig) start() (stop func()) {
	r.t.Helper()
	return r.run(r.display())
}

func (r *rig) display() *fleet.Fleet {
	r.t.Helper()
	return must(fleet.New(r.config, r.ports))(r.t)
}

// run is start for a display that the test has in hand.
func (r *rig) run(f *fleet.Fleet) (stop func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				r.t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			r.t.Error("Run does not end")
		}
	})
	r.t.Cleanup(stop)
	return stop
}

// remember commits n records to the journal.
func (r *rig) remember(n int) {
	r.t.Helper()
	for i := range n {
		err := r.journal.Commit(r.t.Context(), journal.Write{Label: "test", Entries: []journal.Entry{{
			Stamp: stamp(), Kind: journal.KindIncident,
			Body: journal.Incident{Class: journal.Technical, Code: "test", Detail: fmt.Sprintf("a < b & %d", i), Count: 1},
		}}})
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) depth() uint64 {
	r.t.Helper()
	return must(r.journal.Depth(r.t.Context()))(r.t)
}

func (r *rig) heard() brokertest.Heard {
	r.t.Helper()
	return must(r.centre.Heard(device))(r.t)
}

// eventually polls until the condition holds.
func (r *rig) eventually(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("never came true: %s", what)
		}
	}
}

func (r *rig) awaitOnline() {
	r.t.Helper()
	r.eventually("display is online", func() bool {
		conns := r.heard().Conns
		return len(conns) > 0 && conns[len(conns)-1].State == wire.Online
	})
}

// publish signs a power order and publishes it.
func (r *rig) publishPower(retained bool, order wire.PowerOrder, signers ...trust.Signer) {
	r.t.Helper()
	raw := must(r.department.PowerOrder(order, signers...))(r.t)
	if err := r.centre.Publish(r.topics().DesiredPower(), retained, raw); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) topics() wire.Topics { return must(wire.NewTopics(device))(r.t) }

func powerOn(version uint64) wire.PowerOrder {
	until := time.Date(2027, 1, 29, 10, 0, 0, 0, time.UTC)
	return wire.PowerOrder{Device: device, Version: version, State: wire.WishOn, Until: &until, Reason: "thử"}
}

// must is for what is only preparation: must(f())(t).
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// orders notes what was ordered and can be slow or broken.
type orders struct {
	mu        sync.Mutex
	powers    []wire.PowerOrder
	playlists [][]byte
	commands  []wire.Command
	documents [][]byte
	failures  int           // how many of the next calls fail
	refuses   int           // how many of the next calls of Power refuse for now
	tried     int           // calls of Power
	gate      chan struct{} // when set, Power waits for it
}

func (o *orders) Power(ctx context.Context, signed *trust.Verified, order wire.PowerOrder) error {
	o.mu.Lock()
	gate := o.gate
	o.tried++
	o.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failures > 0 {
		o.failures--
		return errors.New("cannot commit: disk is full")
	}
	if o.refuses > 0 {
		o.refuses--
		return fleet.ErrRefused
	}
	if len(signed.People) == 0 {
		return errors.New("nobody signed")
	}
	o.powers = append(o.powers, order)
	return nil
}

func (o *orders) Playlist(_ context.Context, raw []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.playlists = append(o.playlists, raw)
	return nil
}

func (o *orders) Command(_ context.Context, _ *trust.Verified, c wire.Command) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.commands = append(o.commands, c)
	return nil
}

func (o *orders) Trust(_ context.Context, raw []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.documents = append(o.documents, raw)
	return nil
}

// versions lists the power orders that were obeyed.
func (o *orders) versions() []uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	var v []uint64
	for _, order := range o.powers {
		v = append(v, order.Version)
	}
	return v
}

func (o *orders) attempts() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tried
}

// refusals counts per reason and topic.
type refusals struct {
	mu sync.Mutex
	n  map[string]int
}

func (r *refusals) count(reason fleet.Reason, topic string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == nil {
		r.n = map[string]int{}
	}
	r.n[string(reason)+" "+topic]++
}

func (r *refusals) of(reason fleet.Reason, topic string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n[string(reason)+" "+topic]
}

func (r *refusals) all() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.n)
}

func textLog(l *logBook) *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// A logBook may be read while it is written.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
