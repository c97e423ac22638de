package fleet

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"bangtin/internal/pki"
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

// dial opens the connection itself, because paho's dialer obeys proxy variables and no context.
func (f *Fleet) dial(ctx context.Context) (net.Conn, error) {
	d := pki.Dialer{
		Files: pki.Files{CA: f.cfg.CA, Certificate: f.cfg.Certificate, Key: f.cfg.Key}, Now: f.cfg.Now, Floor: f.cfg.Floor,
	}
	return d.DialContext(ctx, "tcp", f.host)
}
