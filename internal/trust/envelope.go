package trust

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Limits on an envelope, checked before the payload is looked at.
const (
	MaxEnvelope   = 3 << 19 // bytes, 1.5 MiB: base64 of a payload of 1 MiB and its signatures
	MaxSignatures = 16
	maxKeyID      = 200 // bytes
)

// An Envelope is a payload with its type and the signatures over both (DSSE v1,
// https://github.com/secure-systems-lab/dsse). Parsing one says nothing about who signed it.
type Envelope struct {
	Type       Type
	Payload    []byte
	Signatures []Signature
}

// A Signature is one signature of an envelope. KeyID is a hint that anybody could have written.
type Signature struct {
	KeyID string
	Sig   []byte
}

type envelopeJSON struct {
	PayloadType string          `json:"payloadType"`
	Payload     string          `json:"payload"`
	Signatures  []signatureJSON `json:"signatures"`
}

type signatureJSON struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// ParseEnvelope reads an envelope as it came from outside. It refuses what is oversized, not strict JSON, of a
// type that is not ours, or unsigned; every error is a *[Refusal].
func ParseEnvelope(raw []byte) (*Envelope, error) {
	if len(raw) > MaxEnvelope {
		return nil, refuse(Oversized, "envelope of %d bytes, at most %d", len(raw), MaxEnvelope)
	}
	var j envelopeJSON
	if err := DecodeJSON(raw, &j, "payloadType"); err != nil {
		return nil, refuse(Malformed, "envelope: %v", err)
	}
	if len(j.Signatures) > MaxSignatures {
		return nil, refuse(Oversized, "%d signatures, at most %d", len(j.Signatures), MaxSignatures)
	}
	if len(j.Signatures) == 0 {
		return nil, refuse(Malformed, "envelope: no signatures")
	}
	e := &Envelope{Type: Type(j.PayloadType)}
	if e.Type.Role() == "" {
		return nil, refuse(WrongType, "unknown payload type %.80q", j.PayloadType)
	}
	for _, s := range j.Signatures {
		if len(s.KeyID) > maxKeyID {
			return nil, refuse(Oversized, "keyid of %d bytes, at most %d", len(s.KeyID), maxKeyID)
		}
		sig, err := decodeBase64(s.Sig)
		if err != nil || len(sig) != ed25519.SignatureSize {
			return nil, refuse(Malformed, "envelope: a signature is not 64 bytes in base64")
		}
		e.Signatures = append(e.Signatures, Signature{KeyID: s.KeyID, Sig: sig})
	}
	payload, err := decodeBase64(j.Payload)
	if err != nil {
		return nil, refuse(Malformed, "envelope: payload: %v", err)
	}
	e.Payload = payload
	return e, nil
}

// Sign adds the signer's signature. A key that has signed already is refused, so that signing twice by mistake is
// noticed while somebody can still do something about it.
func (e *Envelope) Sign(s Signer) error {
	if e.Type.Role() == "" {
		return fmt.Errorf("cannot sign: unknown payload type %q", e.Type)
	}
	if len(e.Signatures) >= MaxSignatures {
		return fmt.Errorf("cannot sign: %d signatures are there already", len(e.Signatures))
	}
	pub := s.Public()
	if err := checkPublic(pub); err != nil {
		return fmt.Errorf("cannot sign: %w", err)
	}
	if e.SignedBy(pub) {
		return fmt.Errorf("cannot sign: %w", ErrSignedAlready)
	}
	message := pae(string(e.Type), e.Payload)
	sig, err := s.Sign(message)
	if err != nil {
		return err
	}
	if !ed25519.Verify(pub, message, sig) {
		return errors.New("cannot sign: the signer's signature does not fit its public key")
	}
	e.Signatures = append(e.Signatures, Signature{KeyID: KeyID(pub), Sig: sig})
	return nil
}

// SignedBy reports whether the key's good signature is on the envelope.
func (e *Envelope) SignedBy(pub ed25519.PublicKey) bool {
	if len(pub) != ed25519.PublicKeySize {
		return false
	}
	message := pae(string(e.Type), e.Payload)
	return slices.ContainsFunc(e.Signatures, func(s Signature) bool { return ed25519.Verify(pub, message, s.Sig) })
}

// ErrSignedAlready: the key's signature is on the envelope already.
var ErrSignedAlready = errors.New("this key has signed already")

// Marshal writes the envelope as JSON that [ParseEnvelope] accepts, on one line.
func (e *Envelope) Marshal() ([]byte, error) {
	j := envelopeJSON{PayloadType: string(e.Type), Payload: base64.StdEncoding.EncodeToString(e.Payload)}
	for _, s := range e.Signatures {
		j.Signatures = append(j.Signatures, signatureJSON{KeyID: s.KeyID, Sig: base64.StdEncoding.EncodeToString(s.Sig)})
	}
	raw, err := json.Marshal(j)
	if err != nil {
		return nil, fmt.Errorf("cannot write envelope: %w", err)
	}
	if _, err := ParseEnvelope(raw); err != nil {
		return nil, fmt.Errorf("cannot write envelope: %w", err)
	}
	return raw, nil
}

// pae is DSSE's pre-authentication encoding, the bytes that are signed.
func pae(payloadType string, payload []byte) []byte {
	b := make([]byte, 0, len(payload)+len(payloadType)+40)
	b = append(b, "DSSEv1 "...)
	b = strconv.AppendInt(b, int64(len(payloadType)), 10)
	b = append(b, ' ')
	b = append(b, payloadType...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(payload)), 10)
	b = append(b, ' ')
	return append(b, payload...)
}
