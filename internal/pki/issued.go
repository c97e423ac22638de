package pki

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// note keeps an issued certificate, so that it can be revoked.
func (o *Office) note(authority string, c *x509.Certificate) error {
	folder := filepath.Join("issued", authority, c.Subject.CommonName)
	if err := os.MkdirAll(o.path(folder), 0o750); err != nil {
		return fmt.Errorf("cannot note a certificate: %w", err)
	}
	for f := folder; f != "."; f = filepath.Dir(f) {
		if err := SyncFolder(filepath.Dir(o.path(f))); err != nil {
			return fmt.Errorf("cannot note a certificate: %w", err)
		}
	}
	return o.write(filepath.Join(folder, hex.EncodeToString(c.SerialNumber.Bytes())+".pem"), certificatePEM(c.Raw), 0o644)
}

// issued returns what was issued to a name, also what has run out by this clock: a clock that was wrong for a moment must
// not make a certificate that nobody can revoke any more. Nothing is cleared away: it is a file of a kilobyte every other
// year.
func (o *Office) issued(authority, commonName string) ([]*x509.Certificate, error) {
	folder := o.path(filepath.Join("issued", authority, commonName))
	files, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the certificates of %s: %w", commonName, err)
	}
	var held []*x509.Certificate
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".pem" {
			continue // left by a power cut
		}
		path := filepath.Join(folder, f.Name())
		raw, err := ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read a certificate of %s: %w", commonName, err)
		}
		c, err := ParseCertificate(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		held = append(held, c)
	}
	return held, nil
}

// People are the common names of the department who hold a certificate that was not revoked, sorted. One that has run
// out opens nothing.
func (o *Office) People() ([]string, error) {
	unlock, err := Lock(o.path("lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	list, _, err := o.lists(ofDepartment)
	if err != nil {
		return nil, err
	}
	folders, err := os.ReadDir(o.path("issued/" + ofDepartment))
	if err != nil {
		return nil, fmt.Errorf("cannot list the people: %w", err)
	}
	var names []string
	for _, f := range folders {
		held, err := o.issued(ofDepartment, f.Name())
		if err != nil {
			return nil, err
		}
		for _, c := range held {
			if !list.Has(c.SerialNumber) {
				names = append(names, f.Name())
				break
			}
		}
	}
	return names, nil
}
