package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"

	"bangtin/internal/sqlfile"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer: a newer program wrote the database. This one cannot know what its tables mean.
var ErrNewer = sqlfile.ErrNewer

func schema() sqlfile.Migrations { return sqlfile.Migrations{Files: migrations} }

// each calls do for each row of the query.
func each(ctx context.Context, q sqlfile.Querier, do func(*sql.Rows) error, query string, args ...any) (err error) {
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
