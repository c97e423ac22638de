package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer: a newer program wrote the journal. This one cannot know what its tables mean. Verify fails with it;
// Open sets such a journal aside.
var ErrNewer = errors.New("journal was written by a newer program")

// migrate brings the schema up to date: the n-th file of migrations, in the order of their names, makes schema
// n-1 into schema n, each in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB) error {
	names, err := migrationNames()
	if err != nil {
		return err
	}
	have, err := schema(ctx, db)
	if err != nil {
		return err
	}
	if have > len(names) {
		return newer(have, len(names))
	}
	for n := have; n < len(names); n++ {
		if err := apply(ctx, db, names[n], n+1); err != nil {
			return fmt.Errorf("cannot apply %s: %w", names[n], err)
		}
	}
	return nil
}

// keepBeforeMigration makes a copy of a journal whose schema is about to be brought up to date, for people and for
// the program before this one; copies from earlier migrations go.
func (j *Journal) keepBeforeMigration(ctx context.Context, have int) error {
	names, err := migrationNames()
	if err != nil || have >= len(names) {
		return err
	}
	earlier, err := beside(j.path, schemaSuffix)
	if err != nil {
		return err
	}
	kept := fmt.Sprintf("%s%s%d", j.path, schemaSuffix, have)
	if err := j.copyTo(ctx, kept); err != nil {
		return fmt.Errorf("cannot keep a copy: %w", err)
	}
	for _, name := range earlier {
		if name == filepath.Clean(kept) {
			continue
		}
		if err := remove(name); err != nil {
			return err
		}
	}
	return nil
}

// copyTo makes a copy that is complete and durable before it has its name.
func (j *Journal) copyTo(ctx context.Context, path string) error {
	draft := path + draftSuffix
	if err := remove(draft); err != nil {
		return err
	}
	if _, err := j.db.ExecContext(ctx, "VACUUM INTO ?", draft); err != nil {
		return errors.Join(err, remove(draft))
	}
	if err := syncFile(draft); err != nil { // VACUUM INTO does so in some versions of SQLite only
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return syncFolder(path)
}

func migrationNames() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("cannot list migrations: %w", err)
	}
	return names, nil
}

func newer(have, known int) error {
	return fmt.Errorf("%w: its schema is %d, this program knows %d", ErrNewer, have, known)
}

// checkSchema is for those who only read: the schema must be the one this program writes.
func checkSchema(ctx context.Context, q querier) error {
	names, err := migrationNames()
	if err != nil {
		return err
	}
	have, err := schema(ctx, q)
	switch {
	case err != nil:
		return err
	case have > len(names):
		return newer(have, len(names))
	case have < len(names):
		return fmt.Errorf("its schema is %d, want %d: start the daemon once", have, len(names))
	}
	return nil
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

// schema reads the version of the schema; 0 is an empty database.
func schema(ctx context.Context, q querier) (int, error) {
	var version int
	if err := q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("cannot read schema version: %w", err)
	}
	return version, nil
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
