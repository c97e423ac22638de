package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
)

const (
	// counterTrust is the highest version of a trust document that this display has gone by.
	counterTrust = "trust"
	// settingTrust is that document.
	settingTrust = "trust"
	// sourceDevice is the file that a display comes with.
	sourceDevice = "trust.json"
)

// loadKeyring finds the trust document to begin with. It is the journal's, or what follows that in the file. Only
// a display whose journal has none believes a file for what it says of itself: that one comes with the device. A file
// that cannot be used, because it is missing, damaged, older, or signed by others than the present document names,
// changes nothing, and the display says so. With no document at all nobody is obeyed and nothing is approved. An error
// is the journal's.
func (d *display) loadKeyring(ctx context.Context) (*keyring, error) {
	k := &keyring{
		journal: d.journal, stamp: d.clock.Stamp, log: d.log, lacking: d.lacking, path: d.path(trustFile),
		standing: trust.NewStanding(&trust.Document{}), told: map[trust.Reason]time.Duration{},
	}
	if err := k.recall(ctx); err != nil {
		return nil, err
	}
	raw, err := readLimited(k.path)
	if err == nil && k.digest == "" {
		err = k.first(ctx, raw)
	} else if err == nil {
		err = k.take(ctx, raw, sourceDevice)
	}
	if err != nil {
		d.degrade(codeUnusable, fmt.Errorf("cannot use the trust document %s: %w", k.path, err))
	}
	return k, nil
}

// recall takes the document that the journal keeps, if it does.
func (k *keyring) recall(ctx context.Context) error {
	raw, err := k.journal.Setting(ctx, settingTrust)
	if err != nil || raw == nil {
		return err
	}
	doc, err := trust.ParseDocument(raw)
	if err != nil {
		k.log.Error("cannot use the trust document of the journal", "err", err)
		return nil
	}
	k.standing.Replace(doc)
	k.digest = digestOf(raw)
	return nil
}

// first takes the document that comes with the device. Where the journal lost the document and kept its version, an
// older one is refused.
func (k *keyring) first(ctx context.Context, raw []byte) error {
	known, err := k.journal.Counter(ctx, counterTrust)
	if err != nil {
		return err
	}
	doc, err := trust.ParseDocument(raw)
	if err != nil {
		return err
	}
	if doc.Version < known {
		return fmt.Errorf("version %d is older than %d, which was used before", doc.Version, known)
	}
	w := journal.Write{Label: "trust", Settings: map[string][]byte{settingTrust: raw}}
	if doc.Version > known {
		w.Raise = map[string]uint64{counterTrust: doc.Version}
	}
	if err := k.journal.Commit(ctx, w); err != nil {
		k.log.Error("cannot note the trust document", "err", err) // it is good all the same
	}
	k.standing.Replace(doc)
	k.digest = digestOf(raw)
	return nil
}

// readLimited reads no more of a file than a trust document may have.
func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > trust.MaxEnvelope {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a file of a trust document's size")}
	}
	return os.ReadFile(path)
}

// digestOf names a document that was parsed: the SHA-256 of its signed payload.
func digestOf(raw []byte) string {
	e, err := trust.ParseEnvelope(raw)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(e.Payload)
	return hex.EncodeToString(sum[:])
}
