// Package stick is what an installer carries to a display: a folder on a USB stick, or on the boot partition of a medium
// that was just flashed. The department's tool makes it, and the display takes its site file from it. It is pure.
package stick

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"bangtin/internal/site"
	"bangtin/internal/trust"
)

// Where things lie on the file system (FAT, so names do not differ by case alone).
const (
	Folder  = "bangtin"     // holds all the others
	Site    = "site.toml"   // the site file
	Seal    = "site.seal"   // says who vouches for it: an envelope of trust.TypeSite around a [Voucher]
	Trust   = "trust.json"  // the trust document; a display that has one of its own takes no other than its successor
	Code    = "code.txt"    // the one-time code of bangtin center enrol, on its first line; may be missing
	Request = "request.pem" // written by the display: its certificate request, where it has no certificate yet
	Answer  = "answer.json" // of bangtin center sign, for a display without a network; may be missing
)

// How long things are at most, in bytes. The site file's limit is [site.MaxSize].
const (
	MaxCode = 256     // a code has 39 letters
	MaxSeal = 8 << 10 // 16 signatures, and a voucher of 200 bytes
)

// A Voucher is what a site file's seal says of it.
type Voucher struct {
	Site   string    `json:"site"`   // the display's id, as in the file
	SHA256 string    `json:"sha256"` // of the file's bytes, 64 lower-case hex digits
	Issued time.Time `json:"issued"` // in whole seconds, UTC, from 2026 on; a display takes no file that was issued before the one it has
}

// Vouch makes the voucher of a site file. The error is that of [site.Parse]: nobody can sign a file that a display refuses.
func Vouch(file []byte, issued time.Time) (Voucher, error) {
	s, err := site.Parse(file)
	if err != nil {
		return Voucher{}, err
	}
	v := Voucher{Site: s.ID, SHA256: digest(file), Issued: issued.UTC().Truncate(time.Second)}
	return v, v.check()
}

// check refuses a time that is none: what has no time would never be older than anything.
func (v Voucher) check() error {
	if v.Issued.Year() < 2026 || v.Issued.Year() > 9999 || v.Issued.Location() != time.UTC || v.Issued.Nanosecond() != 0 {
		return fmt.Errorf("cannot vouch for a site file: issued %s, want whole seconds of UTC from 2026 on: set the clock", v.Issued.Format(time.RFC3339Nano))
	}
	return nil
}

// Sign makes the seal. The signers are of the role site; whether they hold it the display decides.
func (v Voucher) Sign(signers ...trust.Signer) ([]byte, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("cannot seal the site file: %w", err)
	}
	e := &trust.Envelope{Type: trust.TypeSite, Payload: payload}
	for _, s := range signers {
		if err := e.Sign(s); err != nil {
			return nil, fmt.Errorf("cannot seal the site file: %w", err)
		}
	}
	return e.Marshal()
}

// The ways in which a sealed file is refused beside those of [trust.Document.Verify] and [site.Parse].
var (
	ErrOther = errors.New("the seal is not this file's: it was altered, or sealed before it was changed")
	ErrStale = errors.New("the site file is older than the one that this display has")
)

// Peek reads the voucher of a seal without asking who signed it: for showing it to people, and for nothing that decides.
func Peek(seal []byte) (Voucher, error) {
	if err := fits(seal); err != nil {
		return Voucher{}, err
	}
	e, err := trust.ParseEnvelope(seal)
	if err != nil {
		return Voucher{}, err
	}
	if e.Type != trust.TypeSite {
		return Voucher{}, &trust.Refusal{Reason: trust.WrongType, Detail: fmt.Sprintf("type %q, want %q", e.Type, trust.TypeSite)}
	}
	return decode(e.Payload)
}

// Open verifies a site file by its seal, and only then reads it: nothing of the file is parsed before enough people of
// the role site are known to have signed it, byte for byte. notBefore is when the file that the display has was issued,
// zero where it has none; the same file again is taken. The voucher is zero where the seal itself was refused.
//
// The error is a *[trust.Refusal], [ErrOther], [ErrStale], a *[site.Error], or one that says what the seal lacks.
func Open(document *trust.Document, seal, file []byte, notBefore time.Time) (*site.Site, Voucher, error) {
	if err := fits(seal); err != nil {
		return nil, Voucher{}, err
	}
	verified, err := document.Verify(seal, trust.TypeSite)
	if err != nil {
		return nil, Voucher{}, err
	}
	v, err := decode(verified.Payload)
	if err != nil {
		return nil, Voucher{}, err
	}
	if digest(file) != v.SHA256 {
		return nil, v, ErrOther
	}
	if v.Issued.Before(notBefore) {
		return nil, v, ErrStale
	}
	s, err := site.Parse(file)
	if err != nil {
		return nil, v, err
	}
	if s.ID != v.Site {
		return nil, v, ErrOther
	}
	return s, v, nil
}

func fits(seal []byte) error {
	if len(seal) > MaxSeal {
		return &trust.Refusal{Reason: trust.Oversized, Detail: fmt.Sprintf("seal of %d bytes, at most %d", len(seal), MaxSeal)}
	}
	return nil
}

func decode(payload []byte) (Voucher, error) {
	var v Voucher
	if err := trust.DecodeJSON(payload, &v); err != nil {
		return Voucher{}, fmt.Errorf("cannot read the seal: %w", err)
	}
	if err := v.check(); err != nil {
		return Voucher{}, fmt.Errorf("cannot read the seal: %w", err)
	}
	return v, nil
}

func digest(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}
