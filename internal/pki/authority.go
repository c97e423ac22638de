package pki

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base32"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

const (
	authorityYears = 15
	leafYears      = 2
	// backdate: the clocks of the others may be behind by this much.
	backdate = 24 * time.Hour
)

// PinLength is in letters of base32, five bits each: 100 bits of a SHA-256.
const PinLength = 20

// An Authority certifies names for keys. It has an ECDSA key on P-256 and lasts 15 years.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey // nil where the key is kept elsewhere
}

// A Pair is a certificate with its private key, both PEM.
type Pair struct {
	Certificate, Key []byte
}

// NewAuthority makes one, valid from a day before now.
func NewAuthority(commonName string, now time.Time) (*Authority, Pair, error) {
	key, keyPEM, err := NewKey()
	if err != nil {
		return nil, Pair{}, err
	}
	template, err := newTemplate(commonName, now, authorityYears)
	if err != nil {
		return nil, Pair{}, err
	}
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.IsCA, template.MaxPathLenZero = true, true
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, Pair{}, fmt.Errorf("cannot make the authority %s: %w", commonName, err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, Pair{}, fmt.Errorf("cannot make the authority %s: %w", commonName, err)
	}
	return &Authority{certificate: certificate, key: key}, Pair{Certificate: certificatePEM(der), Key: keyPEM}, nil
}

// LoadAuthority reads an authority and checks that its key fits. With keyFile "" it can judge and not sign.
func LoadAuthority(certificateFile, keyFile string) (*Authority, error) {
	raw, err := ReadFile(certificateFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the authority: %w", err)
	}
	a := &Authority{}
	if a.certificate, err = ParseCertificate(raw); err != nil {
		return nil, err
	}
	if !a.certificate.IsCA {
		return nil, fmt.Errorf("cannot use %s as an authority: it is the certificate of somebody else", certificateFile)
	}
	if keyFile == "" {
		return a, nil
	}
	if raw, err = ReadFile(keyFile); err != nil {
		return nil, fmt.Errorf("cannot read the authority's key: %w", err)
	}
	if a.key, err = ParseKey(raw); err != nil {
		return nil, err
	}
	if !a.key.PublicKey.Equal(a.certificate.PublicKey) {
		return nil, fmt.Errorf("cannot use %s: it is not the key of %s", keyFile, certificateFile)
	}
	return a, nil
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() []byte { return certificatePEM(a.certificate.Raw) }

// Pin is by what a person's code names this authority.
func (a *Authority) Pin() string { return Pin(a.certificate) }

// Pin is the first 100 bits of the SHA-256 of a certificate's key (SubjectPublicKeyInfo), in base32.
func Pin(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base32.StdEncoding.EncodeToString(sum[:])[:PinLength]
}

// Client certifies that the holder of the request's key is who it says. Who may be called so the caller has checked.
func (a *Authority) Client(r *Request, now time.Time) (*x509.Certificate, error) {
	template, err := newTemplate(r.CommonName, now, leafYears)
	if err != nil {
		return nil, err
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(template, r.Key)
}

// NewClient makes a key too, for somebody who is handed both.
func (a *Authority) NewClient(commonName string, now time.Time) (*x509.Certificate, Pair, error) {
	key, keyPEM, err := NewKey()
	if err != nil {
		return nil, Pair{}, err
	}
	c, err := a.Client(&Request{CommonName: commonName, Key: &key.PublicKey}, now)
	if err != nil {
		return nil, Pair{}, err
	}
	return c, Pair{Certificate: certificatePEM(c.Raw), Key: keyPEM}, nil
}

// NewServer makes a key and certifies it for the names and addresses of a server.
func (a *Authority) NewServer(hosts []string, now time.Time) (Pair, error) {
	if len(hosts) == 0 {
		return Pair{}, errors.New("cannot certify a server without a name")
	}
	key, keyPEM, err := NewKey()
	if err != nil {
		return Pair{}, err
	}
	certificate, err := a.server(hosts, &key.PublicKey, now)
	return Pair{Certificate: certificate, Key: keyPEM}, err
}

// server returns PEM. The authority's own certificate follows: a display that has only the code finds it in the
// handshake.
func (a *Authority) server(hosts []string, key *ecdsa.PublicKey, now time.Time) ([]byte, error) {
	template, err := newTemplate(hosts[0], now, leafYears)
	if err != nil {
		return nil, err
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	c, err := a.sign(template, key)
	if err != nil {
		return nil, err
	}
	return append(certificatePEM(c.Raw), a.PEM()...), nil
}

func (a *Authority) sign(template *x509.Certificate, key *ecdsa.PublicKey) (*x509.Certificate, error) {
	if a.key == nil {
		return nil, errors.New("cannot certify anybody: the authority's key is not here")
	}
	if now := template.NotBefore.Add(backdate); now.Before(a.certificate.NotBefore) || now.After(a.certificate.NotAfter) {
		return nil, fmt.Errorf("cannot certify %s: the clock says %s, and the authority is valid from %s to %s", template.Subject.CommonName,
			now.Format(time.DateOnly), a.certificate.NotBefore.Format(time.DateOnly), a.certificate.NotAfter.Format(time.DateOnly))
	}
	if template.NotAfter.After(a.certificate.NotAfter) {
		template.NotAfter = a.certificate.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key)
	if err != nil {
		return nil, fmt.Errorf("cannot certify %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// Verify checks that the authority certified c as a client and that c is valid at now. Whether it was revoked the
// Office knows.
func (a *Authority) Verify(c *x509.Certificate, now time.Time) error {
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	_, err := c.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return fmt.Errorf("cannot believe the certificate: %w", err)
	}
	return nil
}

// newTemplate has a random serial of 120 bits: none is given twice, and nobody can guess one.
func newTemplate(commonName string, now time.Time, years int) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("cannot number the certificate of %s: %w", commonName, err)
	}
	return &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)),
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             now.UTC().Add(-backdate),
		NotAfter:              now.UTC().AddDate(years, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}, nil
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
