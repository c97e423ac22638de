package journal

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
)

// What a signature is about stands at its beginning, so that one can never be passed off as the other.
const (
	headDomain       = "bangtin journal head v1"
	keptHeadDomain   = "bangtin journal kept head v1"
	checkpointDomain = "bangtin journal checkpoint v1"
)

// A Head is the newest record of a chain at one moment. It stands for the whole chain up to there.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash Hash   `json:"hash"`
	At   int64  `json:"at"` // UTC seconds when it was signed
}

// A SignedHead is a Head signed with the device's journal key (Ed25519).
type SignedHead struct {
	Head
	Signature []byte `json:"signature"`
}

// Sign signs h as the end of the chain.
func (h Head) Sign(key ed25519.PrivateKey) SignedHead {
	return SignedHead{Head: h, Signature: ed25519.Sign(key, h.message(headDomain))}
}

// Check fails when the head was not signed by the owner of key.
func (s SignedHead) Check(key ed25519.PublicKey) error {
	if !verify(key, s.message(headDomain), s.Signature) {
		return fmt.Errorf("%w: head %d is not signed by this device", ErrBroken, s.Seq)
	}
	return nil
}

// A KeptHead is a Head of the past, signed to be kept. It says that the chain went through it, never that it ends
// there: its signature is not that of a SignedHead, or whoever cuts the end off could pass one off as the end.
type KeptHead struct {
	Head
	Signature []byte `json:"signature"`
}

// Keep signs h as one that the chain went through.
func (h Head) Keep(key ed25519.PrivateKey) KeptHead {
	return KeptHead{Head: h, Signature: ed25519.Sign(key, h.message(keptHeadDomain))}
}

// Check fails when the head was not signed, to be kept, by the owner of key.
func (k KeptHead) Check(key ed25519.PublicKey) error {
	if !verify(key, k.message(keptHeadDomain), k.Signature) {
		return fmt.Errorf("%w: kept head %d is not signed by this device", ErrBroken, k.Seq)
	}
	return nil
}

func (h Head) message(domain string) []byte {
	b := appendWord(nil, domain)
	b = binary.BigEndian.AppendUint64(b, h.Seq)
	b = append(b, h.Hash[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(h.At))
}

// Reasons of a Checkpoint.
const (
	PrunedAge     = "age"     // acknowledged and old enough
	PrunedSize    = "size"    // the journal had reached its size cap
	PrunedDamaged = "damaged" // the file was damaged, missing or of a newer program; a new one goes on
)

// A Checkpoint stands in the chain for the records that were removed from its beginning: the first record kept
// has the number Upto+1 and follows Hash.
type Checkpoint struct {
	Upto      uint64 `json:"upto"`   // the last record removed
	Hash      Hash   `json:"hash"`   // of that record; all zero when it could not be read any more
	At        int64  `json:"at"`     // UTC seconds
	Reason    string `json:"reason"` // PrunedAge, PrunedSize or PrunedDamaged
	Unsent    uint64 `json:"unsent"` // plays, segments and boots removed before the centre acknowledged them
	Signature []byte `json:"signature"`
}

// Sign returns c with its Signature.
func (c Checkpoint) Sign(key ed25519.PrivateKey) Checkpoint {
	c.Signature = ed25519.Sign(key, c.message())
	return c
}

// Check fails when the checkpoint was not signed by the owner of key.
func (c Checkpoint) Check(key ed25519.PublicKey) error {
	if !verify(key, c.message(), c.Signature) {
		return fmt.Errorf("%w: checkpoint %d is not signed by this device", ErrBroken, c.Upto)
	}
	return nil
}

func (c Checkpoint) message() []byte {
	b := appendWord(nil, checkpointDomain)
	b = binary.BigEndian.AppendUint64(b, c.Upto)
	b = append(b, c.Hash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.At))
	b = appendWord(b, c.Reason)
	return binary.BigEndian.AppendUint64(b, c.Unsent)
}

// verify is ed25519.Verify without its panic on a key of the wrong length.
func verify(key ed25519.PublicKey, message, signature []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, signature)
}
