package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
)

const (
	pageSize       = 4096     // bytes
	autoCheckpoint = 4000     // pages of log, 16 MB, before they are brought into the database
	cacheKiB       = 64 << 10 // each display writes at a place of its own: 5,000 of them touch 10,000 pages, 40 MB
	busyMillis     = 5000     // for a person with the sqlite3 tool, and for verify
)

type mode string

const (
	readWrite mode = "rwc"
	readOnly  mode = "ro"
)

// connector opens connections that all carry the pragmas, also when database/sql has to open a second one.
type connector struct {
	driver *sqlite3.SQLiteDriver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// openDB describes the connection; nothing is opened before the first use. maxBytes 0 is no limit but SQLite's own.
func openDB(path string, m mode, maxBytes int64) *sql.DB {
	query := url.Values{"mode": {string(m)}, "_busy_timeout": {fmt.Sprint(busyMillis)}}
	hook := func(*sqlite3.SQLiteConn) error { return nil }
	if m == readOnly {
		query.Set("_txlock", "deferred")
		query.Set("_query_only", "true")
	} else {
		query.Set("_txlock", "immediate")
		hook = func(c *sqlite3.SQLiteConn) error { return prepare(c, maxBytes) }
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	uri := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db := sql.OpenDB(connector{driver: &sqlite3.SQLiteDriver{ConnectHook: hook}, dsn: uri.String()})
	db.SetMaxOpenConns(1)
	return db
}

func prepare(c *sqlite3.SQLiteConn, maxBytes int64) error {
	pragmas := fmt.Sprintf(`
		PRAGMA page_size = %d;
		PRAGMA journal_mode = WAL;
		PRAGMA synchronous = FULL;
		PRAGMA wal_autocheckpoint = %d;
		PRAGMA journal_size_limit = %d;
		PRAGMA cache_size = -%d;
		PRAGMA foreign_keys = ON;
		PRAGMA trusted_schema = OFF`, pageSize, autoCheckpoint, 2*autoCheckpoint*pageSize, cacheKiB)
	if maxBytes > 0 {
		pragmas += fmt.Sprintf("; PRAGMA max_page_count = %d", maxBytes/pageSize)
	}
	if _, err := c.Exec(pragmas, nil); err != nil {
		return err
	}
	// What was asked for is not what one gets: a file system without shared memory has no WAL.
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
		got, err := pragmaValue(c, pragma)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("pragma %s is %q, want %q", pragma, got, want)
		}
	}
	return nil
}

func pragmaValue(c *sqlite3.SQLiteConn, pragma string) (value string, err error) {
	rows, err := c.Query("PRAGMA "+pragma, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, 1)
	if err := rows.Next(row); err != nil {
		return "", err
	}
	return fmt.Sprint(row[0]), nil
}
