package fleet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"
)

const (
	dialTimeout  = 30 * time.Second // TCP and TLS; a satellite link needs seconds
	maxPEM       = 1 << 20          // bytes of a certificate, key or CA file
	tcpKeepAlive = 30 * time.Second
)

// brokerHost takes host and port out of a broker's URL.
func brokerHost(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("cannot read broker URL: %w", err)
	}
	if u.Scheme != "tls" || u.Hostname() == "" || u.Port() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" {
		return "", fmt.Errorf("broker URL %q is not of the form tls://host:port", raw)
	}
	return u.Host, nil
}

// tlsConfig reads the three files as they are now. It asks for TLS 1.3, which Mosquitto has spoken since 1.6.
func (f *Fleet) tlsConfig() (*tls.Config, error) {
	ca, err := readPEM(f.cfg.CA)
	if err != nil {
		return nil, fmt.Errorf("cannot read the broker's CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("cannot find a certificate in %s", f.cfg.CA)
	}
	certificate, err := readPEM(f.cfg.Certificate)
	if err != nil {
		return nil, fmt.Errorf("cannot read the display's certificate: %w", err)
	}
	key, err := readPEM(f.cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("cannot read the display's key: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the display's certificate: %w", err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		RootCAs:      roots,
		Certificates: []tls.Certificate{pair},
		Time:         f.verificationTime,
	}, nil
}

// verificationTime is when certificates are judged: a controller whose clock battery died starts in 1970, before
// every certificate there is.
func (f *Fleet) verificationTime() time.Time {
	now, floor := f.cfg.Now(), f.cfg.Floor()
	if now.Before(floor) {
		return floor
	}
	return now
}

// dial opens the connection itself, because paho's dialer obeys proxy variables and no context.
func (f *Fleet) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conf, err := f.tlsConfig()
	if err != nil {
		return nil, err
	}
	d := tls.Dialer{NetDialer: &net.Dialer{KeepAlive: tcpKeepAlive}, Config: conf} // server name from the address
	return d.DialContext(ctx, "tcp", f.host)
}

func readPEM(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxPEM {
		return nil, errors.New(path + " is too large")
	}
	return os.ReadFile(path)
}
