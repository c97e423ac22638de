package pki

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// A CRL is what one authority has revoked.
type CRL struct {
	list *x509.RevocationList
}

// Has reports whether the authority has revoked the certificate of this serial.
func (l *CRL) Has(serial *big.Int) bool {
	for _, e := range l.list.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(serial) == 0 {
			return true
		}
	}
	return false
}

// ParseCRL finds the authority's list among the PEM blocks of a file that may hold those of several.
func (a *Authority) ParseCRL(raw []byte) (*CRL, error) {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("cannot read the revocation list: %w", err)
		}
		if list.CheckSignatureFrom(a.certificate) == nil {
			return &CRL{list}, nil
		}
	}
	return nil, fmt.Errorf("cannot find the revocation list of %s", a.certificate.Subject.CommonName)
}

// revoke signs a list that follows last, with further serials. last is nil for the first.
//
// The list lasts as long as the authority: it lies beside the broker that goes by it, and one that ran out would shut
// every display out. It begins a day back, as certificates do, and always later than the last: of two lists OpenSSL
// goes by the one that begins later, and reads whole seconds.
func (a *Authority) revoke(last *CRL, serials []*big.Int, now time.Time) (*CRL, error) {
	if a.key == nil {
		return nil, errors.New("cannot revoke: the authority's key is not here")
	}
	begin := now.UTC().Add(-backdate).Truncate(time.Second)
	number := big.NewInt(1)
	var entries []x509.RevocationListEntry
	if last != nil {
		entries = last.list.RevokedCertificateEntries
		number = new(big.Int).Add(last.list.Number, big.NewInt(1))
		// Not the clock's: a list from the future is none to the broker, which then lets nobody in.
		begin = last.list.ThisUpdate.Add(time.Second)
	}
	for _, s := range serials {
		entries = append(entries, x509.RevocationListEntry{SerialNumber: s, RevocationTime: now.UTC()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: number, ThisUpdate: begin, NextUpdate: a.certificate.NotAfter, RevokedCertificateEntries: entries,
	}, a.certificate, a.key)
	if err != nil {
		return nil, fmt.Errorf("cannot sign the revocation list: %w", err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("cannot sign the revocation list: %w", err)
	}
	return &CRL{list}, nil
}

// PEM is the list as brokers read it.
func (l *CRL) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: l.list.Raw})
}
