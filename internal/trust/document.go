package trust

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"
)

// Limits on a trust document. They bound the work of a verification: at most MaxSignatures times MaxMembers
// signatures are checked.
const (
	MaxDocument = 64 << 10 // bytes of the payload
	MaxKeys     = 64
	MaxMembers  = 16 // of one role
)

// A Document is the payload of a trust envelope: who holds which role. It is plain data; Verify validates it
// anew, so a document built by hand can do no more than one that was parsed.
type Document struct {
	Version      uint64         `json:"version"`      // 1 or more, strictly rising
	Organisation string         `json:"organisation"` // for people, at most 200 bytes
	Created      time.Time      `json:"created"`      // UTC; told to people, decides nothing
	Keys         []Key          `json:"keys"`
	Roles        map[Role]Grant `json:"roles"`
}

// A Key belongs to one person; a person may have several.
type Key struct {
	ID     string    `json:"id"`     // KeyID of Public
	Public PublicKey `json:"public"` //
	Person string    `json:"person"` // [a-z0-9.-]{1,60}: the same for all keys of one person
	Name   string    `json:"name"`   // for people, at most 200 bytes
}

// A Grant gives one role to its members.
type Grant struct {
	Threshold int      `json:"threshold"` // people who must sign together
	Members   []Member `json:"members"`
	Duties    []string `json:"duties,omitempty"` // each filled by a different signer; then every member has one
}

// A Member is a key that holds a role. A person with two duties is a member twice, and still fills only one of
// them on the same envelope.
type Member struct {
	Key  string `json:"key"` // its id
	Duty string `json:"duty,omitempty"`
}

// ParseDocument reads a trust envelope and checks that it was signed by its own trust role. This makes it
// consistent, not authentic: the first document of a device comes with the device, each later one through
// [Document.Next].
func ParseDocument(raw []byte) (*Document, error) {
	e, err := ParseEnvelope(raw)
	if err != nil {
		return nil, err
	}
	if e.Type != TypeTrust {
		return nil, refuse(WrongType, "type %q, want %q", e.Type, TypeTrust)
	}
	d, err := DecodeDocument(e.Payload)
	if err != nil {
		return nil, err
	}
	if _, err := d.verify(e, RoleTrust); err != nil {
		return nil, err
	}
	return d, nil
}

// Next reads the document that is to replace d: signed by the trust role of d and by its own, of a higher
// version.
func (d *Document) Next(raw []byte) (*Document, error) {
	next, err := ParseDocument(raw)
	if err != nil {
		return nil, err
	}
	if _, err := d.Verify(raw, TypeTrust); err != nil {
		return nil, err
	}
	if next.Version <= d.Version {
		return nil, refuse(Stale, "trust document version %d, present is %d", next.Version, d.Version)
	}
	return next, nil
}

// DecodeDocument reads and validates a document that is not signed yet. Nothing may be obeyed on its word.
func DecodeDocument(payload []byte) (*Document, error) {
	if len(payload) > MaxDocument {
		return nil, refuse(Oversized, "trust document of %d bytes, at most %d", len(payload), MaxDocument)
	}
	d := new(Document)
	if err := DecodeJSON(payload, d); err != nil {
		return nil, refuse(Malformed, "trust document: %v", err)
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return d, nil
}

// Seal validates d, signs it and returns the envelope. With fewer signers than the trust role needs the result is
// a draft that others sign further.
func (d *Document) Seal(signers ...Signer) ([]byte, error) {
	payload, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("cannot write trust document: %w", err)
	}
	if _, err := DecodeDocument(payload); err != nil {
		return nil, err
	}
	e := &Envelope{Type: TypeTrust, Payload: payload}
	for _, s := range signers {
		if err := e.Sign(s); err != nil {
			return nil, err
		}
	}
	return e.Marshal()
}

// NewKey describes a public key for a document.
func NewKey(pub ed25519.PublicKey, person, name string) Key {
	return Key{ID: KeyID(pub), Public: PublicKey(pub), Person: person, Name: name}
}

// Key finds a key by its id.
func (d *Document) Key(id string) (Key, bool) {
	for _, k := range d.Keys {
		if k.ID == id {
			return k, true
		}
	}
	return Key{}, false
}
