package sqlfile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
)

// ErrNewer: a newer program wrote the file. This one cannot know what its tables mean.
var ErrNewer = errors.New("written by a newer program")

// Querier is what *sql.DB and *sql.Tx have in common.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Migrations are the files migrations/*.sql of a folder: the n-th, in the order of their names, makes schema n-1 into
// schema n.
type Migrations struct{ Files fs.FS }

// Schema reads the version of the schema, 0 for an empty file, and how many there are. The error wraps ErrNewer when
// the file has a version that there is not.
func (m Migrations) Schema(ctx context.Context, q Querier) (have, known int, err error) {
	names, err := m.names()
	if err != nil {
		return 0, 0, err
	}
	if err := q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return 0, 0, fmt.Errorf("cannot read schema version: %w", err)
	}
	if have > len(names) {
		return have, len(names), fmt.Errorf("%w: its schema is %d, this program knows %d", ErrNewer, have, len(names))
	}
	return have, len(names), nil
}

// Apply brings the schema up to date, each migration in a transaction of its own.
func (m Migrations) Apply(ctx context.Context, db *sql.DB) error {
	have, _, err := m.Schema(ctx, db)
	if err != nil {
		return err
	}
	names, err := m.names()
	if err != nil {
		return err
	}
	for n := have; n < len(names); n++ {
		if err := m.apply(ctx, db, names[n], n+1); err != nil {
			return fmt.Errorf("cannot apply %s: %w", names[n], err)
		}
	}
	return nil
}

func (m Migrations) names() ([]string, error) {
	names, err := fs.Glob(m.Files, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("cannot list migrations: %w", err)
	}
	return names, nil
}

func (m Migrations) apply(ctx context.Context, db *sql.DB, name string, version int) error {
	script, err := fs.ReadFile(m.Files, name)
	if err != nil {
		return err
	}
	return InTx(ctx, db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
		return err
	})
}

// InTx runs do in one transaction and leaves nothing of it behind when do fails.
func InTx(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
