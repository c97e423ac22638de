package pki

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"
)

// Files are the paths of what one end of a connection needs, all PEM.
type Files struct {
	CA          string // the only authority believed for the other side's certificate
	Certificate string // own certificate
	Key         string // its private key
}

// ClientConfig reads the three files as they are now, so that a renewed certificate is used at the next connection,
// and asks for TLS 1.3, which Mosquitto has spoken since 1.6. now is when certificates are judged: a controller whose
// clock battery died must give a time that is not before every certificate there is.
func (f Files) ClientConfig(now func() time.Time) (*tls.Config, error) {
	roots, err := Pool(f.CA)
	if err != nil {
		return nil, err
	}
	pair, err := f.Pair()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: roots, Certificates: []tls.Certificate{pair}, Time: now,
	}, nil
}

// Pair reads the own certificate and its key.
func (f Files) Pair() (tls.Certificate, error) {
	certificate, err := ReadFile(f.Certificate)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot read the certificate: %w", err)
	}
	key, err := ReadFile(f.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot read the certificate's key: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot use the certificate: %w", err)
	}
	return pair, nil
}

// Pool reads a file of authorities.
func Pool(path string) (*x509.CertPool, error) {
	ca, err := ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("cannot find a certificate in %s", path)
	}
	return roots, nil
}
