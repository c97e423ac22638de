package main_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

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
const patience = 60 * time.Second

// A world is a broker, a department and the folder of a centre.
type world struct {
	t          *testing.T
	dir        string
	broker     *brokertest.Broker
	department *brokertest.Department
	listen     string
	metrics    string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, dir: t.TempDir(), broker: must(brokertest.NewBroker(t.TempDir()))(t), department: must(brokertest.NewDepartment())(t)}
	t.Cleanup(func() { w.broker.Close() })
	w.listen, w.metrics = freeAddress(t), freeAddress(t)
	w.keys()
	w.write("center.toml", fmt.Appendf(nil, "listen = %q\nmetrics = %q\nbroker = %q\nwindows = [\"00:00-24:00\"]\n", w.listen, w.metrics, w.broker.URL()))
	return w
}

// keys writes what `bangtin center init` would: certificates, the centre's own key, and a trust document that says so.
func (w *world) keys() {
	w.t.Helper()
	own := must(w.broker.CA.Issue(brokertest.Leaf{CommonName: brokertest.CentreName}))(w.t)
	server := must(w.broker.CA.Issue(brokertest.Leaf{CommonName: "server", Hosts: []string{"127.0.0.1"}}))(w.t)
	operators := must(brokertest.NewCA("department"))(w.t)
	for name, data := range map[string][]byte{
		"pki/ca.pem": w.broker.CA.PEM, "pki/department.pem": operators.PEM, "pki/centre.pem": own.Certificate, "pki/centre.key": own.Key,
		"pki/server.pem": server.Certificate, "pki/server.key": server.Key,
	} {
		w.write(name, data)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	block := must(ssh.MarshalPrivateKey(private, "centre"))(w.t)
	w.write("keys/centre.key", pem.EncodeToMemory(block))
	doc := w.department.Document
	doc.Keys = append(doc.Keys, trust.NewKey(public, "may-chu", "may-chu"))
	grant := trust.Grant{Threshold: 1, Members: []trust.Member{{Key: trust.KeyID(public)}}}
	doc.Roles[trust.RoleCollect], doc.Roles[trust.RoleTime] = grant, grant
	w.write("trust.json", must(doc.Seal(w.department.Keepers...))(w.t))
}

func (w *world) write(name string, data []byte) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// A run is one process of the centre.
type run struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    *lockedBuffer
	exited chan struct{}
}

// start runs the centre with further variables in its environment.
func (w *world) start(env ...string) *run {
	w.t.Helper()
	r := &run{t: w.t, out: &lockedBuffer{}, exited: make(chan struct{})}
	r.cmd = exec.Command(os.Args[0], "--dir", w.dir, "run")
	r.cmd.Env = append(append(os.Environ(), "BANGTIN_TEST_CENTRE=1"), env...)
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.out
	if err := r.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.exited)
	}()
	w.t.Cleanup(func() {
		r.stop()
		if w.t.Failed() {
			w.t.Logf("centre:\n%s", r.out)
		}
	})
	return r
}

func (r *run) alive() bool {
	select {
	case <-r.exited:
		return false
	default:
		return true
	}
}

// stop ends it in good order.
func (r *run) stop() {
	if r.alive() {
		_ = r.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-r.exited:
	case <-time.After(patience):
		r.t.Error("the centre does not stop")
		_ = r.cmd.Process.Kill()
	}
}

func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("never came true: %s", what)
		}
	}
}

// metric is one line of /metrics, or empty while nobody answers.
func (w *world) metric(name string) string { return metric(w.metrics, name) }

func metric(address, name string) string {
	response, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (w *world) verify() store.Report {
	w.t.Helper()
	return must(store.Verify(w.t.Context(), filepath.Join(w.dir, "center.db")))(w.t)
}

// client speaks HTTPS with a certificate of the displays' authority.
func (w *world) client(name string) *http.Client {
	w.t.Helper()
	files := must(w.broker.Issue(name))(w.t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.broker.CA.PEM)
	pair := must(tls.LoadX509KeyPair(files.Certificate, files.Key))(w.t)
	return &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}}}
}

// operator is a connection that may send commands.
func (w *world) operator() *department.Link {
	w.t.Helper()
	files := must(w.broker.Issue(brokertest.OperatorName))(w.t)
	connected := make(chan struct{}, 1)
	link := must(department.New(department.Config{
		URL: w.broker.URL(), Files: pki.Files(files), ClientID: brokertest.OperatorName, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Receive: func(department.Message) {}, Connected: func() { connected <- struct{}{} },
	}))(w.t)
	ctx, cancel := context.WithCancel(context.Background())
	var part sync.WaitGroup
	part.Go(func() { _ = link.Run(ctx) })
	w.t.Cleanup(func() { cancel(); part.Wait() })
	<-connected
	return link
}

// A display is a real one as far as the wire goes. It does at once what it is told.
type display struct {
	w       *world
	id      string
	journal *sqlite.Journal
	answers chan wire.CommandAck
	mu      sync.Mutex
	mono    time.Duration
	seen    map[string]bool
	made    int
}

func (w *world) display(id string) *display {
	w.t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(w.dir, "pki", "issued", "ca", id), 0o700); err != nil { // as a certificate for it would
		w.t.Fatal(err)
	}
	d := &display{w: w, id: id, answers: make(chan wire.CommandAck, 64), seen: map[string]bool{}}
	d.journal = must(sqlite.Open(w.t.Context(), sqlite.Options{
		Path: filepath.Join(w.t.TempDir(), "journal.db"), Key: key, Log: slog.New(slog.DiscardHandler), Stamp: d.stamp,
	}))(w.t)
	w.t.Cleanup(func() { d.journal.Close() })
	files := must(w.broker.Issue(id))(w.t)
	f := must(fleet.New(fleet.Config{
		Device: id, URL: w.broker.URL(), CA: files.CA, Certificate: files.Certificate, Key: files.Key,
		Boot: "boot-1", Version: "0.1.0", Now: time.Now, Floor: func() time.Time { return time.Unix(0, 0) },
		Trust: w.department.Document, Log: slog.New(slog.DiscardHandler),
		Pace: fleet.Pace{
			Retry:   fleet.Backoff{Min: 20 * time.Millisecond, Max: 200 * time.Millisecond},
			Resend:  fleet.Backoff{Min: 200 * time.Millisecond, Max: time.Second},
			Poll:    20 * time.Millisecond,
			Publish: 10 * time.Second,
		},
	}, fleet.Ports{
		Outbox: d.journal, Orders: d, Answers: d.answers, Changed: make(chan struct{}), Refused: func(fleet.Reason, string) {},
		State: func() wire.State { return wire.State{At: time.Now().UTC(), Boot: "boot-1", Version: "0.1.0"} },
	}))(w.t)
	ctx, cancel := context.WithCancel(context.Background())
	var part sync.WaitGroup
	part.Go(func() { _ = f.Run(ctx) })
	w.t.Cleanup(func() { cancel(); part.Wait() })
	return d
}

func (d *display) stamp() journal.Stamp {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mono++
	return journal.Stamp{Boot: "boot-1", Mono: d.mono, Wall: time.Now(), Trust: journal.Synchronised}
}

func (d *display) record(kind journal.Kind, body any) error {
	stamp := d.stamp()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made++
	return d.journal.Commit(context.Background(), journal.Write{Label: "test", Entries: []journal.Entry{{Stamp: stamp, Kind: kind, Body: body}}})
}

// remember makes records that the display sends at once.
func (d *display) remember(n int) {
	d.w.t.Helper()
	for i := range n {
		if err := d.record(journal.KindIncident, journal.Incident{Class: journal.Technical, Code: "test", Detail: fmt.Sprint(i), Count: 1}); err != nil {
			d.w.t.Fatal(err)
		}
	}
}

func (d *display) depth() uint64 { return must(d.journal.Depth(d.w.t.Context()))(d.w.t) }

func (d *display) Power(context.Context, *trust.Verified, wire.PowerOrder) error { return nil }
func (d *display) Playlist(context.Context, []byte) error                        { return nil }
func (d *display) Trust(context.Context, []byte) error                           { return nil }

func (d *display) Command(_ context.Context, signed *trust.Verified, c wire.Command) error {
	answer := wire.CommandAck{ID: c.ID, Digest: signed.Digest, Status: wire.Done, At: time.Now().UTC()}
	d.mu.Lock()
	again := d.seen[c.ID]
	d.seen[c.ID] = true
	d.mu.Unlock()
	if again {
		answer.Status, answer.First = wire.Duplicate, wire.Done
	} else if err := d.record(journal.KindCommand, journal.Command{ID: c.ID, Digest: signed.Digest, Counter: c.Counter, Kind: string(c.Kind), Status: "DONE"}); err != nil {
		return err
	}
	select {
	case d.answers <- answer:
	default:
	}
	return nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer l.Close()
	return l.Addr().String()
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

// A lockedBuffer may be written by a process and read by a test at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
