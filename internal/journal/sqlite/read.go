package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// Setting returns the value of key, or nil when there is none. An empty value is not nil.
func (j *Journal) Setting(ctx context.Context, key string) ([]byte, error) {
	var value []byte
	err := j.db.QueryRowContext(ctx, "SELECT value FROM setting WHERE key = ?", key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read setting %s: %w", key, explain(err))
	}
	return value, nil
}

// Counter returns the value of a counter; one that was never raised is 0.
func (j *Journal) Counter(ctx context.Context, name string) (uint64, error) {
	return counter(ctx, j.db, name)
}

func counter(ctx context.Context, q sqlfile.Querier, name string) (uint64, error) {
	var value uint64
	err := q.QueryRowContext(ctx, "SELECT value FROM counter WHERE name = ?", name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("cannot read counter %s: %w", name, explain(err))
	}
	return value, nil
}

// LastHeartbeat returns the newest heartbeat; false means that there never was one.
func (j *Journal) LastHeartbeat(ctx context.Context) (journal.Heartbeat, bool, error) {
	var body string
	err := j.db.QueryRowContext(ctx, "SELECT body FROM heartbeat").Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return journal.Heartbeat{}, false, nil
	}
	if err != nil {
		return journal.Heartbeat{}, false, fmt.Errorf("cannot read heartbeat: %w", explain(err))
	}
	var h journal.Heartbeat
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		return journal.Heartbeat{}, false, fmt.Errorf("cannot read heartbeat: %w", err)
	}
	return h, true, nil
}

// Segments returns the recorded segments that share at least one second with [from, to), both in UTC seconds,
// in the order in which they were recorded, those with the state Void among them: journal.Effective and
// journal.Tally need both. They are not cut to the interval. The open segment is not among them.
func (j *Journal) Segments(ctx context.Context, from, to int64) ([]journal.Segment, error) {
	segments, err := j.segments(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("cannot read segments: %w", explain(err))
	}
	return segments, nil
}

func (j *Journal) segments(ctx context.Context, from, to int64) (found []journal.Segment, err error) {
	// The + keeps SQLite from walking the records by their number, all of them, to spare itself the sorting.
	rows, err := j.db.QueryContext(ctx, `SELECT body FROM record
		WHERE kind = 'segment' AND body ->> 'to' > ? AND body ->> 'from' < ?
		ORDER BY +seq`, from, to)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		var s journal.Segment
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	return found, rows.Err()
}

// recentSpan is how many of the newest records Recent looks through: about a month of a display.
const recentSpan = 20000

// Recent returns the newest records of a kind, at most limit, the newest first. It looks no further back than
// recentSpan.
func (j *Journal) Recent(ctx context.Context, kind journal.Kind, limit int) (found []journal.Record, err error) {
	rows, err := j.db.QueryContext(ctx, "SELECT "+recordColumns+` FROM record
		WHERE kind = ? AND seq > (SELECT max(seq) FROM record) - ? ORDER BY seq DESC LIMIT ?`, string(kind), recentSpan, limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read records: %w", explain(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, fmt.Errorf("cannot read records: %w", explain(err))
		}
		found = append(found, r)
	}
	return found, rows.Err()
}
