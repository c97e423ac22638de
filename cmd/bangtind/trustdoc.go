package main

import (
	"context"
	"fmt"
	"os"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
)

const (
	// counterTrust is the highest version of a trust document that this display has gone by.
	counterTrust = "trust"
	// settingTrust is that document.
	settingTrust = "trust"
)

// loadTrust reads the trust document. Where the file is missing, damaged, or older than what this display has gone by
// before, because somebody put back a key that was revoked, the newest one it has gone by is used. With none at all
// nobody is obeyed and nothing is approved; the display runs and says so. An error is the journal's.
func (d *display) loadTrust(ctx context.Context) (*trust.Document, error) {
	known, err := d.journal.Counter(ctx, counterTrust)
	if err != nil {
		return nil, err
	}
	raw, doc, err := readTrust(d.path(trustFile), known)
	if err != nil {
		d.degrade("trust-unusable", err)
		return d.lastTrust(ctx)
	}
	if doc.Version > known {
		err = d.journal.Commit(ctx, journal.Write{
			Label: "trust", Raise: map[string]uint64{counterTrust: doc.Version}, Settings: map[string][]byte{settingTrust: raw},
		})
	}
	if err != nil {
		d.log.Error("cannot note the trust document", "err", err) // it is good all the same
	}
	return doc, nil
}

func readTrust(path string, known uint64) (raw []byte, doc *trust.Document, err error) {
	if raw, err = os.ReadFile(path); err != nil {
		return nil, nil, fmt.Errorf("cannot read the trust document: %w", err)
	}
	if doc, err = trust.ParseDocument(raw); err != nil {
		return nil, nil, fmt.Errorf("cannot use the trust document %s: %w", path, err)
	}
	if doc.Version < known {
		return nil, nil, fmt.Errorf("cannot use the trust document %s: version %d is older than %d, which was used before", path, doc.Version, known)
	}
	return raw, doc, nil
}

// lastTrust is the newest document this display has gone by, else one that trusts nobody.
func (d *display) lastTrust(ctx context.Context) (*trust.Document, error) {
	raw, err := d.journal.Setting(ctx, settingTrust)
	if err != nil || raw == nil {
		return &trust.Document{}, err
	}
	doc, err := trust.ParseDocument(raw)
	if err != nil {
		d.log.Error("cannot use the trust document of the journal", "err", err)
		return &trust.Document{}, nil
	}
	return doc, nil
}
