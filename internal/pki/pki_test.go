package pki_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/internal/pki"
)

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

const device = "tinh-bien-01"

// An office at which time is what the test says.
type office struct {
	*pki.Office
	t   *testing.T
	dir string
	mu  sync.Mutex
	now time.Time
}

func newOffice(t *testing.T, hosts ...string) *office {
	t.Helper()
	o := &office{t: t, dir: t.TempDir(), now: noon}
	var err error
	if o.Office, err = pki.NewOffice(o.dir, append(hosts, "centre.example", "203.0.113.5"), o.clock); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) later(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

func (o *office) read(name string) []byte {
	o.t.Helper()
	raw, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil {
		o.t.Fatal(err)
	}
	return raw
}

func (o *office) certificate(name string) *x509.Certificate {
	o.t.Helper()
	return certificate(o.t, o.read(name))
}

func certificate(t *testing.T, raw []byte) *x509.Certificate {
	t.Helper()
	c, err := pki.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// display certifies a fresh key.
func (o *office) display(name string) (*x509.Certificate, *pki.Request) {
	o.t.Helper()
	key, _, err := pki.NewKey()
	if err != nil {
		o.t.Fatal(err)
	}
	r := &pki.Request{CommonName: name, Key: &key.PublicKey}
	raw, err := o.CertifyDisplay(r)
	if err != nil {
		o.t.Fatal(err)
	}
	return certificate(o.t, raw), r
}

func TestNewOffice(t *testing.T) {
	o := newOffice(t)
	ca, department := o.certificate("ca.pem"), o.certificate("department.pem")
	for _, c := range []*x509.Certificate{ca, department} {
		if !c.IsCA || !c.MaxPathLenZero || !c.NotAfter.Equal(noon.AddDate(15, 0, 0)) || c.NotBefore.After(noon.Add(-24*time.Hour)) {
			t.Errorf("authority %v: CA %v, path %d, from %v to %v", c.Subject, c.IsCA, c.MaxPathLen, c.NotBefore, c.NotAfter)
		}
	}
	server, roots := o.certificate("server.pem"), x509.NewCertPool()
	roots.AddCert(ca)
	for _, host := range []string{"centre.example", "203.0.113.5"} {
		if _, err := server.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: noon}); err != nil {
			t.Errorf("server for %s: %v", host, err)
		}
	}
	centre := o.certificate("centre.pem")
	if centre.Subject.CommonName != "centre" || centre.CheckSignatureFrom(department) != nil || centre.CheckSignatureFrom(ca) == nil {
		t.Error("the centre's certificate is not the department's")
	}
	for name, mode := range map[string]fs.FileMode{"ca.key": 0o600, "department.key": 0o600, "centre.key": 0o600, "server.key": 0o640} {
		info, err := os.Stat(filepath.Join(o.dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, mode)
		}
	}
	if people, err := o.People(); err != nil || !slices.Equal(people, []string{"centre"}) {
		t.Errorf("people %v %v", people, err)
	}
}

func TestDisplayCertificate(t *testing.T) {
	o := newOffice(t)
	c, r := o.display(device)
	if c.Subject.CommonName != device || c.IsCA || !r.Key.Equal(c.PublicKey) || len(c.Subject.Names) != 1 ||
		!slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}) || !c.NotAfter.Equal(noon.AddDate(2, 0, 0)) {
		t.Errorf("certificate %+v", c)
	}
	other, _ := o.display(device)
	if other.SerialNumber.Cmp(c.SerialNumber) == 0 || other.SerialNumber.BitLen() < 60 {
		t.Error("serials are not random")
	}
	a, err := o.Displays()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Verify(c, noon); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"expired": a.Verify(c, noon.AddDate(2, 0, 1)), "the server's": a.Verify(o.certificate("server.pem"), noon),
		"the department's": a.Verify(o.certificate("centre.pem"), noon),
	} {
		if err == nil {
			t.Errorf("a certificate that is %s is taken for a display's", name)
		}
	}
}

// lists parses crl.pem as a broker does.
func (o *office) lists() (displays, department *x509.RevocationList) {
	o.t.Helper()
	var found []*x509.RevocationList
	for block, rest := pem.Decode(o.read("crl.pem")); block != nil; block, rest = pem.Decode(rest) {
		l, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			o.t.Fatal(err)
		}
		found = append(found, l)
	}
	if len(found) != 2 {
		o.t.Fatalf("%d lists in crl.pem", len(found))
	}
	if found[0].CheckSignatureFrom(o.certificate("ca.pem")) != nil {
		found[0], found[1] = found[1], found[0]
	}
	for i, ca := range []string{"ca.pem", "department.pem"} {
		if err := found[i].CheckSignatureFrom(o.certificate(ca)); err != nil {
			o.t.Fatalf("list of %s: %v", ca, err)
		}
	}
	return found[0], found[1]
}

func TestRevocation(t *testing.T) {
	o := newOffice(t)
	first, _ := o.display(device)
	second, _ := o.display(device)
	kept, _ := o.display("tinh-bien-02")
	before, _ := o.lists()
	if n, err := o.RevokeDisplay(device); n != 2 || err != nil {
		t.Fatalf("%d revoked, %v", n, err)
	}
	displays, department := o.lists()
	var serials []string
	for _, e := range displays.RevokedCertificateEntries {
		serials = append(serials, e.SerialNumber.String())
	}
	if len(serials) != 2 || !slices.Contains(serials, first.SerialNumber.String()) || !slices.Contains(serials, second.SerialNumber.String()) {
		t.Errorf("revoked %v", serials)
	}
	if displays.Number.Cmp(before.Number) <= 0 || !displays.ThisUpdate.After(before.ThisUpdate) || displays.ThisUpdate.After(noon) {
		t.Errorf("number %v after %v, from %v after %v", displays.Number, before.Number, displays.ThisUpdate, before.ThisUpdate)
	}
	if !displays.NextUpdate.Equal(o.certificate("ca.pem").NotAfter) {
		t.Error("the list runs out before its authority")
	}
	if len(department.RevokedCertificateEntries) != 0 {
		t.Error("the department's list changed")
	}
	if n, err := o.RevokeDisplay(device); n != 0 || err != nil {
		t.Errorf("again: %d revoked, %v", n, err)
	}
	if n, err := o.RevokeDisplay("nobody"); n != 0 || err != nil {
		t.Errorf("nobody: %d revoked, %v", n, err)
	}
	// A display that was let in again is another certificate.
	again, r := o.display(device)
	if _, err := o.Renew(again, r); err != nil {
		t.Error(err)
	}
	if err := o.RenewCRL(); err != nil {
		t.Fatal(err)
	}
	renewed, _ := o.lists()
	if len(renewed.RevokedCertificateEntries) != 2 || renewed.Number.Cmp(displays.Number) <= 0 {
		t.Errorf("renewed list %v with %d", renewed.Number, len(renewed.RevokedCertificateEntries))
	}
	if _, err := o.Renew(kept, &pki.Request{CommonName: "tinh-bien-02", Key: r.Key}); err != nil {
		t.Errorf("who was not revoked: %v", err)
	}
}

func TestPeople(t *testing.T) {
	o := newOffice(t)
	for _, name := range []string{"operator-a", "operator-b"} {
		if _, err := o.CertifyPerson(name); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := o.RevokePerson("operator-a"); n != 1 || err != nil {
		t.Fatalf("%d revoked, %v", n, err)
	}
	if people, err := o.People(); err != nil || !slices.Equal(people, []string{"centre", "operator-b"}) {
		t.Errorf("people %v %v", people, err)
	}
	o.later(3 * 365 * 24 * time.Hour) // a clock that is wrong, perhaps
	if people, err := o.People(); err != nil || !slices.Equal(people, []string{"centre", "operator-b"}) {
		t.Errorf("people after all ran out: %v %v", people, err)
	}
}

// Whatever the clock says for a moment, what was issued can be revoked, and the list stays one that brokers believe.
func TestRevocationUnderAWrongClock(t *testing.T) {
	for name, off := range map[string]time.Duration{"2100": 73 * 365 * 24 * time.Hour, "1970": -57 * 365 * 24 * time.Hour} {
		o := newOffice(t)
		c, _ := o.display(device)
		o.later(off)
		if n, err := o.RevokeDisplay(device); n != 1 || err != nil {
			t.Errorf("%s: %d revoked, %v", name, n, err)
		}
		o.later(-off)
		displays, _ := o.lists()
		if !slices.ContainsFunc(displays.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool {
			return e.SerialNumber.Cmp(c.SerialNumber) == 0
		}) {
			t.Errorf("%s: not revoked", name)
		}
		if displays.ThisUpdate.After(noon) {
			t.Errorf("%s: the list is valid from %s on", name, displays.ThisUpdate)
		}
		o.later(off)
		if key, _, err := pki.NewKey(); err != nil {
			t.Fatal(err)
		} else if raw, err := o.CertifyDisplay(&pki.Request{CommonName: "tinh-bien-02", Key: &key.PublicKey}); err == nil {
			t.Errorf("%s: certified %s", name, raw)
		}
	}
}

// Whoever copied the key of a revoked certificate is not let in again by another one.
func TestARevokedKeyIsNotCertifiedAgain(t *testing.T) {
	o := newOffice(t)
	_, r := o.display(device)
	if _, err := o.RevokeDisplay(device); err != nil {
		t.Fatal(err)
	}
	var refusal *pki.Refusal
	if _, err := o.CertifyDisplay(r); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "remove the display's key") {
		t.Errorf("certified again: %v", err)
	}
	o.display(device) // with another key
}

func TestRenew(t *testing.T) {
	o := newOffice(t)
	stranger := newOffice(t)
	held, r := o.display(device)
	foreign, _ := stranger.display(device)
	revoked, revokedRequest := o.display("revoked")
	if _, err := o.RevokeDisplay("revoked"); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		old     *x509.Certificate
		request *pki.Request
		later   time.Duration
	}{
		"another's name":      {held, &pki.Request{CommonName: "tinh-bien-02", Key: r.Key}, 0},
		"another authority's": {foreign, r, 0},
		"revoked":             {revoked, revokedRequest, 0},
		"the server's":        {o.certificate("server.pem"), &pki.Request{CommonName: "centre.example", Key: r.Key}, 0},
		"the centre's":        {o.certificate("centre.pem"), &pki.Request{CommonName: "centre", Key: r.Key}, 0},
		"past":                {held, r, 800 * 24 * time.Hour},
		"not yet":             {held, r, -3 * 24 * time.Hour},
	}
	for name, tt := range tests {
		o.later(tt.later)
		_, err := o.Renew(tt.old, tt.request)
		var refusal *pki.Refusal
		if !errors.As(err, &refusal) {
			t.Errorf("%s: %v", name, err)
		}
		o.later(-tt.later)
	}
	first, err := o.Renew(held, r)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := o.Renew(held, r); err != nil || !bytes.Equal(first, again) {
		t.Errorf("an answer that got lost costs another certificate: %v", err)
	}
	issued := 2
	for ; issued < 100; issued++ {
		key, _, err := pki.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Renew(held, &pki.Request{CommonName: device, Key: &key.PublicKey}); errors.Is(err, pki.ErrTooMany) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if issued != 16 {
		t.Errorf("one display holds %d certificates", issued)
	}
	o.later(729 * 24 * time.Hour) // all but a day of their life is over; of the first everything soon
	if _, err = o.Renew(held, r); !errors.Is(err, pki.ErrTooMany) {
		t.Errorf("before they run out: %v", err)
	}
}

// Revocation in one process and renewals in others: nothing that was issued before the revocation escapes it.
func TestConcurrently(t *testing.T) {
	o := newOffice(t)
	held, r := o.display(device)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var issued []*x509.Certificate
	for range 8 {
		wg.Go(func() {
			raw, err := pki.OpenOffice(o.dir, o.clock).Renew(held, r)
			var refusal *pki.Refusal
			if errors.As(err, &refusal) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			issued = append(issued, certificate(t, raw))
		})
	}
	wg.Go(func() {
		if _, err := pki.OpenOffice(o.dir, o.clock).RevokeDisplay(device); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	displays, _ := o.lists()
	for _, c := range append(issued, held) {
		if !slices.ContainsFunc(displays.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(c.SerialNumber) == 0 }) {
			t.Errorf("%x escaped the revocation", c.SerialNumber)
		}
	}
}

func TestRenewOwn(t *testing.T) {
	o := newOffice(t)
	if renewed, err := o.RenewOwn(); err != nil || len(renewed) != 0 {
		t.Errorf("at once: %v %v", renewed, err)
	}
	key, before := o.read("server.key"), o.certificate("server.pem")
	o.later(17 * 30 * 24 * time.Hour)
	if renewed, err := o.RenewOwn(); err != nil || !slices.Equal(renewed, []string{"server", "centre"}) {
		t.Errorf("after 17 months: %v %v", renewed, err)
	}
	after := o.certificate("server.pem")
	if !after.NotAfter.After(before.NotAfter) || !slices.Equal(after.DNSNames, before.DNSNames) || len(after.IPAddresses) != 1 || !bytes.Equal(key, o.read("server.key")) {
		t.Errorf("server %v %v to %v", after.DNSNames, after.IPAddresses, after.NotAfter)
	}
	for _, name := range []string{"server", "centre"} {
		f := pki.Files{CA: filepath.Join(o.dir, "ca.pem"), Certificate: filepath.Join(o.dir, name+".pem"), Key: filepath.Join(o.dir, name+".key")}
		if _, err := f.Pair(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.Contains(string(o.read("server.pem")), string(o.read("ca.pem"))) {
		t.Error("the authority does not follow the server's certificate")
	}
}

// An authority whose key was taken to a safe place judges and does not sign.
func TestWithoutKey(t *testing.T) {
	o := newOffice(t)
	held, r := o.display(device)
	if err := os.Remove(filepath.Join(o.dir, "department.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Renew(held, r); err != nil {
		t.Errorf("displays need the department's key: %v", err)
	}
	if n, err := o.RevokeDisplay(device); n != 2 || err != nil {
		t.Errorf("%d revoked, %v", n, err)
	}
	if _, err := o.CertifyPerson("operator-a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("operator without the key: %v", err)
	}
	if err := os.WriteFile(filepath.Join(o.dir, "department.key"), o.read("ca.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.CertifyPerson("operator-a"); err == nil {
		t.Error("the key of another authority is used")
	}
	if err := os.WriteFile(filepath.Join(o.dir, "crl.pem"), []byte("gone"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.RevokeDisplay(device); err == nil {
		t.Error("a lost revocation list is made anew, which forgets who was revoked")
	}
}
