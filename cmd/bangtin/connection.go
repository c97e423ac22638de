package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"time"

	"bangtin/internal/pki"
	"bangtin/internal/trust"
)

// centerVariable names the folder where --center is left out.
const centerVariable = "BANGTIN_CENTER"

// maxAccess is in bytes, of center.json.
const maxAccess = 4 << 10

// An access is where the department's server and broker are, and the certificate by which an operator is known there.
// In its folder lie center.json, ca.pem, operator.pem and operator.key, and watch.pem and watch.key for what only
// watches, as bangtin center operator writes them.
type access struct {
	Broker  string `json:"broker"`  // tls://host:port
	Content string `json:"content"` // https://host:port/content/

	files pki.Files
}

func (o *options) center() *string {
	return o.text("center", say("folder with center.json, ca.pem, operator.pem and operator.key (else $BANGTIN_CENTER)"))
}

// openAccess reads the folder and finds out everything that would fail later for its own sake.
func (p *Program) openAccess(dir string) (*access, error) { return p.openAccessAs(dir, "operator") }

// openAccessAs takes the certificate and key of the given name.
func (p *Program) openAccessAs(dir, who string) (*access, error) {
	if dir = or(dir, p.Getenv(centerVariable)); dir == "" {
		return nil, missing("--center")
	}
	path := filepath.Join(dir, "center.json")
	raw, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	c, err := parseAccess(raw)
	if err != nil {
		return nil, &problem{field: path, what: say("is damaged"), remedy: say("have the centre write the folder again: bangtin center operator"), cause: err}
	}
	c.files = pki.Files{
		CA: filepath.Join(dir, "ca.pem"), Certificate: filepath.Join(dir, who+".pem"), Key: filepath.Join(dir, who+".key"),
	}
	return c, p.checkCertificate(c.files)
}

func (p *Program) checkCertificate(files pki.Files) error {
	for _, path := range []string{files.CA, files.Certificate, files.Key} {
		if _, err := readSmall(path); err != nil {
			return err
		}
	}
	broken := func(err error) error {
		return &problem{field: files.Certificate, what: say("cannot be used as the operator's certificate"),
			remedy: say("have the centre write the folder again: bangtin center operator"), cause: err}
	}
	config, err := files.ClientConfig(p.Now)
	if err != nil {
		return broken(err)
	}
	leaf, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	if err != nil {
		return broken(err)
	}
	if now := p.Now(); now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		return broken(fmt.Errorf("valid from %s to %s", leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly)))
	}
	return nil
}

// Addresses are taken in their plain form alone: nothing that two readers could read differently.
var (
	brokerAddress  = regexp.MustCompile(`^tls://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$`)
	contentAddress = regexp.MustCompile(`^https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/([A-Za-z0-9._~-]+/)*$`)
)

// parseAccess reads center.json.
func parseAccess(raw []byte) (*access, error) {
	if len(raw) > maxAccess {
		return nil, fmt.Errorf("%d bytes, more than %d", len(raw), maxAccess)
	}
	c := &access{}
	if err := trust.DecodeJSON(raw, c); err != nil {
		return nil, err
	}
	if !brokerAddress.MatchString(c.Broker) {
		return nil, errors.New("broker is not of the form tls://host:port")
	}
	if !contentAddress.MatchString(c.Content) {
		return nil, errors.New("content is not of the form https://host:port/content/")
	}
	return c, nil
}
