package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
)

// defaultCentre is the folder of the centre.
const defaultCentre = "/var/lib/bangtin-center"

// A centre is the folder that init has made.
type centre struct {
	dir    string
	office *pki.Office
	codes  *enrol.Codes
}

func (o *options) centreDir() *string {
	return o.text("dir", say("folder of the centre (%s)", defaultCentre))
}

// openCentre finds the centre. Only the owner of the folder may work in it: what another user writes there the centre
// itself could not read.
func (p *Program) openCentre(dir string) (*centre, error) {
	dir = or(dir, defaultCentre)
	there, err := exists(filepath.Join(dir, "pki", "ca.pem"))
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, &problem{field: dir, what: say("is not the folder of a centre"), remedy: say("make one with: bangtin center init --dir %s --host NAME", dir)}
	}
	if owner, mine := owned(dir); !mine {
		return nil, &problem{field: dir, what: say("belongs to another user"), remedy: say("run the same as its owner: runuser -u %s -- bangtin …", owner)}
	}
	return &centre{
		dir:    dir,
		office: pki.OpenOffice(filepath.Join(dir, "pki"), p.Now),
		codes:  enrol.OpenCodes(filepath.Join(dir, "enrol"), p.Now),
	}, nil
}

func (c *centre) path(name string) string { return filepath.Join(c.dir, name) }

// addresses are where the centre's own configuration says that it is reached.
func (c *centre) addresses() (broker, content string, err error) {
	raw, err := readSmall(c.path("center.toml"))
	if err != nil {
		return "", "", err
	}
	var conf struct {
		Listen string `toml:"listen"`
		Broker string `toml:"broker"`
	}
	_, err = toml.Decode(string(raw), &conf)
	var at *url.URL
	if err == nil {
		at, err = url.Parse(conf.Broker)
	}
	var port string
	if err == nil {
		_, port, err = net.SplitHostPort(conf.Listen)
	}
	if err != nil {
		return "", "", &problem{field: c.path("center.toml"), what: say("is damaged"), remedy: say("correct broker and listen"), cause: err}
	}
	return conf.Broker, "https://" + net.JoinHostPort(at.Hostname(), port) + "/content/", nil
}

// operators are the common names of those who hold a certificate that is neither past nor revoked.
func (c *centre) writeACL() error {
	names, err := c.office.People()
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == pki.CentreName })
	return replace(c.path("broker/acl-department"), []byte(aclDepartment(names)))
}

func (p *Program) enroller(c *centre) *enrol.Server {
	return enrol.NewServer(enrol.Config{
		Office: c.office, Codes: c.codes, Now: p.Now, Log: slog.New(slog.DiscardHandler),
		Trust: func() ([]byte, error) { return readSmall(c.path("trust.json")) },
	})
}

func joinHostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// deviceProblem explains a name that no display can have.
func checkDevice(option, id string) error {
	if err := enrol.CheckDevice(id); err != nil {
		return &problem{field: option, what: say("%q is not a display id", id),
			remedy: say("use 3 to 40 of a-z, 0-9 and -; not centre, nor operator-…"), cause: err, usage: true}
	}
	return nil
}

func marshalIndent(v any) ([]byte, error) {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot write JSON: %w", err)
	}
	return append(raw, '\n'), nil
}

// explainOffice turns what can go wrong in the folder into something a person can mend.
func (c *centre) explain(err error) error {
	var pr *problem
	switch {
	case err == nil || errors.As(err, &pr):
		return err
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return &problem{field: c.dir, what: say("lacks something"), remedy: say("restore what the detail names from the safe copy, or correct its permissions"), cause: err}
	}
	return err
}

func plainNames(names []string) string { return strings.Join(names, ", ") }
