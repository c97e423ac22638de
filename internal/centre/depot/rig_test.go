package depot_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bangtin/internal/centre/depot"
)

// An authority certifies and revokes.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t), next: 1}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte(name),
	}, &x509.Certificate{Subject: pkix.Name{CommonName: name}, SerialNumber: big.NewInt(1), SubjectKeyId: []byte(name)}, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// issue certifies a name for one purpose, for the given time from an hour ago on.
func (a *authority) issue(name string, use x509.ExtKeyUsage, long time.Duration) tls.Certificate {
	a.t.Helper()
	key := newKey(a.t)
	a.next++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(-time.Hour + long), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) client(name string) tls.Certificate {
	return a.issue(name, x509.ExtKeyUsageClientAuth, 24*time.Hour)
}

func (a *authority) revoke(number int64, certificates ...tls.Certificate) []byte {
	a.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, c := range certificates {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.Leaf.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// A rig is a depot behind a real TLS server.
type rig struct {
	t                   *testing.T
	dir                 string
	displays, operators *authority
	address             string
	config              depot.Config
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), displays: newAuthority(t, "ca"), operators: newAuthority(t, "department")}
	r.write("ca.pem", r.displays.pem())
	r.write("department.pem", r.operators.pem())
	r.write("crl.pem", append(r.displays.revoke(1), r.operators.revoke(1)...))
	r.own(r.displays.issue("server", x509.ExtKeyUsageServerAuth, 24*time.Hour))
	people, err := depot.NewPeople(depot.PeopleFiles{Displays: r.path("ca.pem"), Operators: r.path("department.pem"), Revoked: r.path("crl.pem"),
		Certificate: r.path("server.pem"), Key: r.path("server.key")}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r.config = depot.Config{Content: r.path("content"), Uploads: r.path("uploads"), People: people, Log: slog.New(slog.DiscardHandler),
		Enroller: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, err := io.ReadAll(io.LimitReader(req.Body, 10_000))
			if err == nil {
				_, err = w.Write(body)
			}
			if err != nil {
				t.Log("enroller:", err) // whoever goes away is none of its trouble
			}
		})}
	d, err := depot.New(r.config)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = l.Addr().String()
	gate := depot.NewGate(l, people)
	server := &http.Server{Handler: d.Handler(), ConnState: gate.State, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(tls.NewListener(gate, people.TLS()))
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return r
}

func (r *rig) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

func (r *rig) write(name string, data []byte) {
	r.t.Helper()
	if err := os.WriteFile(r.path(name+".new"), data, 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(r.path(name+".new"), r.path(name)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) own(c tls.Certificate) {
	r.t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		r.t.Fatal(err)
	}
	r.write("server.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
	r.write("server.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}

// A caller is somebody with a certificate, or without one.
type caller struct {
	r      *rig
	client *http.Client
}

func (r *rig) as(certificates ...tls.Certificate) *caller {
	roots := x509.NewCertPool()
	roots.AddCert(r.displays.cert)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if len(certificates) == 0 {
			return &tls.Certificate{}, nil
		}
		return &certificates[0], nil // also one that the server did not ask for
	}}}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &caller{r: r, client: &http.Client{Transport: transport, Timeout: time.Minute}}
}

func (c *caller) do(method, path string, body io.Reader, header ...string) (int, http.Header, []byte) {
	c.r.t.Helper()
	request, err := http.NewRequest(method, "https://"+c.r.address+path, body)
	if err != nil {
		c.r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := c.client.Do(request)
	if err != nil {
		c.r.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		c.r.t.Fatal(err)
	}
	return response.StatusCode, response.Header, answer
}

func (c *caller) status(method, path string, body []byte) int {
	c.r.t.Helper()
	status, _, _ := c.do(method, path, bytes.NewReader(body))
	return status
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
