package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"

	"bangtin/internal/pki"
)

func csrOf(t testing.TB, key any, template x509.CertificateRequest) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func named(cn string) x509.CertificateRequest {
	return x509.CertificateRequest{Subject: pkix.Name{CommonName: cn}}
}

func TestParseRequest(t *testing.T) {
	key, _, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	good, err := pki.MakeRequest(key, device)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pki.ParseRequest(good)
	if err != nil || r.CommonName != device || !r.Key.Equal(&key.PublicKey) {
		t.Fatalf("%+v %v", r, err)
	}
	// Whatever else is asked for leaves no trace.
	greedy := named(device)
	greedy.DNSNames = []string{"centre.example"}
	greedy.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 3, 1, 1, 0xff}}}
	if r, err = pki.ParseRequest(csrOf(t, key, greedy)); err != nil {
		t.Fatal(err)
	}
	raw, err := newOffice(t).CertifyDisplay(r)
	if err != nil {
		t.Fatal(err)
	}
	if c := certificate(t, raw); c.IsCA || len(c.DNSNames) > 0 {
		t.Errorf("CA %v for %v", c.IsCA, c.DNSNames)
	}

	weak, _ := rsa.GenerateKey(rand.Reader, 2048)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	two := named(device)
	two.Subject.Organization = []string{"Sở"}
	block, _ := pem.Decode(good)
	forged := slices.Clone(block.Bytes)
	forged[len(forged)-1] ^= 1
	renamed := bytes.Replace(block.Bytes, []byte(device), []byte("tinh-bien-02"), 1)
	asPEM := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	for name, raw := range map[string][]byte{
		"nothing": nil, "words": []byte("give me a certificate"), "empty block": asPEM("CERTIFICATE REQUEST", nil),
		"another kind": asPEM("CERTIFICATE", block.Bytes), "twice": append(slices.Clone(good), good...),
		"something behind": append(slices.Clone(good), "x"...), "too large": append(slices.Clone(good), bytes.Repeat([]byte("\n"), pki.MaxRequest)...),
		"forged signature": asPEM("CERTIFICATE REQUEST", forged), "another's name under the signature": asPEM("CERTIFICATE REQUEST", renamed),
		"cut": asPEM("CERTIFICATE REQUEST", block.Bytes[:len(block.Bytes)/2]), "RSA": csrOf(t, weak, named(device)), "Ed25519": csrOf(t, ed, named(device)),
		"P-384": csrOf(t, p384, named(device)), "P-224": csrOf(t, p224, named(device)), "no name": csrOf(t, key, x509.CertificateRequest{}),
		"more than a name": csrOf(t, key, two),
	} {
		if r, err := pki.ParseRequest(raw); err == nil {
			t.Errorf("%s: taken as %q", name, r.CommonName)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	key, err := pki.ParseKey([]byte(fuzzKey))
	if err != nil {
		f.Fatal(err)
	}
	good, err := pki.MakeRequest(key, device)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := pki.ParseRequest(raw)
		if err != nil {
			return
		}
		if len(raw) > pki.MaxRequest || r.CommonName == "" || r.Key.Curve != elliptic.P256() {
			t.Errorf("taken: %q", raw)
		}
		// What was taken can be certified, and says nothing but name and key.
		a, _, err := pki.NewAuthority("fuzz", noon)
		if err != nil {
			t.Fatal(err)
		}
		c, err := a.Client(r, noon)
		if err != nil {
			return // a name that no certificate may have
		}
		if c.IsCA || c.Subject.CommonName != r.CommonName || len(c.DNSNames)+len(c.IPAddresses)+len(c.URIs) > 0 || c.SerialNumber.Cmp(big.NewInt(0)) <= 0 {
			t.Errorf("certified %+v", c.Subject)
		}
	})
}
