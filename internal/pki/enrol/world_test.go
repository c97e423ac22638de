package enrol_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
	"bangtin/internal/trust"
)

const device = "tinh-bien-01"

// A centre is an office with its codes and its HTTPS, at which time is what the test says.
type centre struct {
	t      *testing.T
	dir    string
	office *pki.Office
	codes  *enrol.Codes
	server *httptest.Server
	log    bytes.Buffer

	mu    sync.Mutex
	now   time.Time
	trust []byte // nil: it is not there
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	c := &centre{t: t, dir: t.TempDir(), now: time.Now(), trust: document(t)}
	office, err := pki.NewOffice(c.dir, []string{"localhost", "127.0.0.1"}, c.clock)
	c.check(err)
	c.office, c.codes = office, enrol.OpenCodes(t.TempDir(), c.clock)
	h := enrol.NewServer(enrol.Config{
		Office: c.office, Codes: c.codes, Now: c.clock, Log: slog.New(slog.NewTextHandler(&lockedWriter{w: &c.log}, nil)),
		Trust: func() ([]byte, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.trust == nil {
				return nil, os.ErrNotExist
			}
			return c.trust, nil
		},
	}).Handler()
	c.server = httptest.NewUnstartedServer(h)
	pair, err := tls.LoadX509KeyPair(filepath.Join(c.dir, "server.pem"), filepath.Join(c.dir, "server.key"))
	c.check(err)
	c.server.TLS = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
	c.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	c.server.StartTLS()
	t.Cleanup(c.server.Close)
	return c
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// document is a trust document of one person.
func document(t *testing.T) []byte {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	var signers []trust.Signer
	d := &trust.Document{Version: 1, Organisation: "Sở", Created: time.Now().UTC().Truncate(time.Second), Roles: map[trust.Role]trust.Grant{}}
	g := trust.Grant{Threshold: 2}
	for _, person := range []string{"mot", "hai"} {
		s := trust.NewSigner(private)
		signers = append(signers, s)
		d.Keys = append(d.Keys, trust.NewKey(s.Public(), person, person))
		g.Members = append(g.Members, trust.Member{Key: trust.KeyID(s.Public())})
		if _, private, err = ed25519.GenerateKey(nil); err != nil {
			t.Fatal(err)
		}
	}
	d.Roles[trust.RoleTrust] = g
	raw, err := d.Seal(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (c *centre) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *centre) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *centre) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *centre) pin() string {
	c.t.Helper()
	ca, err := c.office.Displays()
	c.check(err)
	return ca.Pin()
}

func (c *centre) code(device string) enrol.Code {
	c.t.Helper()
	code, _, err := c.codes.Make(device, c.pin())
	c.check(err)
	return code
}

// newRequest is a fresh key with its request.
func newRequest(t testing.TB, name string) (*ecdsa.PrivateKey, []byte, []byte) {
	t.Helper()
	key, keyPEM, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.MakeRequest(key, name)
	if err != nil {
		t.Fatal(err)
	}
	return key, keyPEM, csr
}

func (c *centre) ask(code enrol.Code, csr []byte) (*enrol.Answer, error) {
	return enrol.Ask(c.t.Context(), c.server.URL, code, csr, c.clock(), c.clock())
}

// enrolled is a display with its certificate.
func (c *centre) enrolled(name string) (*ecdsa.PrivateKey, tls.Certificate) {
	c.t.Helper()
	key, keyPEM, csr := newRequest(c.t, name)
	a, err := c.ask(c.code(name), csr)
	c.check(err)
	pair, err := tls.X509KeyPair([]byte(a.Certificate), keyPEM)
	c.check(err)
	return key, pair
}

// with shows a certificate to the centre.
func (c *centre) with(pairs ...tls.Certificate) *tls.Config {
	c.t.Helper()
	roots, err := pki.Pool(filepath.Join(c.dir, "ca.pem"))
	c.check(err)
	return &tls.Config{RootCAs: roots, Certificates: pairs}
}

// dial is how a display with this certificate connects.
func (c *centre) dial(pair tls.Certificate) func(context.Context, string, string) (net.Conn, error) {
	d := tls.Dialer{Config: c.with(pair)}
	return d.DialContext
}

// post sends any bytes and returns status and what the centre says is wrong.
func (c *centre) post(path, body string, conf *tls.Config) (int, string) {
	c.t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}}
	resp, err := client.Post(c.server.URL+path, "application/json", strings.NewReader(body))
	c.check(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	c.check(err)
	var p struct{ Error string }
	if err := json.Unmarshal(raw, &p); err != nil {
		c.t.Fatalf("%s: not JSON: %q", path, raw)
	}
	return resp.StatusCode, p.Error
}

func body(v map[string]string) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
