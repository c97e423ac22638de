package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/mattn/go-sqlite3"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// ErrFull: the disk or the file's hard limit is reached. Nothing was written; the same write works again once
// there is room.
var ErrFull = errors.New("journal is full")

// Commit does all of w in one transaction, or nothing. It returns once w is safe from a power cut. The error
// wraps journal.ErrStale when a counter of w would not rise or fall as it must, ErrFull when there is no room, and, as that of every
// method, journal.ErrDamaged when the file turns out to be damaged.
func (j *Journal) Commit(ctx context.Context, w journal.Write) error {
	err := j.transact(ctx, w.Label, func(tx *sql.Tx) error {
		if err := raise(ctx, tx, w.Raise); err != nil {
			return err
		}
		if err := lower(ctx, tx, w.Lower); err != nil {
			return err
		}
		if err := set(ctx, tx, w.Settings); err != nil {
			return err
		}
		if err := beat(ctx, tx, w.Heartbeat); err != nil {
			return err
		}
		return j.append(ctx, tx, w.Entries)
	})
	if err == nil && len(w.Entries) > 0 {
		select {
		case j.grown <- struct{}{}:
		default:
		}
	}
	return err
}

// Grown tells that Commit has appended records. It is one deep: one value stands for any number.
func (j *Journal) Grown() <-chan struct{} { return j.grown }

// beat overwrites the one heartbeat; a nil one leaves it.
func beat(ctx context.Context, tx *sql.Tx, h *journal.Heartbeat) error {
	if h == nil {
		return nil
	}
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return putHeartbeat(ctx, tx, string(body))
}

func putHeartbeat(ctx context.Context, tx *sql.Tx, body string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO heartbeat (one, body) VALUES (1, ?)
		ON CONFLICT (one) DO UPDATE SET body = excluded.body`, body)
	return err
}

// transact is the way of every write: one transaction, with the three moments at which a test may kill it.
func (j *Journal) transact(ctx context.Context, label string, do func(*sql.Tx) error) error {
	j.fault("begin:" + label)
	err := sqlfile.InTx(ctx, j.db, func(tx *sql.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		j.fault("mid:" + label)
		return nil
	})
	j.fault("done:" + label)
	if err != nil {
		return fmt.Errorf("cannot write %s to journal: %w", label, explain(err))
	}
	return nil
}

// explain gives the errors of the driver that a caller can do something about a name.
func explain(err error) error {
	if isCorrupt(err) {
		return fmt.Errorf("%w: %w", journal.ErrDamaged, err)
	}
	var sqliteErr sqlite3.Error
	if errors.As(err, &sqliteErr) && sqliteErr.Code == sqlite3.ErrFull {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

func raise(ctx context.Context, tx *sql.Tx, counters map[string]uint64) error {
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		to := counters[name]
		if to > math.MaxInt64 {
			return fmt.Errorf("counter %s cannot rise to %d: the largest is %d", name, to, math.MaxInt64)
		}
		from, err := counter(ctx, tx, name)
		if err != nil {
			return err
		}
		if to <= from {
			return fmt.Errorf("%w: %s is %d, not below %d", journal.ErrStale, name, from, to)
		}
		if err := putCounter(ctx, tx, name, to); err != nil {
			return err
		}
	}
	return nil
}

// lower is the way out for a counter that was raised too far.
func lower(ctx context.Context, tx *sql.Tx, counters map[string]uint64) error {
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		to := counters[name]
		from, err := counter(ctx, tx, name)
		if err != nil {
			return err
		}
		if to >= from {
			return fmt.Errorf("%w: %s is %d, not above %d", journal.ErrStale, name, from, to)
		}
		if err := putCounter(ctx, tx, name, to); err != nil {
			return err
		}
	}
	return nil
}

func putCounter(ctx context.Context, tx *sql.Tx, name string, value uint64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO counter (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, int64(value))
	return err
}

func set(ctx context.Context, tx *sql.Tx, settings map[string][]byte) error {
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		value := settings[key]
		if value == nil {
			if _, err := tx.ExecContext(ctx, "DELETE FROM setting WHERE key = ?", key); err != nil {
				return err
			}
			continue
		}
		if err := putSetting(ctx, tx, key, value); err != nil {
			return err
		}
	}
	return nil
}

func putSetting(ctx context.Context, tx *sql.Tx, key string, value []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO setting (key, value) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}
