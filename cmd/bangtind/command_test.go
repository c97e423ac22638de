package main_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/internal/control/command"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// commanded is a world with its broker and its centre, for commands.
type commanded struct {
	*world
	broker *brokertest.Broker
	centre *brokertest.Centre
	last   uint64 // counter of the last command
}

func newCommanded(t testing.TB) *commanded {
	t.Helper()
	w := newWorld(t)
	broker, centre := w.connect()
	return &commanded{world: w, broker: broker, centre: centre}
}

// connect starts a broker and a centre for the world's display.
func (w *world) connect() (*brokertest.Broker, *brokertest.Centre) {
	w.t.Helper()
	t := w.t
	broker, err := brokertest.NewBroker(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })
	pair, err := broker.CA.Issue(brokertest.Leaf{CommonName: device})
	if err != nil {
		t.Fatal(err)
	}
	w.write(broker.CA.PEM, "data", "ca.pem")
	w.write(pair.Certificate, "data", "device.pem")
	w.write(pair.Key, "data", "device.key")
	w.site.broker = broker.URL()
	centre, err := brokertest.NewCentre(broker, w.department)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { centre.Close() })
	return broker, centre
}

// onAir waits until the display plays and hears: what is published before it subscribed is lost.
func (c *commanded) onAir() {
	c.t.Helper()
	c.until("on air and online", func(s *wire.State) bool {
		heard, err := c.centre.Heard(device)
		if err != nil {
			c.t.Fatal(err)
		}
		n := len(heard.Conns)
		return playing(10)(s) && n > 0 && heard.Conns[n-1].State == wire.Online
	})
}

// order signs a command that ends in an hour.
func (c *commanded) order(kind wire.CommandKind, args any, signers ...trust.Signer) (wire.Command, []byte) {
	c.t.Helper()
	c.last = max(c.last+1, uint64(time.Now().UnixMilli()))
	cmd := wire.Command{
		ID: "cmd-" + strings.ToLower(rand.Text()), Counter: c.last, Audience: []string{device},
		Expires: time.Now().Add(time.Hour).UTC().Truncate(time.Second), Kind: kind,
	}
	if args != nil {
		raw, err := json.Marshal(args)
		if err != nil {
			c.t.Fatal(err)
		}
		cmd.Args = raw
	}
	raw, err := c.department.Command(cmd, signers...)
	if err != nil {
		c.t.Fatal(err)
	}
	return cmd, raw
}

func (c *commanded) publish(raw []byte) {
	c.t.Helper()
	if err := c.centre.Publish("bt/v1/d/"+device+"/cmd/req", false, raw); err != nil {
		c.t.Fatal(err)
	}
}

// answers are those to one command so far.
func (c *commanded) answers(id string) []wire.CommandAck {
	c.t.Helper()
	heard, err := c.centre.Heard(device)
	if err != nil {
		c.t.Fatal(err)
	}
	return slices.DeleteFunc(heard.Answers, func(a wire.CommandAck) bool { return a.ID != id })
}

// final waits for the final answer to a command.
func (c *commanded) final(id string) wire.CommandAck {
	c.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, a := range c.answers(id) {
			if a.Status.Final() {
				return a
			}
		}
	}
	c.t.Fatalf("no final answer to %s: %+v", id, c.answers(id))
	return wire.CommandAck{}
}

// recorded waits until the centre has a final record of the command, and returns what it has of it.
func (c *commanded) recorded(id string) []journal.Command {
	c.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		heard, err := c.centre.Heard(device)
		if err != nil {
			c.t.Fatal(err)
		}
		found := commands(c.t, heard.Records, id)
		if n := len(found); n > 0 && wire.CommandStatus(found[n-1].Status).Final() {
			return found
		}
	}
	c.t.Fatalf("the centre has no final record of %s", id)
	return nil
}

func commands(t testing.TB, records []journal.Record, id string) []journal.Command {
	return slices.DeleteFunc(bodies[journal.Command](t, records, journal.KindCommand), func(c journal.Command) bool { return c.ID != id })
}

// TestSignedCommandSwitchesThePanel is the whole way: signed by a person, over a real broker, to a panel on a pty, read
// back, answered, and on record at the centre.
func TestSignedCommandSwitchesThePanel(t *testing.T) {
	t.Parallel()
	panel := startPeer(t)
	c := newCommanded(t)
	c.site.driver, c.site.port = "mdc", panel.port
	c.inbox(c.approved(10))
	r := c.start()
	c.onAir()
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	cmd, raw := c.order(wire.DoPower, wire.PowerArgs{State: wire.WishOff, Until: &until, Reason: "bảo trì"})
	c.publish(raw)
	panel.await(t, "off")
	a := c.final(cmd.ID)
	var evidence command.PowerEvidence
	if err := json.Unmarshal(a.Evidence, &evidence); err != nil {
		t.Fatal(err)
	}
	if a.Status != wire.Done || evidence.Panel != "off" || evidence.Rule != "department" || evidence.VerifiedAt == nil {
		t.Errorf("the answer is %+v, %+v", a, evidence)
	}
	c.publish(raw) // again, as the centre does that heard no answer
	c.until("answered again", func(*wire.State) bool {
		all := c.answers(cmd.ID)
		last := all[len(all)-1]
		return last.Status == wire.Duplicate && last.First == wire.Done && string(last.Evidence) == string(a.Evidence)
	})
	var steps []string
	for _, rec := range c.recorded(cmd.ID) {
		steps = append(steps, rec.Status)
		if rec.People != "power" || rec.Digest != a.Digest {
			t.Errorf("the record is %+v", rec)
		}
	}
	if got := strings.Join(steps, " "); got != "RECEIVED DONE" {
		t.Errorf("the records are %s", got)
	}
	back, raw := c.order(wire.DoPower, wire.PowerArgs{State: wire.WishSchedule, Reason: "xong"})
	c.publish(raw)
	panel.await(t, "on")
	if a := c.final(back.ID); a.Status != wire.Done {
		t.Errorf("back to the schedule: %+v", a)
	}
	r.stop()
	t.Logf("%+v", a)
}

// An office is where displays upload to: it knows them by their certificates.
type office struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string][]byte // by "display name"
}

func newOffice(t *testing.T, ca *brokertest.CA) *office {
	t.Helper()
	pair, err := ca.Issue(brokertest.Leaf{CommonName: "office", Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	own, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	displays := x509.NewCertPool()
	displays.AppendCertsFromPEM(ca.PEM)
	o := &office{files: map[string][]byte{}}
	o.Server = httptest.NewUnstartedServer(o)
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: displays}
	o.StartTLS()
	t.Cleanup(o.Close)
	return o
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/content/upload/")
	content, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if !ok || err != nil || r.Method != http.MethodPut {
		http.Error(w, "no", http.StatusNotFound)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.files[r.TLS.PeerCertificates[0].Subject.CommonName+" "+name] = content
	w.WriteHeader(http.StatusCreated)
}

// TestCommandsOfTheScreen gives every other command that does no harm to the machine of the test to a real daemon with a
// real player, and looks at what arrives.
func TestCommandsOfTheScreen(t *testing.T) {
	t.Parallel()
	c := newCommanded(t)
	office := newOffice(t, c.broker.CA)
	c.site.content = office.URL + "/content/"
	list := c.approved(10)
	c.inbox(list)
	r := c.start()
	c.onAir()
	envelope, err := trust.ParseEnvelope(list)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(envelope.Payload)
	for _, test := range []struct {
		kind wire.CommandKind
		args any
	}{
		{wire.DoIdentify, wire.IdentifyArgs{Seconds: 2}},
		{wire.DoPlaylist, wire.PlaylistArgs{Digest: hex.EncodeToString(sum[:])}},
		{wire.DoScreenshot, nil},
		{wire.DoDiagnostics, nil},
		{wire.DoRestartPlayer, nil},
	} {
		cmd, raw := c.order(test.kind, test.args)
		c.publish(raw)
		a := c.final(cmd.ID)
		if a.Status != wire.Done {
			t.Errorf("%s: %+v, %s", test.kind, a, a.Evidence)
		}
		t.Logf("%s: %s", test.kind, a.Evidence)
		if name := map[wire.CommandKind]string{wire.DoScreenshot: ".jpg", wire.DoDiagnostics: ".json"}[test.kind]; name != "" {
			office.holds(t, device+" "+cmd.ID+name, a)
		}
	}
	r.stop()
}

// holds checks that the evidence is that of what arrived, and looks into it.
func (o *office) holds(t *testing.T, name string, a wire.CommandAck) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	content := o.files[name]
	var evidence command.FileEvidence
	if err := json.Unmarshal(a.Evidence, &evidence); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(content); evidence.SHA256 != hex.EncodeToString(sum[:]) || evidence.Bytes != len(content) {
		t.Errorf("%s has %d bytes, the evidence is %+v", name, len(content), evidence)
	}
	if strings.HasSuffix(name, ".jpg") {
		if _, err := jpeg.Decode(bytes.NewReader(content)); err != nil {
			t.Error(err)
		}
		return
	}
	var report command.Report
	if err := json.Unmarshal(content, &report); err != nil {
		t.Fatal(err)
	}
	if report.Device != device || report.Trust != 1 || report.DiskFree <= 0 || report.Memory <= 0 || report.Uptime <= 0 || report.State.Player.State != "playing" || len(report.Problems) > 0 {
		t.Errorf("the report is %s", content)
	}
	for _, secret := range []string{"PRIVATE KEY", "BEGIN CERTIFICATE", "ed25519"} {
		if bytes.Contains(content, []byte(secret)) {
			t.Errorf("the report holds %q", secret)
		}
	}
}
