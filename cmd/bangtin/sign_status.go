package main

import (
	"encoding/json"
	"slices"
	"strings"

	"bangtin/internal/trust"
)

// showSigning prints what is signed, who has signed it, and what is still missing.
func (p *Program) showSigning(s *signing) error {
	if err := s.content.show(p); err != nil {
		return err
	}
	p.tell(say("Signed content: SHA-256 %s", digestOf(s.envelope.Payload)))
	p.tellSigners(s)
	if c, ok := s.content.(*documentContent); ok && s.present != nil {
		p.warnOfStruck(s.present, c.document)
	}
	return p.tellThreshold(s)
}

// A signer is somebody whose signature was checked, and the document that knows the key.
type signer struct {
	trust.Key
	by *trust.Document
}

// signers are those behind the signatures as far as the trust documents know them, each once.
func (s *signing) signers() []signer {
	var all []signer
	for _, d := range s.documents() {
		for _, k := range d.Signers(s.envelope) {
			if !slices.ContainsFunc(all, func(o signer) bool { return o.ID == k.ID }) {
				all = append(all, signer{k, d})
			}
		}
	}
	return all
}

// tellSigners names the people behind the signatures.
func (p *Program) tellSigners(s *signing) {
	known := map[string]bool{}
	for _, k := range s.signers() {
		p.tell(say("Signed by %s (%s), %s%s", k.Person, k.Name, k.ID, p.duties(k.by, s.envelope.Type.Role(), k.ID)))
		known[k.ID] = true
	}
	for _, sig := range s.envelope.Signatures {
		switch {
		case known[sig.KeyID]:
		case len(s.documents()) == 0:
			p.tell(say("Signature that names key %s", visible(sig.KeyID)))
		default:
			p.tell(say("Signature that names key %s does not count: no key of the trust document made it", visible(sig.KeyID)))
		}
	}
}

// documents are those that can say who signed: the one given, and a trust document itself, whose own trust role
// must sign it too.
func (s *signing) documents() []*trust.Document {
	var all []*trust.Document
	if s.present != nil {
		all = append(all, s.present)
	}
	if c, ok := s.content.(*documentContent); ok {
		all = append(all, c.document)
	}
	return all
}

// duties tells a key's part in a role that has parts, after a comma, or that it does not hold the role.
func (p *Program) duties(d *trust.Document, role trust.Role, id string) string {
	var duties []string
	holds := false
	for _, m := range d.Roles[role].Members {
		if m.Key == id {
			holds = true
			if m.Duty != "" {
				duties = append(duties, p.text(dutyWord(m.Duty)))
			}
		}
	}
	switch {
	case !holds:
		return ", " + p.text(say("which does not hold role %s", string(role)))
	case len(duties) == 0:
		return ""
	}
	return ", " + strings.Join(duties, ", ")
}

// lacking says why displays would not take the envelope as it stands now, or nothing. Nobody can tell without a trust
// document; a trust document itself tells at least whether the people it names stand behind it.
func (s *signing) lacking() (why error, judged bool, err error) {
	raw, err := s.envelope.Marshal()
	if err != nil {
		return nil, false, err
	}
	_, document := s.content.(*documentContent)
	switch {
	case s.present == nil && document:
		_, why = trust.ParseDocument(raw)
	case s.present == nil:
		return nil, false, nil
	case document:
		_, why = s.present.Next(raw)
	default:
		_, why = s.present.Verify(raw, s.envelope.Type)
	}
	return why, true, nil
}

// tellThreshold says whether displays would take the envelope as it stands now.
func (p *Program) tellThreshold(s *signing) error {
	why, judged, err := s.lacking()
	_, document := s.content.(*documentContent)
	switch {
	case err != nil:
		return err
	case !judged:
		p.tell(say("The signatures were counted, not checked: %d. Check them with --trust trust.json.", len(s.envelope.Signatures)))
		return nil
	case s.present == nil && document:
		p.tellOwnThreshold(why)
		return nil
	case why == nil:
		p.tell(say("Enough people have signed: displays that go by %s take it.", s.judge))
		return nil
	}
	words, remedy := refusalWords(reasonOf(why))
	p.tell(say("Not valid yet: it %s; %s. People that role %s needs together: %d.", p.text(words), p.text(remedy),
		string(s.envelope.Type.Role()), s.present.Roles[s.envelope.Type.Role()].Threshold))
	return nil
}

// A signingObject is a draft as it stands. Valid is null where no trust document could tell.
type signingObject struct {
	File    string          `json:"file"`
	Type    trust.Type      `json:"type"`
	Role    trust.Role      `json:"role"`
	Digest  string          `json:"digest"` // SHA-256 of what is signed
	Content json.RawMessage `json:"content"`
	Signers []signerObject  `json:"signers"`
	KeyIDs  []string        `json:"keyids"` // that signatures name; not checked
	Valid   *bool           `json:"valid"`
	Lacking trust.Reason    `json:"lacking,omitempty"` // why it is not valid
}

// A signerObject is a person whose signature was checked.
type signerObject struct {
	Key    string `json:"key"`
	Person string `json:"person"`
	Name   string `json:"name"`
	Holds  bool   `json:"holds_role"`
}

func (s *signing) object() (*signingObject, error) {
	why, judged, err := s.lacking()
	if err != nil {
		return nil, err
	}
	o := &signingObject{
		File: s.path, Type: s.envelope.Type, Role: s.envelope.Type.Role(), Digest: digestOf(s.envelope.Payload), Content: s.envelope.Payload,
		Signers: []signerObject{}, KeyIDs: []string{}, Lacking: reasonOf(why),
	}
	if judged {
		valid := why == nil
		o.Valid = &valid
	}
	for _, k := range s.signers() {
		holds := slices.ContainsFunc(k.by.Roles[o.Role].Members, func(m trust.Member) bool { return m.Key == k.ID })
		o.Signers = append(o.Signers, signerObject{k.ID, k.Person, k.Name, holds})
	}
	for _, sig := range s.envelope.Signatures {
		o.KeyIDs = append(o.KeyIDs, sig.KeyID)
	}
	return o, nil
}

// resultOf writes a draft as it stands.
func (p *Program) resultOf(s *signing) error {
	o, err := s.object()
	if err != nil {
		return err
	}
	return p.result(o)
}

// warnOfStruck tells what stops counting when next replaces present. Only what stays on screens and in force is
// spoken of: playlists and power orders.
func (p *Program) warnOfStruck(present, next *trust.Document) {
	for _, role := range []trust.Role{trust.RolePlaylist, trust.RolePower} {
		var stay []string
		struck := false
		for _, m := range present.Roles[role].Members {
			if slices.Contains(next.Roles[role].Members, m) {
				stay = append(stay, m.Key)
				continue
			}
			struck = true
			k, _ := present.Key(m.Key)
			p.tell(say("Attention: key %s of %s (%s) loses role %s. What counted by its signature stops counting at once.", k.ID, k.Person, k.Name, string(role)))
		}
		switch {
		case !struck:
		case !next.Reaches(role, stay) && role == trust.RolePlaylist:
			p.tell(say("Attention: no playlist signed so far counts any more: the screens show the slate until a new one comes."))
			p.tellRotation()
		case !next.Reaches(role, stay):
			p.tell(say("Attention: no order signed so far for role %s counts any more: the displays go back to the schedule.", string(role)))
			p.tellRotation()
		default:
			p.tell(say("Before this document is published, have what stands for role %s signed with keys that stay (bangtin sign draft), and publish that.", string(role)))
		}
	}
}

// tellRotation is the way without a dark minute (docs/trust.md).
func (p *Program) tellRotation() {
	p.tell(say("First publish a document that holds the old keys and the new. Have what stands signed with the new ones too (bangtin sign draft), and publish that. Then publish this document."))
}
