package pki

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// Due tells whether a certificate should be renewed: a third of its life or less is left.
func Due(c *x509.Certificate, now time.Time) bool {
	return c.NotAfter.Sub(now) <= c.NotAfter.Sub(c.NotBefore)/3
}

// RenewOwn renews the certificates of the servers and of the centre that are due, and returns their names. Each keeps
// its key, so that certificate and key fit together at every moment.
func (o *Office) RenewOwn() ([]string, error) {
	unlock, err := Lock(o.path("lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	var renewed []string
	for _, name := range []string{"server", CentreName} {
		raw, err := ReadFile(o.path(name + ".pem"))
		if err != nil {
			return renewed, fmt.Errorf("cannot renew a certificate: %w", err)
		}
		old, err := ParseCertificate(raw)
		if err != nil {
			return renewed, err
		}
		if !Due(old, o.now()) {
			continue
		}
		if err := o.renewOwn(name, old); err != nil {
			return renewed, err
		}
		renewed = append(renewed, name)
	}
	return renewed, nil
}

func (o *Office) renewOwn(name string, old *x509.Certificate) error {
	raw, err := ReadFile(o.path(name + ".key"))
	if err != nil {
		return fmt.Errorf("cannot renew a certificate: %w", err)
	}
	key, err := ParseKey(raw)
	if err != nil {
		return err
	}
	if name == CentreName {
		department, err := o.authority(ofDepartment)
		if err != nil {
			return err
		}
		c, err := department.Client(&Request{CommonName: CentreName, Key: &key.PublicKey}, o.now())
		if err != nil {
			return err
		}
		if err := o.note(ofDepartment, c); err != nil {
			return err
		}
		return o.write("centre.pem", certificatePEM(c.Raw), 0o644)
	}
	ca, err := o.authority(ofDisplays)
	if err != nil {
		return err
	}
	hosts := []string{old.Subject.CommonName} // the first, which is among the names or the addresses too
	for _, h := range old.DNSNames {
		hosts = appendNew(hosts, h)
	}
	for _, ip := range old.IPAddresses {
		hosts = appendNew(hosts, ip.String())
	}
	certificate, err := ca.server(hosts, &key.PublicKey, o.now())
	if err != nil {
		return err
	}
	return o.write("server.pem", certificate, 0o644)
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
