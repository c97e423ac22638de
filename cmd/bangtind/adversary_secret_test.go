package main_test

import (
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secrets are the private keys of the run in the forms in which somebody might write them, by where they belong.
func (h *hostile) secrets() map[string][]byte {
	h.t.Helper()
	seed, err := os.ReadFile(h.path("data", "keys", "journal.key"))
	if err != nil {
		h.t.Fatal(err)
	}
	found := map[string][]byte{}
	forms := func(name string, raw []byte) {
		found[name] = raw
		found[name+" in hex"] = []byte(hex.EncodeToString(raw))
		found[name+" in base64"] = []byte(base64.RawStdEncoding.EncodeToString(raw)[:40])
	}
	forms("data/keys/journal.key", seed)
	for i, s := range h.seeds {
		forms("the seed of person "+string(rune('a'+i)), s)
	}
	pair, err := tls.LoadX509KeyPair(h.path("data", "device.pem"), h.path("data", "device.key"))
	if err != nil {
		h.t.Fatal(err)
	}
	scalar, err := pair.PrivateKey.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		h.t.Fatal(err)
	}
	forms("the display's key", scalar)
	file, err := os.ReadFile(h.path("data", "device.key"))
	if err != nil {
		h.t.Fatal(err)
	}
	found["data/device.key"] = []byte(strings.Split(string(file), "\n")[2]) // the first line is much the same in all keys
	return found
}

// files are all files of the display.
func (h *hostile) files() map[string][]byte {
	h.t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, h.dir+"/")] = raw
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}
