package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer: a newer program wrote the database. This one cannot know what its tables mean.
var ErrNewer = errors.New("database was written by a newer program")

// migrate brings the schema up to date: the n-th file of migrations, in the order of their names, makes schema
// n-1 into schema n, each in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB) error {
	names, have, err := schemas(ctx, db)
	if err != nil {
		return err
	}
	for n := have; n < len(names); n++ {
		if err := apply(ctx, db, names[n], n+1); err != nil {
			return fmt.Errorf("cannot apply %s: %w", names[n], err)
		}
	}
	return nil
}

// schemas lists the migrations there are and tells how many of them the database has seen.
func schemas(ctx context.Context, q querier) (names []string, have int, err error) {
	names, err = fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, 0, fmt.Errorf("cannot list migrations: %w", err)
	}
	if err := q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return nil, 0, fmt.Errorf("cannot read schema version: %w", err)
	}
	if have > len(names) {
		return nil, 0, fmt.Errorf("%w: its schema is %d, this program knows %d", ErrNewer, have, len(names))
	}
	return names, have, nil
}

func apply(ctx context.Context, db *sql.DB, name string, version int) error {
	script, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	return inTx(ctx, db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
		return err
	})
}

// querier is what *sql.DB and *sql.Tx have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// inTx runs do in one transaction and leaves nothing of it behind when do fails.
func inTx(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// each calls do for each row of the query.
func each(ctx context.Context, q querier, do func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
