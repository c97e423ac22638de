package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"

	"bangtin/internal/trust"
)

// maxKeyFile is in bytes.
const maxKeyFile = 64 << 10

// readSigner reads the centre's own key: OpenSSH's format, Ed25519, without a passphrase, as the centre must be able to
// start by itself.
func readSigner(path string) (trust.Signer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the centre's key: %w", err)
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("cannot read the centre's key: %s is too large", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the centre's key: %w", err)
	}
	key, err := ssh.ParseRawPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot use the centre's key %s: %w", path, err)
	}
	own, ok := key.(*ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("cannot use the centre's key " + path + ": it is not an Ed25519 key")
	}
	return trust.NewSigner(*own), nil
}
