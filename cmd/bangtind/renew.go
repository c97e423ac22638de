package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
)

const (
	// renewEvery is how often the certificate is looked at, and renewFirst how long after the start: the network is
	// not there at once, and a region powers up together.
	renewEvery = 6 * time.Hour
	renewFirst = 5 * time.Minute
	// The pause after a failure, which doubles up to renewEvery.
	renewRetry = 10 * time.Minute

	// expiringWithin is when somebody has to hear of it.
	expiringWithin = 30 * 24 * time.Hour
	expiringAlarm  = "certificate-expiring"
)

// finishEnrolment is what is left of an enrolment after a power cut. Without it the display runs all the same, and it
// waits for nobody: a bangtind enrol that was stopped in the middle holds the lock.
func (d *display) finishEnrolment(ctx context.Context, fault func(string)) {
	unlock, err := pki.LockSoon(ctx, d.path(enrolLock))
	if err == nil {
		defer unlock()
		err = finishEnrolment(d.site.Data, certificateFiles(d.site), fault)
	}
	if err != nil {
		d.degrade("enrolment-unfinished", err)
	}
}

// A renewal keeps this display's certificate from running out.
type renewal struct {
	device  string
	base    string // https://host:port of the centre; empty where the site file has none
	dialer  pki.Dialer
	lock    string
	lacking *lacking
}

func (d *display) renewal() *renewal {
	base, err := centreBase("", d.site)
	if err != nil {
		base = "" // it can only warn then
	}
	return &renewal{
		device: d.site.ID, base: base, dialer: d.dialer(), lock: d.path(enrolLock), lacking: d.lacking,
	}
}

// keepCertificate renews when a third of the certificate's life is left, and tries again as long as it fails.
func (d *display) keepCertificate(ctx context.Context) error {
	r := d.renewal()
	pause, retry := renewFirst, renewRetry
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = renewEvery
		renewed, err := r.once(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			d.log.Warn("cannot renew the certificate", "err", err)
			pause, retry = retry, min(2*retry, renewEvery)
		default:
			retry = renewRetry
		}
		if renewed {
			d.log.Info("the certificate was renewed")
		}
	}
}

// once looks at the certificate and renews it if it is time, and raises or ends the alarm.
func (r *renewal) once(ctx context.Context) (renewed bool, err error) {
	old, key, err := r.present()
	if err != nil {
		return false, err
	}
	if pki.Due(old, r.dialer.Now()) {
		var next *x509.Certificate
		if next, err = r.renew(ctx, old, key); err == nil {
			old, renewed = next, true
		}
	}
	left := old.NotAfter.Sub(r.dialer.Now())
	if left < expiringWithin {
		r.lacking.set(expiringAlarm, fmt.Sprintf("the certificate ends on %s and was not renewed; if it has ended, enrol the display anew", old.NotAfter.Format(time.DateOnly)))
	} else {
		r.lacking.clear(expiringAlarm)
	}
	return renewed, err
}

func (r *renewal) present() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	raw, err := pki.ReadFile(r.dialer.Files.Certificate)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the certificate: %w", err)
	}
	c, err := pki.ParseCertificate(raw)
	if err != nil {
		return nil, nil, err
	}
	if raw, err = pki.ReadFile(r.dialer.Files.Key); err != nil {
		return nil, nil, fmt.Errorf("cannot read the certificate's key: %w", err)
	}
	key, err := pki.ParseKey(raw)
	return c, key, err
}

// renew asks for a certificate for the same key: the one file is replaced, and what is there fits at every moment. While
// somebody enrols the display it fails.
func (r *renewal) renew(ctx context.Context, old *x509.Certificate, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	if r.base == "" {
		return nil, errors.New("cannot renew the certificate: the site file has no [content] url")
	}
	unlock, err := pki.LockSoon(ctx, r.lock)
	if err != nil {
		return nil, err
	}
	defer unlock()
	csr, err := pki.MakeRequest(key, r.device)
	if err != nil {
		return nil, err
	}
	answer, err := enrol.AskRenewal(ctx, r.base, csr, r.dialer.DialContext)
	if err != nil {
		return nil, err
	}
	raw, err := pki.ReadFile(r.dialer.Files.CA)
	if err != nil {
		return nil, fmt.Errorf("cannot read the CA: %w", err)
	}
	ca, err := pki.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	next, err := answer.Check(ca, r.device, &key.PublicKey)
	if err != nil {
		return nil, err
	}
	if !next.NotAfter.After(old.NotAfter) {
		return nil, errors.New("cannot use the renewed certificate: it does not last longer than the present one")
	}
	if err := pki.Write(r.dialer.Files.Certificate, []byte(answer.Certificate), 0o644); err != nil {
		return nil, fmt.Errorf("cannot write the certificate: %w", err)
	}
	return next, nil
}
