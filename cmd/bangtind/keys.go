package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Names below the site's data folder.
const (
	journalFile    = "journal.db"
	journalKeyFile = "keys/journal.key"
	lockFile       = "lock"
	trustFile      = "trust.json"
)

var errKeyLength = errors.New("wrong length")

// loadKey reads the device's journal key: the 32 bytes of its Ed25519 seed.
func loadKey(path string) (ed25519.PrivateKey, error) {
	seed, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal key: %w", err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("cannot read the journal key %s: %w: %d bytes, not %d", path, errKeyLength, len(seed), ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// ensureKey makes the journal key at the first start. It never leaves the device. One of the wrong length, as a torn
// disk leaves it, is put aside: the journal then notices that its key is another. known is whether there was a key.
func ensureKey(path string) (key ed25519.PrivateKey, known bool, err error) {
	key, err = loadKey(path)
	switch {
	case err == nil:
		return key, true, nil
	case errors.Is(err, errKeyLength):
		known = true
		if err := os.Rename(path, path+".damaged"); err != nil {
			return nil, true, fmt.Errorf("cannot put the damaged journal key aside: %w", err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, false, err
	}
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed) // never fails since Go 1.24
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, known, fmt.Errorf("cannot make the folder of the journal key: %w", err)
	}
	if err := writeDurably(path, seed); err != nil {
		return nil, known, fmt.Errorf("cannot write the journal key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), known, nil
}

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// writeDurably writes a file that is there whole or not at all after a power cut.
func writeDurably(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once the file was renamed, as it should
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func randomName() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}
