package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bangtin/internal/trust"

	"golang.org/x/term"
)

// A signing is a file that travels from one signer to the next, and what its envelope says.
type signing struct {
	path     string
	raw      []byte // as read
	envelope *trust.Envelope
	content  content
	present  *trust.Document // that judges the signatures; nil when none was given
	judge    string          // its file
}

func (p *Program) signShow(o *options) action {
	trustFile := o.text("trust", say("trust document to check the signatures against"))
	return func(_ context.Context, path string) error {
		s, err := openSigning(path, *trustFile)
		if err != nil {
			return err
		}
		if err := p.showSigning(s); err != nil {
			return err
		}
		return p.resultOf(s)
	}
}

func (p *Program) signDraft(o *options) action {
	keyFile := o.key()
	file := o.text("passphrase-file", say("take the passphrase from the first line of this file"))
	trustFile := o.text("trust", say("trust document; then only a key with the role may sign"))
	yes := o.yes("yes", say("sign without asking"))
	return func(_ context.Context, path string) error {
		if err := o.require("key"); err != nil {
			return err
		}
		s, err := openSigning(path, *trustFile)
		if err != nil {
			return err
		}
		if err := s.content.signable(p.Now()); err != nil {
			return err
		}
		if err := p.showSigning(s); err != nil {
			return err
		}
		signer, err := p.readKey(*keyFile, *file)
		if err != nil {
			return err
		}
		if err := s.mayBeSigned(*keyFile, signer); err != nil {
			return err
		}
		if !*yes {
			if err := p.confirm(say("Sign this as %s? Type y and Enter: ", s.nameOf(signer))); err != nil {
				return err
			}
		}
		return p.addSignature(s, signer, *keyFile)
	}
}

// openSigning reads a draft and, where a trust document is named, that.
func openSigning(path, trustFile string) (*signing, error) {
	raw, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	s := &signing{path: path, raw: raw, judge: trustFile}
	if s.envelope, err = trust.ParseEnvelope(raw); err != nil {
		return nil, refused(path, err)
	}
	if s.content, err = openContent(path, s.envelope); err != nil {
		return nil, err
	}
	if trustFile != "" {
		if s.present, err = readTrust(trustFile); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// mayBeSigned checks, before anybody is asked, that the signature would count.
func (s *signing) mayBeSigned(keyFile string, signer trust.Signer) error {
	if s.envelope.SignedBy(signer.Public()) {
		return explainSigning(keyFile, trust.ErrSignedAlready)
	}
	if s.present == nil {
		return nil
	}
	role, id := s.envelope.Type.Role(), trust.KeyID(signer.Public())
	documents := []*trust.Document{s.present}
	if c, ok := s.content.(*documentContent); ok { // its own holders sign it too
		documents = append(documents, c.document)
	}
	for _, d := range documents {
		for _, m := range d.Roles[role].Members {
			if m.Key == id {
				return s.content.mayBeSignedBy(d, id)
			}
		}
	}
	return &problem{field: keyFile, what: say("does not hold role %s in %s", string(role), s.judge),
		remedy: say("have someone sign who holds the role: bangtin trust show")}
}

// nameOf is whom a signature will stand for.
func (s *signing) nameOf(signer trust.Signer) string {
	id := trust.KeyID(signer.Public())
	if s.present != nil {
		if k, ok := s.present.Key(id); ok {
			return k.Person + " (" + k.Name + ")"
		}
	}
	return id
}

func (p *Program) addSignature(s *signing, signer trust.Signer, keyFile string) error {
	raw, err := sign(s.envelope, signer, keyFile)
	if err != nil {
		return err
	}
	now, err := readSmall(s.path)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, s.raw) {
		return &problem{field: s.path, what: say("was changed while you looked at it"), remedy: say("look at it again, and sign then")}
	}
	if err := replace(s.path, raw); err != nil {
		return err
	}
	if count, ok := countOf(s.content); ok {
		if err := p.warnOfLater(keyFile, count); err != nil {
			return err
		}
		if err := p.remember(keyFile, count); err != nil {
			return err
		}
	}
	p.tell(say("Signed in %s by key %s", s.path, trust.KeyID(signer.Public())))
	if err := p.tellThreshold(s); err != nil {
		return err
	}
	return p.resultOf(s)
}

// maxAnswer is more than anybody types to say yes, in bytes.
const maxAnswer = 64

// confirm asks on the terminal for y. Anything else is a no.
func (p *Program) confirm(question phrase) error {
	err := p.agree(question, say("give --yes once you have read what is signed"))
	if errors.Is(err, errNotAgreed) {
		return &problem{field: "sign draft", what: say("was not signed: the answer was not y"), remedy: say("nothing was changed")}
	}
	return err
}

var errNotAgreed = errors.New("the answer was not y")

// agree asks on the terminal for y. Anything else is errNotAgreed; where nobody can be asked, remedy says what to do.
func (p *Program) agree(question, remedy phrase) error {
	tty, ok := p.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(tty.Fd())) {
		return &problem{field: "--yes", what: say("there is no terminal to ask on"), remedy: remedy, usage: true}
	}
	fmt.Fprint(p.Stderr, p.text(question))
	line, err := bufio.NewReader(io.LimitReader(tty, maxAnswer)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("cannot read answer: %w", err)
	}
	if strings.ToLower(strings.TrimSpace(line)) != "y" {
		return errNotAgreed
	}
	return nil
}
