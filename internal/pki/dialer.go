package pki

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"time"
)

// DialTimeout is for TCP and TLS together; a satellite link needs seconds.
const DialTimeout = 30 * time.Second

// maxJudgings bounds how often a connection is tried at other moments: for a certificate of the server that is over,
// and for one of it and one of its authority that begins later.
const maxJudgings = 4

// A Dialer opens a display's connections to the department: to its broker and to its HTTPS. It shows the display's
// certificate and believes the department's authority alone. Safe for concurrent use.
//
// Certificates are judged at the later of now and the floor: a controller whose clock battery died starts in 1970,
// before every certificate there is. Where that fails on the time alone they are judged at the next best moment. For
// a display that knows the time neither makes a difference worth naming, for the floor is an hour behind it; one that
// does not know it must get in to be told.
type Dialer struct {
	Files Files            // read for each connection, so that a renewed certificate is used at the next one
	Now   func() time.Time // wall clock
	Floor func() time.Time // time that is certainly past
}

// DialContext connects and speaks TLS with the server that address names. It takes at most DialTimeout.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, DialTimeout)
	defer cancel()
	floor := d.Floor()
	judged := d.Now()
	if judged.Before(floor) {
		judged = floor
	}
	for n := 1; ; n++ {
		conn, err := d.dialAt(ctx, network, address, judged)
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

func (d Dialer) dialAt(ctx context.Context, network, address string, judged time.Time) (net.Conn, error) {
	conf, err := d.Files.ClientConfig(func() time.Time { return judged })
	if err != nil {
		return nil, err
	}
	// The server's name is taken from the address. TCP asks nothing by itself, which at each 30 s would cost 7 MB a month:
	// whoever dials finds a dead link, by MQTT's pings or the time a request may take.
	over := tls.Dialer{NetDialer: &net.Dialer{KeepAlive: -1}, Config: conf}
	return over.DialContext(ctx, network, address)
}
