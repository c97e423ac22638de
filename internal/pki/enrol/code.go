package enrol

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"strings"

	"bangtin/internal/pki"
)

// secretLength is in letters of base32: 60 bits. See guesses for why that is enough.
const secretLength = 12

// A Code is what a person types on a display: a secret that the centre knows, and the pin of the authority by which
// the display knows the centre.
type Code struct {
	secret, pin string // letters of base32
}

// NewCode makes a code for the centre whose authority has this pin.
func NewCode(pin string) Code {
	b := make([]byte, 10)
	rand.Read(b) // never fails since Go 1.24
	return Code{secret: base32.StdEncoding.EncodeToString(b)[:secretLength], pin: pin}
}

// ParseCode reads a code as people type it: in small letters, with hyphens or spaces anywhere, with the digits 0, 1
// and 8, which base32 does not have, for O, I and B.
func ParseCode(s string) (Code, error) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	if len(s) > 200 {
		return Code{}, errors.New("cannot read the code: it is too long")
	}
	s = strings.NewReplacer("-", "", " ", "", "0", "O", "1", "I", "8", "B").Replace(strings.ToUpper(strings.TrimSpace(s)))
	if len(s) != secretLength+pki.PinLength || strings.Trim(s, letters) != "" {
		return Code{}, errors.New("cannot read the code: it is eight groups of four letters A to Z and digits 2 to 7")
	}
	return Code{secret: s[:secretLength], pin: s[secretLength:]}, nil
}

// String groups the letters by fours.
func (c Code) String() string { return Group(c.secret + c.pin) }

// Group writes letters by fours, for people.
func Group(letters string) string {
	var groups []string
	for s := letters; len(s) >= 4; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return strings.Join(groups, "-")
}

// Pin names the authority, as pki.Pin does.
func (c Code) Pin() string { return c.pin }

// hash is what the centre keeps of the secret.
func (c Code) hash() string {
	sum := sha256.Sum256([]byte("bangtin enrolment " + c.secret))
	return hex.EncodeToString(sum[:])
}
