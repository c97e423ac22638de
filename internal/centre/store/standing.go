package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// An Order is what the department wants of a display until it is replaced, its signatures verified.
type Order struct {
	Device, Subject string
	Version         uint64
	Signatures      int    // good ones
	Digest          string // SHA-256 of Raw, in hex
	Raw             []byte // the envelope, to be repeated as it is; nil where orders are listed
}

// order replaces the one that stood. Whether it may is its caller's to judge.
func (w *writing) order(o *Order) error {
	var old string
	err := w.tx.QueryRowContext(w.ctx, "SELECT digest FROM standing WHERE device = ? AND subject = ?", o.Device, o.Subject).Scan(&old)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := w.exec("INSERT INTO envelope (digest, raw) VALUES (?, ?) ON CONFLICT DO NOTHING", o.Digest, o.Raw); err != nil {
		return err
	}
	if err := w.exec(`INSERT INTO standing (device, subject, version, signatures, digest, heard) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (device, subject) DO UPDATE
		SET version = excluded.version, signatures = excluded.signatures, digest = excluded.digest, heard = excluded.heard`,
		o.Device, o.Subject, int64(o.Version), o.Signatures, o.Digest, w.now.Unix()); err != nil {
		return err
	}
	return w.exec("DELETE FROM envelope WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM standing WHERE digest = ?)", old, old)
}

// Orders lists what stands, without the envelopes.
func (s *Store) Orders(ctx context.Context) ([]Order, error) {
	var found []Order
	err := each(ctx, s.db, func(rows *sql.Rows) error {
		var o Order
		err := rows.Scan(&o.Device, &o.Subject, &o.Version, &o.Signatures, &o.Digest)
		found = append(found, o)
		return err
	}, "SELECT device, subject, version, signatures, digest FROM standing")
	if err != nil {
		return nil, fmt.Errorf("cannot list standing orders: %w", err)
	}
	return found, nil
}

// Envelope is the one with the digest, or nil when there is none.
func (s *Store) Envelope(ctx context.Context, digest string) (raw []byte, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT raw FROM envelope WHERE digest = ?", digest).Scan(&raw)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("cannot read a standing order: %w", err)
	}
	return raw, nil
}
