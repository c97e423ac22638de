package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
	"bangtin/internal/trust"
)

func (p *Program) centerInit(o *options) action {
	dir := o.centreDir()
	hosts := o.list("host", say("name or address by which displays and operators reach this machine; several times, the first is written into settings"))
	displays := o.number("broker-port", say("port of the broker for displays (8883)"))
	department := o.number("department-port", say("port of the broker for the department (8884)"))
	https := o.number("https-port", say("port of the centre's HTTPS (8443)"))
	brokerUser := o.text("broker-user", say("system user of the broker (bangtin-broker)"))
	return func(_ context.Context, _ string) error {
		if err := o.require("host"); err != nil {
			return err
		}
		abs, err := filepath.Abs(or(*dir, defaultCentre))
		if err != nil {
			return fmt.Errorf("cannot find the folder: %w", err)
		}
		plan := &centrePlan{
			dir: abs, hosts: *hosts, brokerUser: or(*brokerUser, "bangtin-broker"), centreUser: "bangtin-center", group: "bangtin-center",
			displays: port(*displays, 8883), department: port(*department, 8884), https: port(*https, 8443),
		}
		if err := plan.check(); err != nil {
			return err
		}
		if err := p.buildCentre(plan); err != nil {
			return err
		}
		return p.tellCentre(plan)
	}
}

func port(given, otherwise int) int {
	if given == 0 {
		return otherwise
	}
	return given
}

var (
	plainPath = regexp.MustCompile(`^[A-Za-z0-9/._-]+$`)
	hostName  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)
	userName  = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,30}$`)
)

// check keeps out what would mean something else in a unit, an ACL or Mosquitto's configuration.
func (c *centrePlan) check() error {
	if !plainPath.MatchString(filepath.ToSlash(c.dir)) {
		return &problem{field: "--dir", what: say("%q cannot stand in a systemd unit", c.dir), remedy: say("use letters, digits, dot, hyphen and underscore"), usage: true}
	}
	for _, h := range c.hosts {
		if net.ParseIP(h) == nil && !hostName.MatchString(h) {
			return &problem{field: "--host", what: say("%q is neither a host name nor an address", h), remedy: say("write it without https:// and without a port"), usage: true}
		}
	}
	if !userName.MatchString(c.brokerUser) {
		return &problem{field: "--broker-user", what: say("%q is not a user name", c.brokerUser), remedy: say("use 1 to 31 of a-z, 0-9, - and _"), usage: true}
	}
	for _, port := range []int{c.displays, c.department, c.https} {
		if port < 1 || port > 65535 {
			return &problem{field: "--broker-port, --department-port, --https-port", what: say("%d is not a port", port), remedy: say("use three different ones from 1 to 65535"), usage: true}
		}
	}
	if c.displays == c.department || c.displays == c.https || c.department == c.https {
		return &problem{field: "--broker-port, --department-port, --https-port", what: say("are the same"), remedy: say("use three different ones from 1 to 65535"), usage: true}
	}
	return nil
}

// buildCentre makes the whole folder beside its place and moves it there: it is there complete or not at all.
func (p *Program) buildCentre(plan *centrePlan) error {
	if err := emptyOrAbsent(plan.dir); err != nil {
		return err
	}
	parent := filepath.Dir(plan.dir)
	temp, err := os.MkdirTemp(parent, ".bangtin-center-*")
	if err != nil {
		return unwritable(parent, err)
	}
	defer os.RemoveAll(temp) // once it was renamed there is nothing left to remove
	if err := p.fillCentre(temp, plan); err != nil {
		return err
	}
	if err := syncTree(temp); err != nil {
		return unwritable(plan.dir, err)
	}
	if err := os.Remove(plan.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(plan.dir, err)
	}
	if err := os.Rename(temp, plan.dir); err != nil {
		return unwritable(plan.dir, err)
	}
	if err := pki.SyncFolder(parent); err != nil {
		return unwritable(plan.dir, err)
	}
	return nil
}

func emptyOrAbsent(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return unreadable(dir, err)
	case len(entries) > 0:
		return &problem{field: dir, what: say("is not empty"), remedy: say("choose another folder; a centre that is there is never overwritten")}
	}
	return nil
}

func (p *Program) fillCentre(dir string, plan *centrePlan) error {
	if err := os.Chmod(dir, 0o750); err != nil { // the broker's user comes in by its group
		return unwritable(dir, err)
	}
	for _, name := range []string{"pki", "broker", "broker/data", "keys", "operators", "systemd", "enrol", "content", "uploads"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o750); err != nil {
			return unwritable(dir, err)
		}
	}
	if _, err := pki.NewOffice(filepath.Join(dir, "pki"), plan.hosts, p.Now); err != nil {
		return err
	}
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("cannot make key: %w", err)
	}
	private, err := encodeKey(key, "centre Trung tâm", nil)
	if err != nil {
		return err
	}
	public, err := encodePublic(pub, "centre", "Trung tâm")
	if err != nil {
		return err
	}
	if err := pki.Write(filepath.Join(dir, "keys/centre.key"), private, 0o600); err != nil {
		return unwritable(dir, err)
	}
	files := map[string]string{
		"keys/centre.pub": string(public), "center.toml": plan.centreToml(), "broker/mosquitto.conf": plan.brokerConf(),
		"broker/acl-displays": aclDisplays, "broker/acl-department": aclDepartment(nil),
	}
	for name, text := range plan.units() {
		files["systemd/"+name] = text
	}
	for name, text := range files {
		if err := pki.Write(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return unwritable(dir, err)
		}
	}
	return nil
}

// syncTree makes the names in a folder and in those below it durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = pki.SyncFolder(path)
		}
		return err
	})
}

func (p *Program) tellCentre(plan *centrePlan) error {
	c := &centre{dir: plan.dir, office: pki.OpenOffice(filepath.Join(plan.dir, "pki"), p.Now)}
	ca, err := c.office.Displays()
	if err != nil {
		return err
	}
	public, err := readPublic(c.path("keys/centre.pub"))
	if err != nil {
		return err
	}
	p.tell(say("Centre made in %s for %s.", plan.dir, strings.Join(plan.hosts, ", ")))
	p.tell(say("  authority of the displays: %s", enrol.Group(ca.Pin())))
	p.tell(say("  key of the centre (collect, time): %s", trust.KeyID(ed25519.PublicKey(public.Public))))
	p.tell(say("Keep a copy of pki/ and keys/ in a safe place: who has them can let displays and operators in."))
	p.tell(say("Next, as root:"))
	d := plan.dir
	for _, line := range []string{
		"install -m 644 " + d + "/systemd/bangtin-center.sysusers /etc/sysusers.d/bangtin-center.conf && systemd-sysusers",
		"chown -R " + plan.centreUser + ":" + plan.group + " " + d + " && chown -R " + plan.brokerUser + " " + d + "/broker/data",
		"install -m 644 " + d + "/systemd/*.service " + d + "/systemd/*.path " + d + "/systemd/*.timer /etc/systemd/system/ && systemctl daemon-reload",
	} {
		p.tell(phrase{english: "  " + line})
	}
	p.tell(say("Then put the trust document there, which names %s for collect and time:", d+"/keys/centre.pub"))
	p.tell(phrase{english: "  install -o " + plan.centreUser + " -m 644 trust.json " + d + "/trust.json"})
	p.tell(phrase{english: "  systemctl enable --now bangtin-broker.service bangtin-center.service bangtin-broker-restart.path bangtin-broker-reload.path bangtin-center-renew.timer"})
	p.tell(say("Then, for each operator and each display, as %s:", plan.centreUser))
	p.tell(phrase{english: "  bangtin center operator --dir " + d + " --name truc-ban"})
	p.tell(phrase{english: "  bangtin center enrol --dir " + d + " --device tinh-bien-01"})
	return p.result(centreObject{
		Dir: d, Hosts: plan.hosts, Authority: enrol.Group(ca.Pin()), Key: trust.KeyID(ed25519.PublicKey(public.Public)), Public: c.path("keys/centre.pub"),
	})
}
