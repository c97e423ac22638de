package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A Known is a display that was heard before.
type Known struct {
	Device string
	Heard  time.Time // the last state or record, to a minute or so
}

// Displays lists those that were ever heard.
func (s *Store) Displays(ctx context.Context) ([]Known, error) {
	var found []Known
	err := each(ctx, s.db, func(rows *sql.Rows) error {
		var k Known
		var at int64
		err := rows.Scan(&k.Device, &at)
		k.Heard = time.Unix(at, 0).UTC()
		found = append(found, k)
		return err
	}, `SELECT d.device, max(d.since, coalesce(s.heard, 0), coalesce((SELECT r.heard FROM record r
			WHERE r.display = d.id AND r.seq = d.seq AND r.epoch = d.epoch), 0))
		FROM display d LEFT JOIN state s ON s.display = d.id`)
	if err != nil {
		return nil, fmt.Errorf("cannot list displays: %w", err)
	}
	return found, nil
}

// Live lists, for each display, the commands that can be sent again and have no final status yet, or that of an answer
// which no record has confirmed and which have not expired now. At most limit.
func (s *Store) Live(ctx context.Context, now time.Time, limit int) ([]Command, error) {
	var found []Command
	err := each(ctx, s.db, func(rows *sql.Rows) error {
		var c Command
		var expires int64
		err := rows.Scan(&c.Device, &c.Digest, &c.ID, &c.Counter, &c.Kind, &c.People, &expires, &c.Raw)
		c.Expires = time.Unix(expires, 0).UTC()
		found = append(found, c)
		return err
	}, `SELECT o.device, c.digest, c.id, c.ctr, c.kind, c.people, c.expires, c.raw
		FROM outcome o JOIN command c USING (digest)
		WHERE (o.status IN ('SENT', 'RECEIVED') OR o.source = ? AND o.status NOT IN ('REJECTED', 'EXPIRED') AND c.expires > ?)
		AND c.raw IS NOT NULL ORDER BY c.ctr LIMIT ?`, int(ByAnswer), now.Unix(), limit)
	if err != nil {
		return nil, fmt.Errorf("cannot list live commands: %w", err)
	}
	return found, nil
}
