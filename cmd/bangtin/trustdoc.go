package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"bangtin/internal/trust"
)

func (p *Program) trustNew(o *options) action {
	organisation := o.text("organisation", say("who operates the displays"))
	version := o.number("version", say("number of this document, higher than the one it replaces (1)"))
	grants := o.list("grant", say("ROLE=FILE.pub or playlist:editor=FILE.pub, playlist:approver=FILE.pub; several times"))
	thresholds := o.list("threshold", say("ROLE=N people who must sign together; several times"))
	keys := o.list("sign", say("private key of a holder of role trust; several times"))
	file := o.text("passphrase-file", say("take the passphrase from the first line of this file"))
	out := o.text("out", say("file to write"))
	previous := o.text("previous", say("trust document it is to replace, to be warned of what stops counting"))
	return func(_ context.Context, _ string) error {
		if err := o.require("organisation", "grant", "sign", "out"); err != nil {
			return err
		}
		var present *trust.Document
		if *previous != "" {
			var err error
			if present, err = readTrust(*previous); err != nil {
				return err
			}
		}
		d := &trust.Document{
			Version: uint64(max(*version, 1)), Organisation: *organisation, Created: p.Now().UTC().Truncate(1e9),
			Roles: map[trust.Role]trust.Grant{},
		}
		for _, g := range *grants {
			if err := grant(d, g); err != nil {
				return err
			}
		}
		if err := setThresholds(d, *thresholds); err != nil {
			return err
		}
		if err := d.Validate(); err != nil {
			return refused("--grant", err)
		}
		raw, err := p.seal(d, *keys, *file)
		if err != nil {
			return err
		}
		if err := writeNew(*out, raw, 0o644); err != nil {
			return err
		}
		if err := p.tellDocument(*out, raw, d); err != nil || present == nil {
			return err
		}
		p.warnOfStruck(present, d)
		return nil
	}
}

// grant adds one ROLE[:DUTY]=FILE to the document.
func grant(d *trust.Document, s string) error {
	what, file, ok := strings.Cut(s, "=")
	name, duty, _ := strings.Cut(what, ":")
	role := trust.Role(name)
	if !ok || !slices.Contains(trust.Roles(), role) || (role == trust.RolePlaylist) != (duty != "") {
		return &problem{field: "--grant " + s, what: say("is not a grant"), usage: true,
			remedy: say("write ROLE=FILE.pub with a role of power, urgent, update, collect, time, site, trust, or playlist:editor=FILE.pub, playlist:approver=FILE.pub")}
	}
	key, err := readPublic(file)
	if err != nil {
		return err
	}
	if _, known := d.Key(key.ID); !known {
		d.Keys = append(d.Keys, key)
	}
	g, begun := d.Roles[role]
	if !begun {
		g.Threshold = trust.MinThreshold(role)
		if role == trust.RolePlaylist {
			g.Duties = []string{trust.DutyEditor, trust.DutyApprover}
		}
	}
	g.Members = append(g.Members, trust.Member{Key: key.ID, Duty: duty})
	d.Roles[role] = g
	return nil
}

func setThresholds(d *trust.Document, thresholds []string) error {
	for _, s := range thresholds {
		name, number, _ := strings.Cut(s, "=")
		n, err := strconv.Atoi(number)
		g, granted := d.Roles[trust.Role(name)]
		if err != nil || !granted {
			return &problem{field: "--threshold " + s, what: say("is not a threshold of a granted role"),
				remedy: say("write ROLE=N, such as trust=2"), usage: true}
		}
		g.Threshold = n
		d.Roles[trust.Role(name)] = g
	}
	return nil
}

func (p *Program) seal(d *trust.Document, keys []string, passphraseFile string) ([]byte, error) {
	var signers []trust.Signer
	for _, path := range keys {
		s, err := p.readKey(path, passphraseFile)
		if err != nil {
			return nil, err
		}
		holds := func(m trust.Member) bool { return m.Key == trust.KeyID(s.Public()) }
		if !slices.ContainsFunc(d.Roles[trust.RoleTrust].Members, holds) {
			return nil, &problem{field: path, what: say("does not hold role trust in this document"),
				remedy: say("add --grant trust=FILE.pub, or sign with another key; a holder of the old document signs with bangtin trust sign")}
		}
		signers = append(signers, s)
	}
	raw, err := d.Seal(signers...)
	return raw, explainSigning("--sign", err)
}

func (p *Program) trustSign(o *options) action {
	keyFile := o.key()
	file := o.text("passphrase-file", say("take the passphrase from the first line of this file"))
	return func(_ context.Context, path string) error {
		if err := o.require("key"); err != nil {
			return err
		}
		e, d, err := openDocument(path)
		if err != nil {
			return err
		}
		signer, err := p.readKey(*keyFile, *file)
		if err != nil {
			return err
		}
		raw, err := sign(e, signer, *keyFile)
		if err != nil {
			return err
		}
		if err := replace(path, raw); err != nil {
			return err
		}
		return p.tellDocument(path, raw, d)
	}
}

// sign adds a signature and returns the envelope's new bytes.
func sign(e *trust.Envelope, s trust.Signer, keyFile string) ([]byte, error) {
	if err := e.Sign(s); err != nil {
		return nil, explainSigning(keyFile, err)
	}
	return e.Marshal()
}

func explainSigning(field string, err error) error {
	if errors.Is(err, trust.ErrSignedAlready) {
		return &problem{field: field, what: say("this key has signed already"), remedy: say("have another person sign it too")}
	}
	return err
}

func (p *Program) trustShow(o *options) action {
	previous := o.text("previous", say("trust document it is to replace, to see whether it may"))
	return func(_ context.Context, path string) error {
		e, d, err := openDocument(path)
		if err != nil {
			return err
		}
		var present *trust.Document
		if *previous != "" {
			if present, err = readTrust(*previous); err != nil {
				return err
			}
		}
		raw, err := e.Marshal()
		if err != nil {
			return err
		}
		if err := p.tellDocument(path, raw, d); err != nil || present == nil {
			return err
		}
		p.warnOfStruck(present, d)
		if _, err := present.Next(raw); err != nil {
			return refused(path, err)
		}
		p.tell(say("It may replace %s: newer, and signed by enough of the people named there.", *previous))
		return nil
	}
}

// openDocument reads a trust document that may still lack signatures.
func openDocument(path string) (*trust.Envelope, *trust.Document, error) {
	raw, err := readSmall(path)
	if err != nil {
		return nil, nil, err
	}
	e, err := trust.ParseEnvelope(raw)
	if err != nil {
		return nil, nil, refused(path, err)
	}
	if e.Type != trust.TypeTrust {
		return nil, nil, refused(path, &trust.Refusal{Reason: trust.WrongType, Detail: string(e.Type)})
	}
	d, err := trust.DecodeDocument(e.Payload)
	if err != nil {
		return nil, nil, refused(path, err)
	}
	return e, d, nil
}

// readTrust reads a complete trust document.
func readTrust(path string) (*trust.Document, error) {
	raw, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	return parseTrust(path, raw)
}

// parseTrust reads a complete trust document that was read from path.
func parseTrust(path string, raw []byte) (*trust.Document, error) {
	d, err := trust.ParseDocument(raw)
	if err != nil {
		return nil, refused(path, err)
	}
	return d, nil
}

// tellDocument shows the document, and whether its own trust role stands behind it.
func (p *Program) tellDocument(path string, raw []byte, d *trust.Document) error {
	if err := p.showDocument(path, d); err != nil {
		return err
	}
	_, lacking := trust.ParseDocument(raw)
	if err := p.result(documentOf(path, d, lacking)); err != nil {
		return err
	}
	p.tellOwnThreshold(lacking)
	return nil
}

// tellOwnThreshold says whether the document's own trust role stands behind it.
func (p *Program) tellOwnThreshold(lacking error) {
	if lacking != nil {
		words, _ := refusalWords(reasonOf(lacking))
		p.tell(say("Not valid yet: %s. Sign with: bangtin trust sign", p.text(words)))
		return
	}
	p.tell(say("Signed by enough of the people it names itself. Whether it may replace another, that one decides: bangtin trust show --previous OLD."))
}

// showDocument prints who holds which role.
func (p *Program) showDocument(path string, d *trust.Document) error {
	created, err := clock(d.Created)
	if err != nil {
		return err
	}
	p.tell(say("%s: trust document %d of %s, %s", path, d.Version, d.Organisation, created))
	w := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, role := range trust.Roles() {
		g := d.Roles[role]
		for _, m := range g.Members {
			k, _ := d.Key(m.Key)
			fmt.Fprintf(w, "  %s\t%d\t%s\t%s\t%s\t%s\n", role, g.Threshold, p.text(dutyWord(m.Duty)), k.Person, k.Name, k.ID)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write table: %w", err)
	}
	return nil
}

func dutyWord(duty string) phrase {
	switch duty {
	case trust.DutyEditor:
		return say("editor")
	case trust.DutyApprover:
		return say("approver")
	}
	return phrase{english: duty}
}

func reasonOf(err error) trust.Reason {
	var r *trust.Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}
