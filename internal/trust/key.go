package trust

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
)

// A Signer makes signatures with one key: in memory, in a file or on a token. Sign may block as long as a person
// needs to touch a token.
type Signer interface {
	Public() ed25519.PublicKey
	Sign(message []byte) ([]byte, error)
}

// NewSigner signs with a key in memory. A key of the wrong length fails at the first Sign.
func NewSigner(key ed25519.PrivateKey) Signer { return memorySigner{key} }

type memorySigner struct{ key ed25519.PrivateKey }

func (s memorySigner) Public() ed25519.PublicKey {
	if len(s.key) != ed25519.PrivateKeySize {
		return nil
	}
	return s.key.Public().(ed25519.PublicKey)
}

func (s memorySigner) Sign(message []byte) ([]byte, error) {
	if len(s.key) != ed25519.PrivateKeySize {
		return nil, errors.New("cannot sign: not an Ed25519 private key")
	}
	return ed25519.Sign(s.key, message), nil
}

// KeyID is the key's OpenSSH fingerprint, "SHA256:" and 43 characters, so that `ssh-keygen -lf` on any machine
// shows the same name for the same key.
func KeyID(pub ed25519.PublicKey) string {
	const algorithm = "ssh-ed25519"
	blob := binary.BigEndian.AppendUint32(nil, uint32(len(algorithm)))
	blob = append(blob, algorithm...)
	blob = binary.BigEndian.AppendUint32(blob, uint32(len(pub)))
	blob = append(blob, pub...)
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// A PublicKey is an Ed25519 public key, written in JSON as strict standard base64.
type PublicKey ed25519.PublicKey

// MarshalText writes standard base64 with padding.
func (k PublicKey) MarshalText() ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(k)), nil
}

// UnmarshalText reads strict standard base64 of 32 bytes that are no weak key.
func (k *PublicKey) UnmarshalText(text []byte) error {
	raw, err := decodeBase64(string(text))
	if err != nil {
		return err
	}
	if err := checkPublic(raw); err != nil {
		return err
	}
	*k = raw
	return nil
}

// checkPublic refuses what is not a key and what would let anyone sign: points of small order, for which
// signatures can be made without a private key, and encodings that are not canonical (RFC 8032, 5.1.3).
func checkPublic(pub []byte) error {
	if len(pub) != ed25519.PublicKeySize {
		return errors.New("an Ed25519 public key has 32 bytes")
	}
	unsigned := bytes.Clone(pub)
	unsigned[31] &= 0x7f // the sign of x plays no part in either question
	if !canonical(unsigned) {
		return errors.New("public key is not in canonical form")
	}
	for _, y := range smallOrder() {
		if hex.EncodeToString(unsigned) == y {
			return errors.New("public key is of small order: anyone could sign for it")
		}
	}
	return nil
}

// canonical reports whether the little-endian y is below p = 2^255 - 19.
func canonical(y []byte) bool {
	if y[31] != 0x7f {
		return true
	}
	for _, b := range y[1:31] {
		if b != 0xff {
			return true
		}
	}
	return y[0] < 0xed
}

// smallOrder lists the canonical y, little-endian in hex, of the eight points whose order divides 8 (the same
// table as libsodium's has_small_order). A test forges a signature for each of them.
func smallOrder() []string {
	zeros := strings.Repeat("00", 31)
	return []string{
		"00" + zeros,                           // order 4
		"01" + zeros,                           // order 1
		"ec" + strings.Repeat("ff", 30) + "7f", // order 2
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
	}
}

// decodeBase64 reads standard base64 with padding and nothing else: Strict alone still skips line ends.
func decodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("base64 contains a line end")
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}
