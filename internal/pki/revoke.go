package pki

import (
	"errors"
	"fmt"
	"math/big"
)

// RevokeDisplay revokes all that a display holds and returns how many that were.
func (o *Office) RevokeDisplay(device string) (int, error) { return o.revoke(ofDisplays, device) }

// RevokePerson revokes all that an operator holds and returns how many that were.
func (o *Office) RevokePerson(commonName string) (int, error) {
	return o.revoke(ofDepartment, commonName)
}

func (o *Office) revoke(authority, commonName string) (int, error) {
	unlock, err := Lock(o.path("lock"))
	if err != nil {
		return 0, err
	}
	defer unlock()
	list, _, err := o.lists(authority)
	if err != nil {
		return 0, err
	}
	held, err := o.issued(authority, commonName)
	if err != nil {
		return 0, err
	}
	var serials []*big.Int
	for _, c := range held {
		if !list.Has(c.SerialNumber) {
			serials = append(serials, c.SerialNumber)
		}
	}
	if len(serials) == 0 {
		return 0, nil
	}
	return len(serials), o.rewrite(authority, serials)
}

// RenewCRL signs both lists anew, for instance after crl.pem was restored from a copy.
func (o *Office) RenewCRL() error {
	unlock, err := Lock(o.path("lock"))
	if err != nil {
		return err
	}
	defer unlock()
	return errors.Join(o.rewrite(ofDisplays, nil), o.rewrite(ofDepartment, nil))
}

// rewrite signs a new list of one authority and leaves the other's. The caller holds the lock.
func (o *Office) rewrite(authority string, serials []*big.Int) error {
	last, other, err := o.lists(authority)
	if err != nil {
		return err
	}
	a, err := o.authority(authority)
	if err != nil {
		return err
	}
	next, err := a.revoke(last, serials, o.now())
	if err != nil {
		return err
	}
	return o.write("crl.pem", append(next.PEM(), other.PEM()...), 0o644)
}

// lists reads the revocation list of one authority, and the other's.
func (o *Office) lists(authority string) (own, other *CRL, err error) {
	raw, err := ReadFile(o.path("crl.pem"))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the revocation lists: %w", err)
	}
	for _, name := range []string{ofDisplays, ofDepartment} {
		a, err := LoadAuthority(o.path(name+".pem"), "")
		if err != nil {
			return nil, nil, err
		}
		list, err := a.ParseCRL(raw)
		if err != nil {
			return nil, nil, err
		}
		if name == authority {
			own = list
		} else {
			other = list
		}
	}
	return own, other, nil
}
