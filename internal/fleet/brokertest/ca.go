package brokertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// A CA issues certificates for one test or demonstration. Its key exists in memory only.
type CA struct {
	PEM []byte // its own certificate

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// A Leaf says what to certify.
type Leaf struct {
	CommonName string
	Hosts      []string  // names and addresses of a server; a client has none
	NotBefore  time.Time // default an hour ago
	NotAfter   time.Time // default in a day
}

// A Pair is a certificate with its private key, both PEM.
type Pair struct {
	Certificate, Key []byte
}

// Files are the paths of what one end of a connection needs.
type Files struct {
	CA, Certificate, Key string
}

// NewCA makes an authority valid from two days ago for ten years.
func NewCA(commonName string) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make CA key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             now.Add(-48 * time.Hour),
		NotAfter:              now.AddDate(10, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("cannot make CA certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cannot make CA certificate: %w", err)
	}
	return &CA{PEM: block("CERTIFICATE", der), certificate: certificate, key: key}, nil
}

// Issue certifies a fresh key.
func (ca *CA) Issue(leaf Leaf) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("cannot make key of %s: %w", leaf.CommonName, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return Pair{}, fmt.Errorf("cannot number certificate of %s: %w", leaf.CommonName, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf.template(serial), ca.certificate, &key.PublicKey, ca.key)
	if err != nil {
		return Pair{}, fmt.Errorf("cannot certify %s: %w", leaf.CommonName, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("cannot write key of %s: %w", leaf.CommonName, err)
	}
	return Pair{Certificate: block("CERTIFICATE", der), Key: block("PRIVATE KEY", pkcs8)}, nil
}

func (leaf Leaf) template(serial *big.Int) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: leaf.CommonName},
		NotBefore:    leaf.NotBefore,
		NotAfter:     leaf.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Hour)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(24 * time.Hour)
	}
	for _, host := range leaf.Hosts {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if ip := net.ParseIP(host); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, host)
		}
	}
	return c
}

// IssueFiles certifies leaf and writes what its holder needs to dir: ca.pem, name.pem and name.key.
func (ca *CA) IssueFiles(dir, name string, leaf Leaf) (Files, error) {
	pair, err := ca.Issue(leaf)
	if err != nil {
		return Files{}, err
	}
	files := Files{
		CA:          filepath.Join(dir, "ca.pem"),
		Certificate: filepath.Join(dir, name+".pem"),
		Key:         filepath.Join(dir, name+".key"),
	}
	for path, data := range map[string][]byte{files.CA: ca.PEM, files.Certificate: pair.Certificate, files.Key: pair.Key} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return Files{}, fmt.Errorf("cannot write certificate files: %w", err)
		}
	}
	return files, nil
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
