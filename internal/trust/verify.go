package trust

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
)

// Verified is a payload that enough of the right people signed.
type Verified struct {
	Payload []byte
	Role    Role     // whose threshold was reached: that of the envelope's type
	People  []string // who signed; those who fill the role's duties first: of a playlist the editor, then the approver
	Keys    []string // ids of the keys that made good signatures, sorted
	Digest  string   // SHA-256 of Payload, 64 lower-case hex digits

	Signatures []Signature // the good ones, one of each key, under the key's true id and in the order of Keys
}

// Verify is the way from received bytes to a payload that may be obeyed: limits, strict parsing, type, then the
// threshold of the type's role. Signatures that fit no key are passed over, as DSSE wants it; what counts is
// how many different people made a good one. Every error is a *[Refusal].
//
// Whether the payload is new, meant for this display and makes sense is for the caller to find out.
func (d *Document) Verify(raw []byte, t Type) (*Verified, error) {
	e, err := ParseEnvelope(raw)
	if err != nil {
		return nil, err
	}
	if e.Type != t {
		return nil, refuse(WrongType, "type %q, want %q", e.Type, t)
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return d.verify(e, t.Role())
}

func (d *Document) verify(e *Envelope, role Role) (*Verified, error) {
	g, ok := d.Roles[role]
	if !ok {
		return nil, refuse(RoleUnassigned, "the trust document gives role %s to nobody", role)
	}
	signed, made := d.signedBy(e, g)
	if len(signed) == 0 {
		return nil, d.unsigned(e, role, g)
	}
	people, missing := d.reached(g, signed)
	switch {
	case len(people) < g.Threshold && len(keyIDs(signed)) >= g.Threshold:
		return nil, refuse(SamePerson, "role %s needs %d people; all %d keys belong to %q", role, g.Threshold, len(keyIDs(signed)), people)
	case len(people) < g.Threshold:
		return nil, refuse(Threshold, "role %s needs %d people, signed by %q", role, g.Threshold, people)
	case missing:
		return nil, refuse(DutyMissing, "role %s needs different people as %q, signed by %q", role, g.Duties, people)
	}
	sum := sha256.Sum256(e.Payload)
	v := &Verified{Payload: e.Payload, Role: role, People: people, Keys: keyIDs(signed), Digest: hex.EncodeToString(sum[:])}
	for _, id := range v.Keys {
		v.Signatures = append(v.Signatures, Signature{KeyID: id, Sig: made[id]})
	}
	return v, nil
}

// Reaches reports whether the keys, which signed something before, are still enough for the role: what they signed
// holds exactly as long.
func (d *Document) Reaches(role Role, keys []string) bool {
	g, ok := d.Roles[role]
	if !ok || d.Validate() != nil {
		return false
	}
	people, missing := d.reached(g, g.of(keys))
	return len(people) >= g.Threshold && !missing
}

// Signers lists the keys of the document that made good signatures on e, each once and whatever their role. It is for
// showing a draft to people and decides nothing.
func (d *Document) Signers(e *Envelope) []Key {
	every := Grant{}
	for _, k := range d.Keys[:min(len(d.Keys), MaxKeys)] {
		every.Members = append(every.Members, Member{Key: k.ID})
	}
	signed, _ := d.signedBy(e, every)
	var keys []Key
	for _, m := range signed {
		k, _ := d.Key(m.Key)
		keys = append(keys, k)
	}
	return keys
}

// of lists the members with one of the keys.
func (g Grant) of(keys []string) []Member {
	return slices.DeleteFunc(slices.Clone(g.Members), func(m Member) bool { return !slices.Contains(keys, m.Key) })
}

// signedBy finds the members whose keys made the envelope's signatures, each once however often it signed, and the
// signature of each key.
func (d *Document) signedBy(e *Envelope, g Grant) ([]Member, map[string][]byte) {
	message := pae(string(e.Type), e.Payload)
	found := map[string][]byte{}
	for _, s := range e.Signatures {
		for _, id := range hintFirst(g, s.KeyID) {
			k, ok := d.Key(id)
			if ok && ed25519.Verify(ed25519.PublicKey(k.Public), message, s.Sig) {
				found[id] = s.Sig
				break
			}
		}
	}
	return g.of(slices.Collect(maps.Keys(found))), found
}

// hintFirst lists the role's key ids, each once, the hinted one first. The hint only saves time.
func hintFirst(g Grant, hint string) []string {
	var ids []string
	for _, m := range g.Members {
		switch {
		case slices.Contains(ids, m.Key):
		case m.Key == hint:
			ids = slices.Insert(ids, 0, m.Key)
		default:
			ids = append(ids, m.Key)
		}
	}
	return ids
}

// unsigned tells why no signature counted, by the hints: they decide nothing, but say what was meant.
func (d *Document) unsigned(e *Envelope, role Role, g Grant) *Refusal {
	reason := UnknownKey
	for _, s := range e.Signatures {
		if slices.ContainsFunc(g.Members, func(m Member) bool { return m.Key == s.KeyID }) {
			return refuse(BadSignature, "the signature of %s does not fit", s.KeyID)
		}
		if _, ok := d.Key(s.KeyID); ok {
			reason = WrongRole
		}
	}
	if reason == WrongRole {
		return refuse(WrongRole, "signed by a key that does not hold role %s", role)
	}
	return refuse(UnknownKey, "no signature by a key of the trust document")
}

// reached tells which people stand behind the members, those who fill the duties first, and whether a duty is
// left that no different person fills.
func (d *Document) reached(g Grant, signed []Member) (people []string, missing bool) {
	people, filled := d.fill(g.Duties, signed, nil)
	for _, m := range signed {
		if k, ok := d.Key(m.Key); ok && !slices.Contains(people, k.Person) {
			people = append(people, k.Person)
		}
	}
	return people, !filled
}

// fill assigns a different person to each duty, going back on a choice where it must: someone who could do both
// must not keep the only place another can take. Duties are at most as many as the threshold, members at most
// MaxMembers, so the search is short.
func (d *Document) fill(duties []string, signed []Member, taken []string) ([]string, bool) {
	if len(duties) == 0 {
		return taken, true
	}
	for _, m := range signed {
		k, ok := d.Key(m.Key)
		if !ok || m.Duty != duties[0] || slices.Contains(taken, k.Person) {
			continue
		}
		if all, ok := d.fill(duties[1:], signed, append(slices.Clone(taken), k.Person)); ok {
			return all, true
		}
	}
	return nil, false
}

// keyIDs lists the keys of members, each once, sorted.
func keyIDs(members []Member) []string {
	var ids []string
	for _, m := range members {
		ids = append(ids, m.Key)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
