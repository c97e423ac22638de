package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"bangtin/internal/trust"
	"bangtin/media"
)

func (p *Program) playlistApprove(o *options) action {
	keyFile := o.key()
	file := o.text("passphrase-file", say("take the passphrase from the first line of this file"))
	trustFile := o.text("trust", say("trust document; then only a key with the role may sign"))
	fonts := o.fonts()
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
		if err := p.checkLetters(d.playlist.Items, *fonts); err != nil {
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
		if err := mayApprove(d.playlist, *trustFile, *keyFile, signer); err != nil {
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

// mayApprove checks, where a trust document is given, that the signer's key holds the playlist role in it and, where
// it can sign as approver alone, that the items name its person. Who may also edit is judged at export.
func mayApprove(playlist *media.Playlist, trustFile, keyFile string, s trust.Signer) error {
	if trustFile == "" {
		return nil
	}
	doc, err := readTrust(trustFile)
	if err != nil {
		return err
	}
	id := trust.KeyID(s.Public())
	if !slices.ContainsFunc(doc.Roles[trust.RolePlaylist].Members, func(m trust.Member) bool { return m.Key == id }) {
		return &problem{field: keyFile, what: say("does not hold role %s in %s", string(trust.RolePlaylist), trustFile),
			remedy: say("have someone sign who holds the role: bangtin trust show")}
	}
	return approves(playlist, doc, id)
}

// approves checks that the items name the key's person where it can sign as approver alone.
func approves(playlist *media.Playlist, doc *trust.Document, id string) error {
	for _, m := range doc.Roles[trust.RolePlaylist].Members {
		if m.Key == id && m.Duty != trust.DutyApprover {
			return nil
		}
	}
	key, _ := doc.Key(id) // every member is among the keys of a valid document
	return namesApprover(playlist, key.Person)
}

// namesApprover checks what displays check: that every item names the person as its approver.
func namesApprover(playlist *media.Playlist, person string) error {
	var found media.Findings
	if !errors.As(playlist.ApprovedBy(person), &found) {
		return nil
	}
	return &problem{field: found[0].Item + ": --approver", what: say("names another person than %s, who signs as approver", person),
		remedy: say("have the named person sign, or make the playlist anew with --approver %s", person), cause: found}
}

func (p *Program) tellApproval(d *draft, key string) error {
	seconds := 0
	for _, it := range d.playlist.Items {
		seconds += it.Seconds
	}
	p.tell(say("Signed: %s, version %d, %d items, %d s, by key %s", d.playlist.ID, d.playlist.Version, len(d.playlist.Items), seconds, key))
	p.tell(say("Signed content: SHA-256 %s", d.digest()))
	if err := p.warnOfEnd(d.playlist); err != nil {
		return err
	}
	if err := p.result(approvalOf(d, key, seconds)); err != nil {
		return err
	}
	if n := len(d.envelope.Signatures); n < 2 {
		p.tell(say("The playlist is frozen. The other person signs next: bangtin playlist approve %s", d.dir))
		return nil
	}
	p.tell(say("Both signatures are there. Next: bangtin playlist publish %s --wait; or to carry it on a stick: bangtin playlist export %s", d.dir, d.dir))
	return nil
}

// warnOfEnd tells when the last item ends. It is no refusal: the next playlist may be there by then.
func (p *Program) warnOfEnd(l *media.Playlist) error {
	last := lastEnd(l)
	if last == nil {
		return nil
	}
	when, err := clock(*last)
	if err != nil {
		return err
	}
	p.tell(say("Attention: every item ends. From %s the display has nothing of this playlist to show.", when))
	return nil
}

// lastEnd is when the last item ends, or nil when one never does.
func lastEnd(l *media.Playlist) *time.Time {
	var last *time.Time
	for _, it := range l.Items {
		if it.Until == nil {
			return nil
		}
		if last == nil || it.Until.After(*last) {
			last = it.Until
		}
	}
	return last
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
		return p.result(draftObject{Dir: dir, Playlist: d.playlist.ID, Version: d.playlist.Version})
	}
}
