package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bangtin/internal/sqlfile"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer: a newer program wrote the journal. This one cannot know what its tables mean. Verify fails with it;
// Open sets such a journal aside.
var ErrNewer = sqlfile.ErrNewer

// schema knows the migrations of the journal.
func schema() sqlfile.Migrations { return sqlfile.Migrations{Files: migrations} }

// keepBeforeMigration makes a copy of a journal whose schema is about to be brought up to date, for people and for
// the program before this one; copies from earlier migrations go.
func (j *Journal) keepBeforeMigration(ctx context.Context, have int) error {
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

// checkSchema is for those who only read: the schema must be the one this program writes.
func checkSchema(ctx context.Context, q sqlfile.Querier) error {
	have, known, err := schema().Schema(ctx, q)
	if err == nil && have < known {
		err = fmt.Errorf("its schema is %d, want %d: start the daemon once", have, known)
	}
	return err
}
