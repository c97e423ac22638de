package main

import (
	"context"
	"strings"

	"bangtin/internal/trust"
	"bangtin/media"
)

func (p *Program) playlistExport(o *options) action {
	out := o.text("out", say("folder to write: playlist.json and content/, as a display's inbox or USB stick has them"))
	trustFile := o.text("trust", say("trust document to check the signatures against"))
	return func(_ context.Context, dir string) error {
		if err := o.require("out"); err != nil {
			return err
		}
		d, err := openDraft(dir)
		if err != nil {
			return err
		}
		raw, people, err := approved(d, *trustFile)
		if err != nil {
			return err
		}
		if err := d.playlist.Validate(); err != nil {
			return err
		}
		if err := makeFolder(contentIn(*out)); err != nil {
			return err
		}
		for _, f := range d.playlist.Files() {
			if err := carry(dir, *out, f); err != nil {
				return err
			}
		}
		// Last, so that whoever sees it finds everything it names.
		if err := replace(envelopeIn(*out), raw); err != nil {
			return err
		}
		p.tellExport(d, *out, people)
		return p.result(exportOf(d, *out, people))
	}
}

// approved returns the envelope's bytes once two people have signed. Without a trust document nobody can tell
// whose the signatures are: they are only counted, and the person is told so.
func approved(d *draft, trustFile string) (raw []byte, people []string, err error) {
	if d.envelope == nil || len(d.envelope.Signatures) < 2 {
		return nil, nil, &problem{field: d.dir, what: say("is not approved: it needs the editor's and the approver's signature"),
			remedy: say("have them sign with: bangtin playlist approve %s", d.dir)}
	}
	raw, err = d.envelope.Marshal()
	if err != nil || trustFile == "" {
		return raw, nil, err
	}
	doc, err := readTrust(trustFile)
	if err != nil {
		return nil, nil, err
	}
	v, err := doc.Verify(raw, trust.TypePlaylist)
	if err != nil {
		return nil, nil, refused(d.envelopeFile(), err)
	}
	return raw, v.People, namesApprover(d.playlist, v.People[1])
}

// carry copies one file, unless a good copy is there already.
func carry(from, to string, f media.File) error {
	source, target := contentFile(from, f.SHA256), contentFile(to, f.SHA256)
	if there, err := exists(target); err != nil {
		return err
	} else if there && checkFile(target, f) == nil {
		return nil
	}
	s, err := stow(source, contentIn(to), media.MaxVideo)
	if err != nil {
		return err
	}
	if s.file.SHA256 != f.SHA256 || s.file.Size != f.Size {
		s.discard()
		return notTheFile(source)
	}
	return s.keep()
}

func (p *Program) tellExport(d *draft, out string, people []string) {
	p.tell(say("Exported to %s: %s, version %d, for %s, SHA-256 %s", out, d.playlist.ID, d.playlist.Version,
		strings.Join(d.playlist.Audience, " "), d.digest()))
	if people == nil {
		p.tell(say("The signatures were counted, not checked. Check them with --trust trust.json."))
		return
	}
	p.tell(say("Checked: edited by %s, approved by %s.", people[0], people[1]))
}
