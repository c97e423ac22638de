package centre_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bangtin/internal/centre"
	"bangtin/internal/centre/store"
	"bangtin/internal/fleet"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/fleet/department"
	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/pki"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// patience is how long anything may take before a test gives up on it. It decides nothing else.
const patience = 30 * time.Second

// A rig is a real broker with the centre at it, and displays with real journals.
type rig struct {
	t          *testing.T
	broker     *brokertest.Broker
	department *brokertest.Department
	log        *logBook
	path       string // of the database
	options    store.Options
	displays   int // limit; 0 is the default

	mu   sync.Mutex
	said map[string][][]byte // what the centre sent, by topic

	*running
}

// running is what a restart of the centre makes anew.
type running struct {
	store    *store.Store
	centre   *centre.Centre
	link     *department.Link
	registry *prometheus.Registry
	stop     func()
}

func newRig(t *testing.T) *rig {
	t.Helper()
	t.Parallel() // most of a test is waiting
	r := &rig{t: t, log: &logBook{}, said: map[string][][]byte{}, path: filepath.Join(t.TempDir(), "center.db")}
	r.broker = must(brokertest.NewBroker(t.TempDir()))(t)
	t.Cleanup(func() {
		if err := r.broker.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log:\n%s\nbroker:\n%s", r.log, r.broker.Log())
		}
	})
	r.department = must(brokertest.NewDepartment())(t)
	r.department.Document.Roles[trust.RoleTime] = r.department.Document.Roles[trust.RoleCollect]
	r.options = store.Options{Path: r.path}
	return r
}

// start runs the centre. It is stopped at the end of the test if not before.
func (r *rig) start() {
	r.t.Helper()
	s := must(store.Open(r.t.Context(), r.options))(r.t)
	registry := prometheus.NewRegistry()
	metrics := must(centre.NewMetrics(registry))(r.t)
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var link *department.Link
	began := time.Now()
	c := must(centre.New(r.t.Context(), centre.Config{
		Plan: always(), Enrolled: enrolled, Signer: r.department.Collect, Trust: func() *trust.Document { return r.department.Document },
		Store: s, Displays: r.displays, Send: func(topic string, payload []byte) {
			r.mu.Lock()
			r.said[topic] = append(r.said[topic], payload)
			r.mu.Unlock()
			link.Send(topic, payload)
		},
		Retain: func(topic string, payload []byte) { link.Retain(topic, payload) },
		Mono:   func() time.Duration { return time.Since(began) }, Wall: time.Now, Kept: func() bool { return true }, Metrics: metrics, Log: log,
	}))(r.t)
	files := must(r.broker.Issue(brokertest.CentreName))(r.t)
	link = must(department.New(department.Config{
		URL: r.broker.URL(), Files: pki.Files(files), ClientID: brokertest.CentreName, Session: true,
		Filters: centre.Filters(), Now: time.Now, Log: log, Receive: c.Receive, Connected: c.Connected,
		Disconnected: c.Disconnected, RetryMin: 20 * time.Millisecond, RetryMax: 200 * time.Millisecond,
	}))(r.t)
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	for _, run := range []func(context.Context) error{c.Run, link.Run} {
		parts.Go(func() {
			if err := run(ctx); !errors.Is(err, context.Canceled) {
				r.t.Errorf("Run: %v", err)
			}
		})
	}
	r.running = &running{store: s, centre: c, link: link, registry: registry, stop: sync.OnceFunc(func() {
		cancel()
		parts.Wait()
		if err := s.Close(); err != nil {
			r.t.Error(err)
		}
	})}
	r.t.Cleanup(r.running.stop)
}

// enrolled is everybody whose name does not say otherwise.
func enrolled(device string) bool { return !strings.HasPrefix(device, "made-up") }

// always is a plan in which every display owes a picture at every moment.
func always() centre.Plan {
	return centre.Plan{Location: time.UTC, Windows: []centre.Window{{From: 0, To: 24 * time.Hour}}}
}

// A display is a real one as far as the wire goes.
type display struct {
	rig     *rig
	id      string
	journal *sqlite.Journal
	orders  *orders
	answers chan wire.CommandAck
	stop    func()
	mono    time.Duration
}

func (r *rig) display(id string) *display {
	r.t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	d := &display{rig: r, id: id, orders: &orders{}, answers: make(chan wire.CommandAck, 16)}
	d.journal = must(sqlite.Open(r.t.Context(), sqlite.Options{
		Path: filepath.Join(r.t.TempDir(), "journal.db"), Key: key, Log: slog.New(slog.DiscardHandler), Stamp: d.stamp,
	}))(r.t)
	r.t.Cleanup(func() {
		if err := d.journal.Close(); err != nil {
			r.t.Error(err)
		}
	})
	return d
}

func (d *display) stamp() journal.Stamp {
	d.mono++
	return journal.Stamp{Boot: "boot-1", Mono: d.mono, Wall: time.Now(), Trust: journal.Synchronised}
}

// join connects the display.
func (d *display) join() {
	t := d.rig.t
	t.Helper()
	files := must(d.rig.broker.Issue(d.id))(t)
	f := must(fleet.New(fleet.Config{
		Device: d.id, URL: d.rig.broker.URL(), CA: files.CA, Certificate: files.Certificate, Key: files.Key,
		Boot: "boot-1", Version: "0.1.0", Now: time.Now, Floor: func() time.Time { return time.Unix(0, 0) },
		Trust: d.rig.department.Document, Log: slog.New(slog.DiscardHandler),
		Pace: fleet.Pace{
			Retry:   fleet.Backoff{Min: 20 * time.Millisecond, Max: 200 * time.Millisecond},
			Resend:  fleet.Backoff{Min: 200 * time.Millisecond, Max: time.Second},
			Poll:    20 * time.Millisecond,
			Publish: 10 * time.Second,
		},
	}, fleet.Ports{
		Outbox: d.journal, Orders: d.orders, Answers: d.answers, Changed: make(chan struct{}),
		Refused: func(reason fleet.Reason, topic string) { t.Logf("%s refused on %s: %s", d.id, topic, reason) },
		State:   func() wire.State { return wire.State{At: time.Now().UTC(), Boot: "boot-1", Version: "0.1.0"} },
	}))(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("display: %v", err)
		}
	})
	t.Cleanup(d.stop)
}

// remember commits n records, each by itself.
func (d *display) remember(n int) {
	d.rig.t.Helper()
	for range n {
		d.record(journal.KindPlay, journal.Play{Playlist: "cua-khau", Version: 3, Item: fmt.Sprintf("muc < %d", d.mono), Complete: true})
	}
}

func (d *display) record(kind journal.Kind, body any) {
	d.rig.t.Helper()
	err := d.journal.Commit(d.rig.t.Context(), journal.Write{Label: "test", Entries: []journal.Entry{{Stamp: d.stamp(), Kind: kind, Body: body}}})
	if err != nil {
		d.rig.t.Fatal(err)
	}
}

func (d *display) depth() uint64 { return must(d.journal.Depth(d.rig.t.Context()))(d.rig.t) }

// eventually polls until the condition holds.
func (r *rig) eventually(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("never came true: %s", what)
		}
	}
}

// metric reads one of the centre's figures; labels is the value of the only label, or empty.
func (r *rig) metric(name, label string) float64 {
	r.t.Helper()
	families := must(r.registry.Gather())(r.t)
	for _, f := range families {
		if f.GetName() != "bangtin_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(m.GetLabel()) == 0 || m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

func (r *rig) verified() store.Report {
	r.t.Helper()
	report := must(store.Verify(r.t.Context(), r.path))(r.t)
	for _, f := range report.Findings {
		r.t.Error(f)
	}
	return report
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

// orders notes what was ordered.
type orders struct {
	mu       sync.Mutex
	commands []wire.Command
}

func (o *orders) Power(context.Context, *trust.Verified, wire.PowerOrder) error { return nil }
func (o *orders) Playlist(context.Context, []byte) error                        { return nil }
func (o *orders) Trust(context.Context, []byte) error                           { return nil }

func (o *orders) Command(_ context.Context, _ *trust.Verified, c wire.Command) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.commands = append(o.commands, c)
	return nil
}

func (o *orders) heard() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.commands)
}

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
