package main_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
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
	key, err := os.ReadFile(h.path("data", "device.key"))
	if err != nil {
		h.t.Fatal(err)
	}
	block, _ := pem.Decode(key)
	if block == nil {
		h.t.Fatal("the display's key is no PEM")
	}
	lines := strings.Split(string(key), "\n")
	found["data/device.key"] = []byte(lines[2]) // of the body, the first line is much the same in all keys
	found["the display's key in hex"] = []byte(hex.EncodeToString(block.Bytes[len(block.Bytes)-100 : len(block.Bytes)-68]))
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
