package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/internal/fleet"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
	"bangtin/media"
)

// giveUp is how long anything may take before a test gives up on it. It decides nothing else.
const giveUp = 30 * time.Second

// A region is a desk with a real broker and displays that stand in for real ones.
type region struct {
	*desk
	broker   *brokertest.Broker
	centre   *brokertest.Centre // hears everything
	doc      *trust.Document
	patience Patience
}

func newRegion(t *testing.T) *region {
	t.Parallel() // most of a test is waiting
	d := newDesk(t)
	d.trust()
	doc, err := trust.ParseDocument(d.read("trust.json"))
	d.check(err)
	b, err := brokertest.NewBroker(t.TempDir())
	d.check(err)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("broker:\n%s", b.Log())
		}
	})
	c, err := brokertest.NewCentre(b, nil)
	d.check(err)
	t.Cleanup(func() { d.check(c.Close()) })
	r := &region{desk: d, broker: b, centre: c, doc: doc, patience: Patience{
		Redial: 50 * time.Millisecond, Resend: 300 * time.Millisecond, Settle: 300 * time.Millisecond, Retry: 5 * time.Millisecond,
	}}
	r.operator("https://127.0.0.1:1/content/")
	return r
}

// operator writes what an operator carries away from the centre.
func (r *region) operator(content string) {
	r.t.Helper()
	r.check(os.MkdirAll(r.path("center"), 0o700))
	files, err := r.broker.CA.IssueFiles(r.path("center"), "operator", brokertest.Leaf{CommonName: brokertest.OperatorName})
	r.check(err)
	_, err = r.broker.CA.IssueFiles(r.path("center"), "watch", brokertest.Leaf{CommonName: brokertest.OperatorName})
	r.check(err)
	if files.CA != r.path("center/ca.pem") {
		r.t.Fatalf("CA is in %s", files.CA)
	}
	raw, err := json.Marshal(map[string]string{"broker": r.broker.URL(), "content": content})
	r.check(err)
	r.write("center/center.json", raw)
}

// say runs a line as desk.run does, by the real clock, since certificates and displays go by it.
func (r *region) say(line string) (code int, stdout, stderr string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), giveUp)
	defer cancel()
	return r.sayUntil(ctx, line)
}

func (r *region) sayUntil(ctx context.Context, line string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = r.program(line, &out, &errs).Run(ctx)
	hide := func(s string) string { return strings.ReplaceAll(s, r.dir+"/", "@") }
	return code, hide(out.String()), hide(errs.String())
}

func (r *region) program(line string, out, errs io.Writer) *Program {
	args := []string{"--lang", r.lang}
	for word := range strings.FieldsSeq(line) {
		args = append(args, strings.ReplaceAll(strings.ReplaceAll(word, "_", " "), "@", r.dir+"/"))
	}
	return &Program{
		Args: args, Stdin: strings.NewReader(""), Stdout: out, Stderr: errs,
		Getenv: func(k string) string { return map[string]string{centerVariable: r.path("center")}[k] },
		Now:    time.Now, Probe: r.probe, Fonts: r.fonts, Patience: r.patience,
	}
}

// expect runs a line that has to exit with the code and say every one of the words on standard output.
func (r *region) expect(want int, line string, words ...string) string {
	r.t.Helper()
	code, out, errs := r.say(line)
	if code != want {
		r.t.Errorf("bangtin %s: exit %d, want %d\n%s%s", line, code, want, out, errs)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			r.t.Errorf("bangtin %s: does not say %q:\n%s%s", line, w, out, errs)
		}
	}
	return out
}

// A standIn is a display on the real display's side of the wire, that does what its test tells it to.
type standIn struct {
	t       *testing.T
	id      string
	answers chan wire.CommandAck
	changed chan struct{}
	stop    func()

	mu       sync.Mutex
	state    wire.State
	got      []wire.Command
	lists    []string
	trusts   [][]byte
	orders   []wire.PowerOrder
	commands func(n int, signed *trust.Verified, c wire.Command) // n counts from 1
	playlist func(name string)
}

func (r *region) display(id string) *standIn {
	r.t.Helper()
	s := &standIn{
		t: r.t, id: id, answers: make(chan wire.CommandAck, 16), changed: make(chan struct{}, 1),
		state: wire.State{
			Gate: "Cửa khẩu Tịnh Biên", Boot: "boot-1", Version: "0.1.0", Time: wire.TimeState{Trust: "synchronised"},
			Want:   wire.WantState{Panel: "on", Show: "programme", Rule: "schedule"},
			Player: wire.PlayerState{State: "playing", Playlist: "tet-2027@1"}, Panel: wire.PanelState{Power: "on"},
		},
	}
	s.start(r)
	r.t.Cleanup(func() { s.stop() })
	return s
}

func (s *standIn) start(r *region) {
	r.t.Helper()
	files, err := r.broker.Issue(s.id)
	r.check(err)
	f, err := fleet.New(fleet.Config{
		Device: s.id, URL: r.broker.URL(), CA: files.CA, Certificate: files.Certificate, Key: files.Key, Boot: s.state.Boot,
		Version: "0.1.0", Now: time.Now, Floor: func() time.Time { return time.Unix(0, 0) }, Trust: r.doc,
		Log: slog.New(slog.DiscardHandler), Pace: fleet.Pace{Retry: fleet.Backoff{Min: 20 * time.Millisecond, Max: 200 * time.Millisecond}},
	}, fleet.Ports{Outbox: noOutbox{}, Orders: s, State: s.present, Changed: s.changed, Answers: s.answers})
	r.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				s.t.Errorf("Run: %v", err)
			}
		case <-time.After(giveUp):
			s.t.Error("Run does not end")
		}
	})
}

func (s *standIn) present() wire.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.At = time.Now().UTC()
	return s.state
}

// now changes the state and tells it.
func (s *standIn) now(change func(*wire.State)) {
	s.mu.Lock()
	change(&s.state)
	s.mu.Unlock()
	offer(s.changed, struct{}{})
}

// obey says what the display does with a command from now on; n counts from 1.
func (s *standIn) obey(do func(n int, signed *trust.Verified, c wire.Command)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = do
}

// plays says what the display does with a playlist from now on.
func (s *standIn) plays(do func(name string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.playlist = do
}

// readBack is a panel that was read just now.
func readBack(power string) func(*wire.State) {
	return func(st *wire.State) {
		at := time.Now().UTC()
		st.Panel.Power, st.Panel.VerifiedAt, st.Want.Panel, st.Want.Rule = power, &at, power, "department"
		st.Want.Reason = "bão số 3"
	}
}

func (s *standIn) answer(signed *trust.Verified, c wire.Command, status, first wire.CommandStatus, reason, evidence string) {
	a := wire.CommandAck{ID: c.ID, Digest: signed.Digest, Status: status, First: first, Reason: reason, At: time.Now().UTC()}
	if evidence != "" {
		a.Evidence = json.RawMessage(evidence)
	}
	s.answers <- a
}

// Power implements fleet.Orders.
func (s *standIn) Power(_ context.Context, _ *trust.Verified, o wire.PowerOrder) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, o)
	return nil
}

// Playlist implements fleet.Orders. What cannot be read is a refusal, which settles the matter.
func (s *standIn) Playlist(_ context.Context, raw []byte) error {
	l := &media.Playlist{}
	if e, err := trust.ParseEnvelope(raw); err == nil {
		l, err = media.ParsePlaylist(e.Payload)
		if err != nil {
			s.t.Errorf("the display got no playlist: %v", err)
		}
	}
	s.mu.Lock()
	s.lists = append(s.lists, fmt.Sprintf("%s@%d", l.ID, l.Version))
	then := s.playlist
	s.mu.Unlock()
	if then != nil {
		then(fmt.Sprintf("%s@%d", l.ID, l.Version))
	}
	return nil
}

// Command implements fleet.Orders.
func (s *standIn) Command(_ context.Context, signed *trust.Verified, c wire.Command) error {
	s.mu.Lock()
	s.got = append(s.got, c)
	n, obey := len(s.got), s.commands
	s.mu.Unlock()
	if obey != nil {
		obey(n, signed, c)
	}
	return nil
}

// Trust implements fleet.Orders.
func (s *standIn) Trust(_ context.Context, raw []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trusts = append(s.trusts, raw)
	return nil
}

func (s *standIn) heard() []wire.Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]wire.Command(nil), s.got...)
}

// noOutbox has nothing to tell the centre.
type noOutbox struct{}

func (noOutbox) Pending(context.Context, int) ([]journal.Record, error)  { return nil, nil }
func (noOutbox) Depth(context.Context) (uint64, error)                   { return 0, nil }
func (noOutbox) Acknowledge(context.Context, uint64, journal.Hash) error { return nil }

// await returns when the broker has heard that the display is online, and its state.
func (r *region) await(s *standIn) {
	r.t.Helper()
	r.awaitState(s, func(wire.State) bool { return true })
}

// awaitState returns when its last state is as wanted.
func (r *region) awaitState(s *standIn, holds func(wire.State) bool) {
	r.t.Helper()
	r.eventually(s.id+" is there", func() bool {
		h, err := r.centre.Heard(s.id)
		r.check(err)
		n, m := len(h.Conns), len(h.States)
		return n > 0 && h.Conns[n-1].State == wire.Online && m > 0 && holds(h.States[m-1])
	})
}

// births counts how often the centre heard that a display came.
func (r *region) births(s *standIn) int {
	r.t.Helper()
	h, err := r.centre.Heard(s.id)
	r.check(err)
	n := 0
	for _, c := range h.Conns {
		if c.State == wire.Online {
			n++
		}
	}
	return n
}

// eventually polls until the condition holds.
func (r *region) eventually(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(giveUp); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("never came true: %s", what)
		}
	}
}
