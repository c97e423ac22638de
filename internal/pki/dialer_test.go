package pki_test

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/pki"
)

// A gate is a TLS server with the office's present certificate. It tells each client its name.
func (o *office) gate() (address string) {
	o.t.Helper()
	pair, err := tls.X509KeyPair(o.read("server.pem"), o.read("server.key"))
	if err != nil {
		o.t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert,
	})
	if err != nil {
		o.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			greet(conn.(*tls.Conn))
		}
	}()
	o.t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func greet(conn *tls.Conn) {
	defer conn.Close()
	if conn.Handshake() == nil {
		io.WriteString(conn, conn.ConnectionState().PeerCertificates[0].Subject.CommonName)
	}
}

// enrolled are the files of a display that this office let in.
func (o *office) enrolled() pki.Files {
	o.t.Helper()
	key, keyPEM, err := pki.NewKey()
	if err != nil {
		o.t.Fatal(err)
	}
	certificate, err := o.CertifyDisplay(&pki.Request{CommonName: device, Key: &key.PublicKey})
	if err != nil {
		o.t.Fatal(err)
	}
	dir := o.t.TempDir()
	f := pki.Files{CA: filepath.Join(dir, "ca.pem"), Certificate: filepath.Join(dir, "device.pem"), Key: filepath.Join(dir, "device.key")}
	for path, raw := range map[string][]byte{f.CA: o.read("ca.pem"), f.Certificate: certificate, f.Key: keyPEM} {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
	return f
}

// TestDialerOfAWrongClock: whatever the display takes the time for, it gets in to be told; what is over stays over.
func TestDialerOfAWrongClock(t *testing.T) {
	const years = 365 * 24 * time.Hour
	dead := time.Unix(3600, 0)
	at := func(t time.Time) func() time.Time { return func() time.Time { return t } }
	for name, test := range map[string]struct {
		now, floor time.Time
		renewed    bool   // the server's certificate, 500 days later
		stranger   bool   // the server's authority is not the display's
		reason     string // empty: connects
	}{
		"right":                           {now: noon, floor: noon.Add(-time.Hour)},
		"1970, with a floor":              {now: dead, floor: noon},
		"1970, floor before every one":    {now: dead, floor: dead},
		"1970, floor before the renewal":  {now: dead, floor: noon, renewed: true},
		"2099":                            {now: noon.Add(72 * years), floor: noon.Add(-time.Hour)},
		"right, and the server's is over": {now: noon.Add(3 * years), floor: noon.Add(3*years - time.Hour), reason: "has expired"},
		"1970, over by the floor":         {now: dead, floor: noon.Add(3 * years), reason: "has expired"},
		"a stranger":                      {now: noon, floor: noon, stranger: true, reason: "unknown authority"},
		"a stranger, in 1970":             {now: dead, floor: dead, stranger: true, reason: "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "127.0.0.1")
			files, server := o.enrolled(), o
			if test.renewed {
				o.later(500 * 24 * time.Hour)
				if names, err := o.RenewOwn(); err != nil || len(names) == 0 {
					t.Fatal(names, err)
				}
			}
			if test.stranger {
				server = newOffice(t, "127.0.0.1")
			}
			d := pki.Dialer{Files: files, Now: at(test.now), Floor: at(test.floor)}
			conn, err := d.DialContext(t.Context(), "tcp", server.gate())
			if test.reason != "" {
				if err == nil || !strings.Contains(err.Error(), test.reason) {
					t.Errorf("%v, want %q", err, test.reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if said, err := io.ReadAll(conn); err != nil || string(said) != device {
				t.Errorf("the server knows %q, %v", said, err)
			}
		})
	}
}

// TestDialerFailsWithoutAConnection: an error comes with no connection, not with one that holds none.
func TestDialerFailsWithoutAConnection(t *testing.T) {
	o := newOffice(t, "127.0.0.1")
	files := o.enrolled()
	d := pki.Dialer{Files: files, Now: time.Now, Floor: time.Now}
	var conn net.Conn
	var err error
	if conn, err = d.DialContext(t.Context(), "tcp", "127.0.0.1:1"); err == nil || conn != nil {
		t.Errorf("nobody there: %v %v", conn, err)
	}
	if err := os.Remove(files.Key); err != nil {
		t.Fatal(err)
	}
	if conn, err = d.DialContext(t.Context(), "tcp", o.gate()); err == nil || conn != nil {
		t.Errorf("without a key: %v %v", conn, err)
	}
}
