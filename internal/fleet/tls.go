package fleet

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"

	"bangtin/internal/pki"
)

const (
	dialTimeout  = 30 * time.Second // TCP and TLS; a satellite link needs seconds
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
	files := pki.Files{CA: f.cfg.CA, Certificate: f.cfg.Certificate, Key: f.cfg.Key}
	conf, err := files.ClientConfig(f.verificationTime)
	if err != nil {
		return nil, err
	}
	d := tls.Dialer{NetDialer: &net.Dialer{KeepAlive: tcpKeepAlive}, Config: conf} // server name from the address
	return d.DialContext(ctx, "tcp", f.host)
}
