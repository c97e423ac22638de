package main_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/wire"
)

// A depot serves content over HTTPS to whom the department's authority knows.
type depot struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string][]byte
	asked map[string]int // requests by the certificate's name and path
}

// newDepot starts a depot with a certificate of one authority, for holders of another's.
func newDepot(t testing.TB, server, clients *brokertest.CA) *depot {
	t.Helper()
	pair, err := server.Issue(brokertest.Leaf{CommonName: "centre", Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(clients.PEM)
	d := &depot{files: map[string][]byte{}, asked: map[string]int{}}
	d.Server = httptest.NewUnstartedServer(d)
	d.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	d.TLS = &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}
	d.StartTLS()
	t.Cleanup(d.Close)
	return d
}

func (d *depot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[r.TLS.PeerCertificates[0].Subject.CommonName+" "+r.URL.Path]++
	raw, ok := d.files[strings.TrimPrefix(r.URL.Path, "/content/")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(raw))
}

func (d *depot) requests() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

// takeOver moves what the inbox holds of content to the depot.
func (d *depot) takeOver(t testing.TB, w *world) (name string) {
	t.Helper()
	all, err := filepath.Glob(w.path("data", "inbox", "content", "*"))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v in the inbox", all, err)
	}
	raw, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(all[0]); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[filepath.Base(all[0])] = raw
	return filepath.Base(all[0])
}

// enrol gives the display a certificate, and a broker that is not there.
func (w *world) enrol(ca *brokertest.CA) {
	w.t.Helper()
	pair, err := ca.Issue(brokertest.Leaf{CommonName: device})
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(ca.PEM, "data", "ca.pem")
	w.write(pair.Certificate, "data", "device.pem")
	w.write(pair.Key, "data", "device.key")
	w.site.broker = "tls://127.0.0.1:1"
}

func authority(t testing.TB, name string) *brokertest.CA {
	t.Helper()
	ca, err := brokertest.NewCA(name)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// TestContentOverHTTPS offers a playlist whose file is nowhere but at the department, which gives it to the display's
// certificate alone.
func TestContentOverHTTPS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca := authority(t, "department")
	d := newDepot(t, ca, ca)
	w.enrol(ca)
	w.site.content = d.URL + "/content/"
	playlist := w.approved(10)
	name := d.takeOver(t, w)
	w.inbox(playlist)
	r := w.start()
	w.until("on air with a file that was fetched", playing(10))
	r.stop()
	if asked := d.requests(); asked[device+" /content/"+name] != 1 || len(asked) != 1 {
		t.Errorf("asked: %v", asked)
	}
	w.verified()
}

// TestContentWithADeadClock: a display without a broker and without a battery, whose program is older than every
// certificate, fetches its content all the same.
func TestContentWithADeadClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca := authority(t, "department")
	d := newDepot(t, ca, ca)
	w.enrol(ca)
	w.site.content = d.URL + "/content/"
	playlist := w.approved(10)
	name := d.takeOver(t, w)
	w.inbox(playlist)
	r := w.start("BANGTIN_TEST_WALL=1970-01-01T00:00:10Z|1")
	w.until("on air with a file that was fetched", playing(10))
	r.stop()
	if asked := d.requests(); asked[device+" /content/"+name] != 1 {
		t.Errorf("asked: %v", asked)
	}
}

// TestContentOfAStranger has a server of the same name with a certificate of another authority.
func TestContentOfAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca := authority(t, "department")
	d := newDepot(t, authority(t, "stranger"), ca)
	w.enrol(ca)
	w.site.content = d.URL + "/content/"
	w.inbox(w.approved(10))
	r := w.start()
	w.until("on air through the inbox", playing(10))
	next := w.approved(11)
	d.takeOver(t, w)
	w.inbox(next)
	w.until("the stranger noticed", func(s *wire.State) bool {
		return playing(10)(s) && strings.Contains(r.log(), "content not fetched") && strings.Contains(r.log(), "certificate signed by unknown authority")
	})
	r.stop()
	if asked := d.requests(); len(asked) != 0 {
		t.Errorf("asked a stranger: %v", asked)
	}
}
