package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"

	"bangtin/internal/trust"
)

func (p *Program) keysNew(o *options) action {
	person := o.text("person", say("the person's short name: a-z, 0-9, dot and hyphen; the same for all keys of one person"))
	name := o.text("name", say("the person's name as people write it"))
	out := o.text("out", say("file for the private key; the public one goes beside it as .pub"))
	file := o.text("passphrase-file", say("take the passphrase from the first line of this file"))
	bare := o.yes("no-passphrase", say("leave the key unprotected: only for machines such as the centre"))
	return func(_ context.Context, _ string) error {
		if err := o.require("person", "name", "out"); err != nil {
			return err
		}
		if err := checkOwner(*person, *name); err != nil {
			return err
		}
		var passphrase []byte
		switch {
		case *bare && *file != "":
			return &problem{field: "--no-passphrase", what: say("stands beside --passphrase-file"), remedy: say("give one of them"), usage: true}
		case !*bare:
			var err error
			if passphrase, err = p.newPassphrase(*file); err != nil {
				return err
			}
		}
		return p.makeKey(*person, strings.TrimSpace(*name), *out, passphrase)
	}
}

func checkOwner(person, name string) error {
	if !trust.ValidPerson(person) {
		return &problem{field: "--person", what: say("%q cannot stand for a person", person),
			remedy: say("use 1 to 60 of a-z, 0-9, dot and hyphen, such as nguyen.van.a"), usage: true}
	}
	if !trust.ValidName(strings.TrimSpace(name)) {
		return &problem{field: "--name", what: say("is not a name"), remedy: say("write it on one line, at most 200 bytes"), usage: true}
	}
	return nil
}

// makeKey writes the private key first: a key pair of which only this half is there is still a key.
func (p *Program) makeKey(person, name, out string, passphrase []byte) error {
	public := strings.TrimSuffix(out, ".key") + ".pub"
	if there, err := exists(public); err != nil || there {
		if err == nil {
			err = &problem{field: public, what: say("exists already and is never overwritten"), remedy: say("choose another name")}
		}
		return err
	}
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("cannot make key: %w", err)
	}
	private, err := encodeKey(key, person+" "+name, passphrase)
	if err != nil {
		return err
	}
	line, err := encodePublic(pub, person, name)
	if err != nil {
		return err
	}
	if err := writeNew(out, private, 0o600); err != nil {
		return err
	}
	if err := writeNew(public, line, 0o644); err != nil {
		return err
	}
	p.tell(say("Key of %s (%s): %s", name, person, trust.KeyID(pub)))
	p.tell(say("  %s  keep secret, and keep a copy in another safe place", out))
	p.tell(say("  %s  give to whoever writes the trust document", public))
	return p.result(keyObject{Key: trust.KeyID(pub), Person: person, Name: name, Private: out, Public: public})
}
