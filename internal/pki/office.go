package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// An Office is the department's folder of authorities:
//
//	ca.pem ca.key                  certifies displays, and the servers they talk to
//	department.pem department.key  certifies the centre and the operators
//	crl.pem                        what either has revoked
//	server.pem server.key          of the broker and of the centre's HTTPS
//	centre.pem centre.key          of the centre as a client of the broker
//	issued/ca|department/NAME/     what was issued and has not run out: one file for each serial
//
// Several processes and goroutines may use one at once: whoever changes something holds the lock.
type Office struct {
	dir string
	now func() time.Time
}

// CentreName is the common name of the centre.
const CentreName = "centre"

// maxValid certificates may be valid for one name at once. A display needs two while it renews; one that asks for
// more and more must not fill the disk.
const maxValid = 16

// ErrTooMany: somebody holds maxValid certificates already.
var ErrTooMany = errors.New("too many certificates of this name are valid")

// A Refusal is why somebody is not certified; other errors are the office's own trouble.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

// The two authorities, as their files are called.
const (
	ofDisplays   = "ca"
	ofDepartment = "department"
)

// NewOffice makes both authorities in dir, which must be there and empty, and certifies the servers' hosts and the
// centre. The caller makes the whole folder durable.
func NewOffice(dir string, hosts []string, now func() time.Time) (*Office, error) {
	o := OpenOffice(dir, now)
	ca, err := o.found(ofDisplays, "Bang Tin displays")
	if err != nil {
		return nil, err
	}
	department, err := o.found(ofDepartment, "Bang Tin department")
	if err != nil {
		return nil, err
	}
	server, err := ca.NewServer(hosts, now())
	if err != nil {
		return nil, err
	}
	if err := o.writePair("server", server, 0o640); err != nil { // the broker's user reads it by its group
		return nil, err
	}
	c, centre, err := department.NewClient(CentreName, now())
	if err != nil {
		return nil, err
	}
	if err := o.writePair(CentreName, centre, 0o600); err != nil {
		return nil, err
	}
	if err := o.note(ofDepartment, c); err != nil {
		return nil, err
	}
	var lists []byte
	for _, a := range []*Authority{ca, department} {
		list, err := a.revoke(nil, nil, now())
		if err != nil {
			return nil, err
		}
		lists = append(lists, list.PEM()...)
	}
	return o, o.write("crl.pem", lists, 0o644)
}

// OpenOffice opens nothing yet: each call reads what it needs.
func OpenOffice(dir string, now func() time.Time) *Office { return &Office{dir: dir, now: now} }

func (o *Office) path(name string) string { return filepath.Join(o.dir, name) }

func (o *Office) write(name string, data []byte, mode fs.FileMode) error {
	if err := Write(o.path(name), data, mode); err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	return nil
}

func (o *Office) writePair(name string, p Pair, mode fs.FileMode) error {
	return errors.Join(o.write(name+".key", p.Key, mode), o.write(name+".pem", p.Certificate, 0o644))
}

func (o *Office) found(name, commonName string) (*Authority, error) {
	a, pair, err := NewAuthority(commonName, o.now())
	if err != nil {
		return nil, err
	}
	return a, o.writePair(name, pair, 0o600)
}

func (o *Office) authority(name string) (*Authority, error) {
	return LoadAuthority(o.path(name+".pem"), o.path(name+".key"))
}

// Displays is the authority of displays and servers, without its key.
func (o *Office) Displays() (*Authority, error) { return LoadAuthority(o.path("ca.pem"), "") }

// CertifyDisplay issues a certificate for the request, whose name the caller has checked, and notes it before it is
// returned. It refuses no name.
func (o *Office) CertifyDisplay(r *Request) ([]byte, error) {
	unlock, err := Lock(o.path("lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	return o.certify(r)
}

// Renew issues a certificate to the holder of old, which must be a display's, valid now and not revoked, for a
// request of the same name. Errors wrap ErrTooMany or a *Refusal.
func (o *Office) Renew(old *x509.Certificate, r *Request) ([]byte, error) {
	unlock, err := Lock(o.path("lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	ca, err := o.Displays()
	if err != nil {
		return nil, err
	}
	if err := ca.Verify(old, o.now()); err != nil {
		return nil, &Refusal{err.Error()}
	}
	if old.Subject.CommonName != r.CommonName {
		return nil, &Refusal{fmt.Sprintf("the certificate is that of %.60q, the request of %.60q", old.Subject.CommonName, r.CommonName)}
	}
	list, _, err := o.lists(ofDisplays)
	if err != nil {
		return nil, err
	}
	if list.Has(old.SerialNumber) {
		return nil, &Refusal{"the certificate was revoked"}
	}
	held, err := o.issued(ofDisplays, r.CommonName)
	if err != nil {
		return nil, err
	}
	valid := 0
	for _, c := range held {
		if list.Has(c.SerialNumber) || c.NotAfter.Before(o.now()) {
			continue
		}
		valid++
		if r.Key.Equal(c.PublicKey) && c.SerialNumber.Cmp(old.SerialNumber) != 0 && !Due(c, o.now()) {
			return certificatePEM(c.Raw), nil // the answer that made it was lost on the way
		}
	}
	if valid >= maxValid {
		return nil, ErrTooMany
	}
	return o.certify(r)
}

// certify issues for a display. The caller holds the lock.
func (o *Office) certify(r *Request) ([]byte, error) {
	if err := o.unspoilt(r); err != nil {
		return nil, err
	}
	ca, err := o.authority(ofDisplays)
	if err != nil {
		return nil, err
	}
	c, err := ca.Client(r, o.now())
	if err != nil {
		return nil, err
	}
	return certificatePEM(c.Raw), o.note(ofDisplays, c)
}

// unspoilt refuses a key whose certificate was revoked: whoever copied it would be let in again.
func (o *Office) unspoilt(r *Request) error {
	list, _, err := o.lists(ofDisplays)
	if err != nil {
		return err
	}
	held, err := o.issued(ofDisplays, r.CommonName)
	if err != nil {
		return err
	}
	for _, c := range held {
		if list.Has(c.SerialNumber) && r.Key.Equal(c.PublicKey) {
			return &Refusal{"the key belongs to a certificate that was revoked: remove the display's key, so that it makes another"}
		}
	}
	return nil
}

// CertifyPerson issues a certificate and key of the department, for an operator.
func (o *Office) CertifyPerson(commonName string) (Pair, error) {
	unlock, err := Lock(o.path("lock"))
	if err != nil {
		return Pair{}, err
	}
	defer unlock()
	department, err := o.authority(ofDepartment)
	if err != nil {
		return Pair{}, err
	}
	c, pair, err := department.NewClient(commonName, o.now())
	if err != nil {
		return Pair{}, err
	}
	return pair, o.note(ofDepartment, c)
}
