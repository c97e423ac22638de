package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
)

// operatorSettings is center.json: where the tools find broker and centre.
type operatorSettings struct {
	Broker  string `json:"broker"`
	Content string `json:"content"`
}

func (p *Program) centerOperator(o *options) action {
	dir := o.centreDir()
	name := o.text("name", say("short name of the operator or post: 1 to 31 of a-z, 0-9 and -"))
	return func(_ context.Context, _ string) error {
		if err := o.require("name"); err != nil {
			return err
		}
		commonName, err := operatorName("--name", *name)
		if err != nil {
			return err
		}
		c, err := p.openCentre(*dir)
		if err != nil {
			return err
		}
		folder := c.path(filepath.Join("operators", *name))
		if there, err := exists(folder); err != nil || there {
			if err == nil {
				err = &problem{field: folder, what: say("is there already"), remedy: say("carry it away to the operator's machine and remove it here")}
			}
			return err
		}
		if err := c.explain(c.makeOperator(folder, commonName)); err != nil {
			return err
		}
		p.tell(say("Operator %s: %s", *name, folder))
		p.tell(say("Carry the folder to the operator's machine, remove it here, and use it with --center FOLDER."))
		p.tell(say("The broker knows the operator once it has read its ACL again: bangtin-broker-reload.path does it, or: systemctl reload bangtin-broker"))
		return p.result(operatorObject{Operator: *name, Folder: folder})
	}
}

// watchSuffix ends the common name by which bangtin watch is known to the broker, which has one connection for each name:
// with the operator's own it and every command sent meanwhile would throw each other out. It may only read.
const watchSuffix = "-watch"

func operatorName(option, name string) (string, error) {
	commonName, err := enrol.OperatorName(name)
	if err == nil && strings.HasSuffix(name, watchSuffix) {
		err = fmt.Errorf("%s ends the name of what only watches", watchSuffix)
	}
	if err != nil {
		return "", &problem{field: option, what: say("%q is not an operator's name", name), remedy: say("use 1 to 31 of a-z, 0-9 and -"), cause: err, usage: true}
	}
	return commonName, nil
}

// makeOperator fills the folder beside its place and moves it there.
func (c *centre) makeOperator(folder, commonName string) error {
	broker, content, err := c.addresses()
	if err != nil {
		return err
	}
	settings, err := marshalIndent(operatorSettings{Broker: broker, Content: content})
	if err != nil {
		return err
	}
	ca, err := c.office.Displays()
	if err != nil {
		return err
	}
	pair, err := c.office.CertifyPerson(commonName)
	if err != nil {
		return err
	}
	watch, err := c.office.CertifyPerson(commonName + watchSuffix)
	if err != nil {
		return err
	}
	if err := c.writeACL(); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(folder), ".operator-*")
	if err != nil {
		return unwritable(folder, err)
	}
	defer os.RemoveAll(temp)
	for name, data := range map[string][]byte{
		"ca.pem": ca.PEM(), "center.json": settings, "operator.pem": pair.Certificate, "operator.key": pair.Key,
		"watch.pem": watch.Certificate, "watch.key": watch.Key,
	} {
		mode := fs.FileMode(0o644)
		if filepath.Ext(name) == ".key" {
			mode = 0o600
		}
		if err := pki.Write(filepath.Join(temp, name), data, mode); err != nil {
			return unwritable(folder, err)
		}
	}
	if err := errors.Join(os.Rename(temp, folder), pki.SyncFolder(filepath.Dir(folder))); err != nil {
		return unwritable(folder, err)
	}
	return nil
}

func (p *Program) centerRevoke(o *options) action {
	dir := o.centreDir()
	device := o.text("device", say("display that is no longer to be let in"))
	operator := o.text("operator", say("operator who is no longer to be let in"))
	return func(_ context.Context, _ string) error {
		if (*device == "") == (*operator == "") {
			return &problem{field: "--device, --operator", what: say("one of them is needed, and only one"), remedy: say("give one of them"), usage: true}
		}
		c, err := p.openCentre(*dir)
		if err != nil {
			return err
		}
		if *device != "" {
			return c.explain(p.revokeDevice(c, *device))
		}
		return c.explain(p.revokeOperator(c, *operator))
	}
}

func (p *Program) revokeDevice(c *centre, device string) error {
	if err := checkDevice("--device", device); err != nil {
		return err
	}
	if err := c.codes.Drop(device); err != nil { // before: an enrolment under way then ends in a certificate that is found
		return err
	}
	n, err := c.office.RevokeDisplay(device)
	if err != nil {
		return err
	}
	return p.tellRevoked(device, n)
}

func (p *Program) revokeOperator(c *centre, name string) error {
	commonName, err := operatorName("--operator", name)
	if err != nil {
		return err
	}
	n := 0
	for _, held := range []string{commonName, commonName + watchSuffix} {
		more, err := c.office.RevokePerson(held)
		if err != nil {
			return err
		}
		n += more
	}
	if err := c.writeACL(); err != nil {
		return err
	}
	return p.tellRevoked(commonName, n)
}

func (p *Program) tellRevoked(name string, n int) error {
	if n == 0 {
		return &problem{field: name, what: say("holds no certificate that could be revoked"), remedy: say("check the name; what was revoked stays revoked")}
	}
	p.tell(say("%s: %d certificates revoked.", name, n))
	p.tell(say("The broker lets go of who is connected only when it is restarted: bangtin-broker-restart.path does it, or: systemctl restart bangtin-broker"))
	return p.result(revokedObject{Name: name, Revoked: n})
}

func (p *Program) centerCRL(o *options) action {
	dir := o.centreDir()
	return func(_ context.Context, _ string) error {
		c, err := p.openCentre(*dir)
		if err != nil {
			return err
		}
		if err := c.explain(c.office.RenewCRL()); err != nil {
			return err
		}
		p.tell(say("Signed anew: %s. The broker reads it when it is restarted.", c.path("pki/crl.pem")))
		return p.result(crlObject{File: c.path("pki/crl.pem")})
	}
}

func (p *Program) centerRenew(o *options) action {
	dir := o.centreDir()
	return func(_ context.Context, _ string) error {
		c, err := p.openCentre(*dir)
		if err != nil {
			return err
		}
		renewed, err := c.office.RenewOwn()
		if err := c.explain(err); err != nil {
			return err
		}
		if len(renewed) == 0 {
			p.tell(say("The certificates of server and centre are good for long enough."))
		} else {
			p.tell(say("Renewed: %s", plainNames(renewed)))
		}
		return p.result(renewedObject{Renewed: append([]string{}, renewed...)})
	}
}
