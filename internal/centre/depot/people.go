package depot

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"bangtin/internal/wire"
)

// Names that the authority of displays never certifies, see `bangtin enrol`.
const (
	centreName     = "centre"
	operatorPrefix = "operator-"
)

// maxPEM is in bytes, of a file with certificates, a key or revocations.
const maxPEM = 4 << 20

// PeopleFiles are paths of PEM files. They are read again when they change.
type PeopleFiles struct {
	Displays, Operators string // the two authorities
	Revoked             string // their revocation lists, concatenated; may be missing
	Certificate, Key    string // the server's own
}

// People knows who somebody is. Safe for concurrent use.
type People struct {
	files PeopleFiles
	now   func() time.Time

	mu        sync.Mutex
	seen      map[string]os.FileInfo
	displays  *authority
	operators *authority
	own       *tls.Certificate
}

// An authority is one with what it has revoked.
type authority struct {
	pool    *x509.CertPool
	revoked map[string]bool // serial numbers
}

// A Person is whoever is at the other end of a connection.
type Person struct {
	Name     string
	Operator bool // else a display
}

// NewPeople reads the files.
func NewPeople(files PeopleFiles, now func() time.Time) (*People, error) {
	p := &People{files: files, now: now, seen: map[string]os.FileInfo{}}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p, errors.Join(p.refreshAuthorities(), p.refreshOwn())
}

// TLS is the server's side: TLS 1.3, asking for a certificate and accepting that there is none, or one that proves
// nothing: that is judged with each request, as a display may renew what has run out.
func (p *People) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if err := p.refreshOwn(); err != nil {
				return nil, err
			}
			return p.own, nil
		},
	}
}

// Who is the person that a request comes from. It fails when there is no certificate, or none that is worth anything.
func (p *People) Who(r *http.Request) (Person, error) {
	if r.TLS == nil {
		return Person{}, errors.New("a certificate is needed")
	}
	return p.certified(r.TLS.PeerCertificates)
}

func (p *People) certified(certificates []*x509.Certificate) (Person, error) {
	if len(certificates) == 0 {
		return Person{}, errors.New("a certificate is needed")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.refreshAuthorities(); err != nil {
		return Person{}, err
	}
	leaf := certificates[0]
	name := leaf.Subject.CommonName
	isOperator := strings.HasPrefix(name, operatorPrefix)
	if p.displays.vouches(leaf, p.now()) == nil {
		if err := wire.CheckDevice(name); err != nil || name == centreName || isOperator {
			return Person{}, fmt.Errorf("%.60q is not the name of a display", name)
		}
		return Person{Name: name}, nil
	}
	if err := p.operators.vouches(leaf, p.now()); err != nil {
		return Person{}, err
	}
	if !isOperator {
		return Person{}, fmt.Errorf("%.60q is not an operator", name)
	}
	return Person{Name: name, Operator: true}, nil
}

func (a *authority) vouches(leaf *x509.Certificate, now time.Time) error {
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots: a.pool, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return errors.New("the certificate is not a good one")
	}
	if a.revoked[leaf.SerialNumber.String()] {
		return errors.New("the certificate was revoked")
	}
	return nil
}

// refreshAuthorities reads what has changed on disk. While it cannot be read nobody is believed: who was revoked is
// not known.
func (p *People) refreshAuthorities() error {
	paths := []string{p.files.Displays, p.files.Operators, p.files.Revoked}
	if !p.changed(paths...) && p.displays != nil {
		return nil
	}
	lists, err := readPEM(p.files.Revoked)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	displays, derr := readAuthority(p.files.Displays, lists)
	operators, oerr := readAuthority(p.files.Operators, lists)
	if err := errors.Join(err, derr, oerr); err != nil {
		p.displays, p.operators = nil, nil
		return err
	}
	p.displays, p.operators = displays, operators
	return nil
}

// refreshOwn reads the server's certificate when it was renewed. The one before holds while it cannot be read, as
// between the writing of the two files.
func (p *People) refreshOwn() error {
	if !p.changed(p.files.Certificate, p.files.Key) && p.own != nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(p.files.Certificate, p.files.Key)
	if err == nil {
		p.own = &pair
	}
	if p.own == nil {
		return fmt.Errorf("cannot read the server's certificate: %w", err)
	}
	return nil
}

// changed notes how the files are now.
func (p *People) changed(paths ...string) bool {
	any := false
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		old := p.seen[path]
		if old == nil || !os.SameFile(old, info) || !old.ModTime().Equal(info.ModTime()) || old.Size() != info.Size() {
			p.seen[path] = info
			any = true
		}
	}
	return any
}

func readAuthority(path string, lists []byte) (*authority, error) {
	raw, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("cannot find a certificate in %s", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	a := &authority{pool: x509.NewCertPool(), revoked: map[string]bool{}}
	a.pool.AddCert(cert)
	for block, rest := pem.Decode(lists); block != nil; block, rest = pem.Decode(rest) {
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("cannot read the revocation list: %w", err)
		}
		if list.CheckSignatureFrom(cert) != nil {
			continue // of the other authority
		}
		for _, e := range list.RevokedCertificateEntries {
			a.revoked[e.SerialNumber.String()] = true
		}
	}
	return a, nil
}

func readPEM(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	if info.Size() > maxPEM {
		return nil, fmt.Errorf("cannot read %s: it is too large", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return raw, nil
}
