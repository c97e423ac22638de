package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"bangtin/internal/site"
	"bangtin/internal/stick"
	"bangtin/internal/trust"
)

func (p *Program) siteCheck(*options) action {
	return func(_ context.Context, path string) error {
		text, err := readSiteFile(path)
		if err != nil {
			return err
		}
		s, err := site.Parse(text)
		if err != nil {
			return p.tellSiteFindings(path, err)
		}
		p.tell(say("%s: %s, %s: a display would take it", path, s.ID, s.Gate))
		return p.result(siteObject{File: path, Site: s.ID, Gate: s.Gate})
	}
}

// readSiteFile reads the bytes of a site file, and not more than one has.
func readSiteFile(path string) ([]byte, error) {
	text, err := readSmall(path)
	if err == nil && len(text) > site.MaxSize {
		err = &problem{field: path, what: say("is too large"), remedy: say("check that this is the right file")}
	}
	return text, err
}

// sealOf is where the seal of a site file lies: beside it, site.seal for site.toml.
func sealOf(path string) string { return strings.TrimSuffix(path, ".toml") + filepath.Ext(stick.Seal) }

type sealObject struct {
	File   string `json:"file"`
	Site   string `json:"site"`
	SHA256 string `json:"sha256"`
	Issued string `json:"issued"`
}

func (p *Program) siteSeal(o *options) action {
	keys := o.list("key", say("private key of a holder of role site: a file, or one that the ssh-agent holds; several times where the trust document wants several people"))
	file := o.text("passphrase-file", say("take the passphrase from the first line of this file"))
	document := o.text("trust", say("trust document to check the seal against, as a display will"))
	return func(_ context.Context, path string) error {
		if err := o.require("key"); err != nil {
			return err
		}
		text, err := readSiteFile(path)
		if err != nil {
			return err
		}
		out := sealOf(path)
		issued, err := p.laterThan(out)
		if err != nil {
			return err
		}
		v, err := stick.Vouch(text, issued)
		if err != nil {
			return p.tellSiteFindings(path, err)
		}
		seal, err := p.sealSite(v, *keys, *file)
		if err != nil {
			return err
		}
		var made time.Time
		if *document != "" {
			d, err := readTrust(*document)
			if err != nil {
				return err
			}
			if _, _, err := stick.Open(d, seal, text, time.Time{}); err != nil {
				return refused(*document, err)
			}
			made = d.Created
		}
		if err := replace(out, seal); err != nil {
			return err
		}
		p.tell(say("Site file of %s sealed at %s: %s", v.Site, p.second(v.Issued), out))
		if *document == "" {
			p.tell(say("The signature was not checked against a trust document. Check it with --trust trust.json."))
		}
		if *document != "" && oddClock(v.Issued, made) {
			p.tell(say("Attention: the seal is dated %s, and the trust document was made on %s. If this computer's clock is wrong, set it and seal again before any display gets this: it would refuse every seal of an earlier date.",
				v.Issued.Format(time.DateOnly), made.Format(time.DateOnly)))
		}
		p.tell(say("Next: bangtin site stick DIR --site %s --trust trust.json", path))
		return p.result(sealObject{File: out, Site: v.Site, SHA256: v.SHA256, Issued: v.Issued.Format(time.RFC3339)})
	}
}

// oddYears is how many years after the trust document a seal is no longer taken for a matter of course.
const oddYears = 5

// oddClock: a seal that is older than the document that it is judged by, or years younger, was likely made by a clock that
// is wrong.
func oddClock(issued, made time.Time) bool {
	return issued.Before(made.Truncate(time.Second)) || issued.After(made.AddDate(oddYears, 0, 0))
}

// laterThan is the time of a new seal: now, but later than the seal that is there, whatever the clock said when that
// was made. A display takes no file that is older than its own.
func (p *Program) laterThan(path string) (time.Time, error) {
	now := p.Now().UTC().Truncate(time.Second)
	raw, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return now, nil
	}
	if err != nil {
		return now, err
	}
	before, err := stick.Peek(raw)
	if err != nil {
		return now, &problem{field: path, what: say("is there, and is no seal of a site file"), remedy: say("move it away, or seal a file of another name"), cause: err}
	}
	if !now.After(before.Issued) {
		now = before.Issued.Add(time.Second)
	}
	return now, nil
}

func (p *Program) sealSite(v stick.Voucher, keys []string, passphraseFile string) ([]byte, error) {
	var signers []trust.Signer
	for _, path := range keys {
		s, err := p.readKey(path, passphraseFile)
		if err != nil {
			return nil, err
		}
		signers = append(signers, s)
	}
	seal, err := v.Sign(signers...)
	return seal, explainSigning("--key", err)
}
