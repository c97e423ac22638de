package enrol

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"bangtin/internal/pki"
	"bangtin/internal/trust"
)

const (
	// Lifetime of a code.
	Lifetime = 24 * time.Hour
	// MaxCodes may be open at once; with more, the next is refused until one was used or has run out.
	MaxCodes = 200
)

// Why a code is refused. All are the same to whoever guesses.
var (
	ErrUnknown = errors.New("the code is unknown, was used, or has run out")
	ErrOther   = errors.New("the code is for another display")
	ErrFull    = errors.New("too many codes are open")
)

// Codes are the codes that are open or were used in the last 24 hours, in a file that several processes may use.
type Codes struct {
	dir string
	now func() time.Time
}

// OpenCodes uses a folder that must be there.
func OpenCodes(dir string, now func() time.Time) *Codes { return &Codes{dir: dir, now: now} }

// An entry is one code. Key and Certificate are empty until it is used: from then on it is good for nothing but to
// have the same answer once more, because the first may have been lost on the way.
type entry struct {
	Hash        string    `json:"hash"` // of the secret
	Device      string    `json:"device"`
	Expires     time.Time `json:"expires"`
	Key         string    `json:"key,omitempty"` // hash of the key it certified
	Certificate string    `json:"certificate,omitempty"`
}

type codesFile struct {
	Codes []entry `json:"codes"`
}

// Make makes a code for a display, in place of one that is open for it. pin names the authority.
func (c *Codes) Make(device, pin string) (Code, time.Time, error) {
	unlock, err := pki.Lock(c.path("codes.lock"))
	if err != nil {
		return Code{}, time.Time{}, err
	}
	defer unlock()
	all, err := c.read()
	if err != nil {
		return Code{}, time.Time{}, err
	}
	all = slices.DeleteFunc(all, func(e entry) bool { return e.Device == device })
	if len(all) >= MaxCodes {
		return Code{}, time.Time{}, ErrFull
	}
	code, expires := NewCode(pin), c.now().UTC().Add(Lifetime)
	all = append(all, entry{Hash: code.hash(), Device: device, Expires: expires})
	return code, expires, c.write(all)
}

// Drop forgets the code of a display.
func (c *Codes) Drop(device string) error {
	unlock, err := pki.Lock(c.path("codes.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	all, err := c.read()
	if err != nil {
		return err
	}
	return c.write(slices.DeleteFunc(all, func(e entry) bool { return e.Device == device }))
}

// Use has certify called for the request if the code is open for its name, and returns the certificate once it is on
// disk that the code was used, for which key and with which answer. The same code with the same key has the same
// answer again. Errors wrap ErrUnknown and ErrOther.
func (c *Codes) Use(code Code, r *pki.Request, certify func(*pki.Request) ([]byte, error)) ([]byte, error) {
	unlock, err := pki.Lock(c.path("codes.lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	all, err := c.read()
	if err != nil {
		return nil, err
	}
	hash := []byte(code.hash())
	i := slices.IndexFunc(all, func(e entry) bool { return subtle.ConstantTimeCompare([]byte(e.Hash), hash) == 1 })
	if i < 0 {
		return nil, ErrUnknown
	}
	key, err := keyHash(r)
	if err != nil {
		return nil, err
	}
	switch e := &all[i]; {
	case e.Key != "" && e.Key != key:
		return nil, ErrUnknown
	case e.Device != r.CommonName:
		return nil, ErrOther
	case e.Key != "":
		return []byte(e.Certificate), nil
	}
	certificate, err := certify(r)
	if err != nil {
		return nil, err
	}
	all[i].Key, all[i].Certificate = key, string(certificate)
	return certificate, c.write(all)
}

func keyHash(r *pki.Request) (string, error) {
	point, err := r.Key.Bytes()
	if err != nil {
		return "", fmt.Errorf("cannot use the key: %w", err)
	}
	sum := sha256.Sum256(point)
	return hex.EncodeToString(sum[:]), nil
}

func (c *Codes) path(name string) string { return filepath.Join(c.dir, name) }

// read returns what has not run out. The caller holds the lock.
func (c *Codes) read() ([]entry, error) {
	raw, err := pki.ReadFile(c.path("codes.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the codes: %w", err)
	}
	var all codesFile
	if err := trust.DecodeJSON(raw, &all); err != nil {
		return nil, fmt.Errorf("cannot read the codes: %w", err)
	}
	now := c.now()
	return slices.DeleteFunc(all.Codes, func(e entry) bool { return !now.Before(e.Expires) }), nil
}

func (c *Codes) write(all []entry) error {
	raw, err := json.Marshal(codesFile{Codes: all})
	if err != nil {
		return fmt.Errorf("cannot write the codes: %w", err)
	}
	if err := pki.Write(c.path("codes.json"), raw, 0o600); err != nil {
		return fmt.Errorf("cannot write the codes: %w", err)
	}
	return nil
}
