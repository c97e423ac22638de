package enrol

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bangtin/internal/pki"
	"bangtin/internal/trust"
)

// exchangeTimeout is for one request with its answer of up to 1.5 MiB over a satellite link.
const exchangeTimeout = 2 * time.Minute

// A Denial is the centre's answer that it will not.
type Denial struct {
	Status int
	Reason string
}

func (d *Denial) Error() string {
	return fmt.Sprintf("the centre refuses (%d): %s", d.Status, d.Reason)
}

// Ask enrols with the centre at base, an https URL, and returns its answer, which has to be
// checked. It believes the server by the code alone. now may be long past or far ahead, and floor is certainly past: see
// PinnedServer.
func Ask(ctx context.Context, base string, code Code, csr []byte, now, floor time.Time) (*Answer, error) {
	conf := &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, // PinnedServer verifies, by the code
	}
	host, err := hostOf(base)
	if err != nil {
		return nil, err
	}
	conf.VerifyConnection = PinnedServer(code.Pin(), host, now, floor)
	return exchange(ctx, base, "enrol", request{Code: code.String(), CSR: string(csr)}, &http.Transport{TLSClientConfig: conf})
}

// AskRenewal asks for a new certificate over connections that dial opens, with TLS spoken on them: whom to believe and
// which certificate to show is its matter, see [pki.Dialer].
func AskRenewal(ctx context.Context, base string, csr []byte, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*Answer, error) {
	return exchange(ctx, base, "renew", request{CSR: string(csr)}, &http.Transport{DialTLSContext: dial})
}

func hostOf(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return "", fmt.Errorf("cannot use %q as the centre's address: it is not of the form https://host:port", base)
	}
	return u.Hostname(), nil
}

// PinnedServer accepts a server whose certificate was issued for host by the authority that the pin names. The
// authority must come with the handshake.
//
// A clock in 1970 does not prevent it: what was signed exists, so it is at least as late as the certificate begins. Nor
// does one in 2099: where the time alone is against the certificates they are judged again at the floor, time that is
// certainly past, as by [pki.Dialer]. A display that does not know the time must get in to be told.
func PinnedServer(pin, host string, now, floor time.Time) func(tls.ConnectionState) error {
	return func(cs tls.ConnectionState) error {
		leaf := cs.PeerCertificates[0]
		roots := x509.NewCertPool()
		found := false
		for _, c := range cs.PeerCertificates {
			if c.IsCA && Pinned(c, pin) {
				roots.AddCert(c)
				found = true
			}
		}
		if !found {
			return errors.New("cannot believe the server: it is not the one that the code names; check the address and the code")
		}
		judge := func(at time.Time) error {
			if at.Before(leaf.NotBefore) {
				at = leaf.NotBefore
			}
			_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
			return err
		}
		latest := now
		if latest.Before(floor) {
			latest = floor
		}
		err := judge(latest)
		if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
			err = judge(floor)
		}
		if err != nil {
			return fmt.Errorf("cannot believe the server: %w", err)
		}
		return nil
	}
}

// Pinned reports whether the pin names this authority.
func Pinned(c *x509.Certificate, pin string) bool { return pin != "" && pki.Pin(c) == pin }

func exchange(ctx context.Context, base, path string, body request, transport *http.Transport) (*Answer, error) {
	if _, err := hostOf(base); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("cannot write the request: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+"/"+path, bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("cannot ask the centre: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	transport.DisableKeepAlives = true // and it has no proxy from the environment
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the centre: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the centre's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &Denial{resp.StatusCode, reasonOf(answer)}
	}
	return ReadAnswer(answer)
}

// reasonOf takes the reason out of a refusal, as one line of printable characters.
func reasonOf(raw []byte) string {
	var p problem
	if len(raw) > MaxBody || trust.DecodeJSON(raw, &p) != nil {
		return "it does not say why"
	}
	return fmt.Sprintf("%.300q", p.Error)
}

// Check returns the answer's certificate if the authority ca gave it to this device as a client for this key. Its
// dates are not judged: the display's clock may know less than the authority's.
func (a *Answer) Check(ca *x509.Certificate, device string, key *ecdsa.PublicKey) (*x509.Certificate, error) {
	c, err := pki.ParseCertificate([]byte(a.Certificate))
	if err != nil {
		return nil, err
	}
	if c.Subject.CommonName != device {
		return nil, fmt.Errorf("cannot use the certificate: it is of %.60q, not of %s", c.Subject.CommonName, device)
	}
	if !key.Equal(c.PublicKey) {
		return nil, errors.New("cannot use the certificate: it is not for this display's key")
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	if _, err := c.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return nil, fmt.Errorf("cannot use the certificate: %w", err)
	}
	return c, nil
}

// CheckAuthority returns the answer's authority if it is the one that the code names.
func (a *Answer) CheckAuthority(code Code) (*x509.Certificate, error) {
	ca, err := pki.ParseCertificate([]byte(a.CA))
	if err != nil {
		return nil, fmt.Errorf("the centre's authority: %w", err)
	}
	if !ca.IsCA || !Pinned(ca, code.Pin()) {
		return nil, errors.New("cannot use the centre's authority: it is not the one that the code names")
	}
	return ca, nil
}
