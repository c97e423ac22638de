package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"bangtin/internal/trust"
)

func (p *Program) playlistApprove(o *options) action {
	keyFile := o.text("key", say("private key to sign with"))
	file := o.text("passphrase-file", say("take the passphrase from the first line of this file"))
	trustFile := o.text("trust", say("trust document; then only a key with the role may sign"))
	return func(_ context.Context, dir string) error {
		if err := o.require("key"); err != nil {
			return err
		}
		d, err := openDraft(dir)
		if err != nil {
			return err
		}
		if d.envelope == nil {
			err = p.freeze(d)
		} else {
			err = d.playlist.Validate()
		}
		if err != nil {
			return err
		}
		for _, f := range d.playlist.Files() {
			if err := checkFile(contentFile(dir, f.SHA256), f); err != nil {
				return err
			}
		}
		signer, err := p.readKey(*keyFile, *file)
		if err != nil {
			return err
		}
		if err := holdsPlaylist(*trustFile, *keyFile, signer); err != nil {
			return err
		}
		raw, err := sign(d.envelope, signer, *keyFile)
		if err != nil {
			return err
		}
		if err := replace(d.envelopeFile(), raw); err != nil {
			return err
		}
		return p.tellApproval(d, trust.KeyID(signer.Public()))
	}
}

// freeze gives the draft its version and turns it into the payload that will be signed. Nothing else is written
// before the first signature is made.
func (p *Program) freeze(d *draft) error {
	now := p.Now().UTC()
	d.playlist.Version = nextVersion(now, d.playlist.Version)
	d.playlist.Created = now.Truncate(time.Second)
	if err := d.playlist.Validate(); err != nil {
		return err
	}
	payload, err := json.Marshal(d.playlist)
	if err != nil {
		return fmt.Errorf("cannot encode playlist: %w", err)
	}
	d.envelope = &trust.Envelope{Type: trust.TypePlaylist, Payload: payload}
	return nil
}

// holdsPlaylist checks, where a trust document is given, that the signer's key holds the playlist role in it.
func holdsPlaylist(trustFile, keyFile string, s trust.Signer) error {
	if trustFile == "" {
		return nil
	}
	doc, err := readTrust(trustFile)
	if err != nil {
		return err
	}
	holds := func(m trust.Member) bool { return m.Key == trust.KeyID(s.Public()) }
	if slices.ContainsFunc(doc.Roles[trust.RolePlaylist].Members, holds) {
		return nil
	}
	return &problem{field: keyFile, what: say("does not hold role playlist in %s", trustFile),
		remedy: say("have someone sign who holds the role: bangtin trust show")}
}

func (p *Program) tellApproval(d *draft, key string) error {
	seconds := 0
	for _, it := range d.playlist.Items {
		seconds += it.Seconds
	}
	p.tell(say("Signed: %s, version %d, %d items, %d s, by key %s", d.playlist.ID, d.playlist.Version, len(d.playlist.Items), seconds, key))
	if n := len(d.envelope.Signatures); n < 2 {
		p.tell(say("The playlist is frozen. The other person signs next: bangtin playlist approve %s", d.dir))
		return nil
	}
	p.tell(say("Both signatures are there. Next: bangtin playlist export %s", d.dir))
	return nil
}

// playlistReopen keeps the frozen version in the draft, so that the next one is higher whatever the clock says.
func (p *Program) playlistReopen(*options) action {
	return func(_ context.Context, dir string) error {
		d, err := openDraft(dir)
		if err != nil {
			return err
		}
		if d.envelope == nil {
			return &problem{field: dir, what: say("is not signed"), remedy: say("just change it")}
		}
		if err := d.save(); err != nil {
			return err
		}
		if err := os.Remove(d.envelopeFile()); err != nil {
			return unwritable(d.envelopeFile(), err)
		}
		if err := syncFolder(dir); err != nil {
			return unwritable(dir, err)
		}
		p.tell(say("The signatures of %s are dropped. It can be changed and must be signed anew by both.", dir))
		return nil
	}
}
