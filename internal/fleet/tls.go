package fleet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"bangtin/internal/pki"
)

const dialTimeout = 30 * time.Second // TCP and TLS; a satellite link needs seconds

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

// maxJudgings bounds how often a connection is tried at other moments: for a certificate of the broker that is over,
// and for one of it and one of its authority that begins later.
const maxJudgings = 4

// dial opens the connection itself, because paho's dialer obeys proxy variables and no context.
//
// Certificates are judged at the later of now and the floor: a controller whose clock battery died starts in 1970,
// before every certificate there is. Where that fails on the time alone they are judged at the next best moment. For
// a display that knows the time neither makes a difference worth naming, for the floor is an hour behind it; one that
// does not know it must get in to be told.
func (f *Fleet) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	floor := f.cfg.Floor()
	judged := f.cfg.Now()
	if judged.Before(floor) {
		judged = floor
	}
	for n := 1; ; n++ {
		conn, err := f.dialAt(ctx, judged)
		next, ok := rejudge(err, judged, floor)
		if !ok || n == maxJudgings {
			return conn, err
		}
		judged = next
	}
}

// rejudge gives the moment at which certificates may be judged again after err at judged. One that is over by a time
// that only an NTP server told may still hold at the floor, which is certainly past. One that has not begun shows that
// it is later than judged, and nobody else can say so but the authority whose signature is judged with it.
func rejudge(err error, judged, floor time.Time) (time.Time, bool) {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case !ok || invalid.Reason != x509.Expired:
		return time.Time{}, false
	case judged.Before(invalid.Cert.NotBefore):
		return invalid.Cert.NotBefore, true
	}
	return floor, floor.Before(judged) && !floor.After(invalid.Cert.NotAfter)
}

func (f *Fleet) dialAt(ctx context.Context, judged time.Time) (net.Conn, error) {
	files := pki.Files{CA: f.cfg.CA, Certificate: f.cfg.Certificate, Key: f.cfg.Key}
	conf, err := files.ClientConfig(func() time.Time { return judged })
	if err != nil {
		return nil, err
	}
	// The server's name is taken from the address. TCP asks nothing by itself, which at each 30 s would cost 7 MB a month:
	// keepAlive finds a dead link.
	d := tls.Dialer{NetDialer: &net.Dialer{KeepAlive: -1}, Config: conf}
	return d.DialContext(ctx, "tcp", f.host)
}
