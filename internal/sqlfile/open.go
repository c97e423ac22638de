// Package sqlfile opens an SQLite file so that what was committed survives a power cut, and brings its schema up to
// date. What stands in it is its users' business.
package sqlfile

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

// PageSize is in bytes. Smaller pages would write less, but several would share one block of the file system and of the
// flash: a power cut in the middle of a block could then destroy pages that are not in the log.
const PageSize = 4096

// busyMillis is how long a write waits for another process, which can only be a person with the sqlite3 tool.
const busyMillis = 5000

// A Mode says what may be done with the file.
type Mode string

const (
	ReadWrite Mode = "rw" // never creates: a missing file must not look like an empty one
	Create    Mode = "rwc"
	ReadOnly  Mode = "ro"
)

// Options describe a file. All but Path and Mode are for writing; zero is SQLite's own default.
type Options struct {
	Path           string
	Mode           Mode
	MaxBytes       int64 // limit of the file's size; a write above it fails and leaves everything as it was
	AutoCheckpoint int   // pages of log before they are brought into the database
	CacheKiB       int
}

// Open describes the one connection; nothing is opened before the first use. A write is in WAL mode with
// synchronous=FULL: when a commit returns, it survives a power cut. Writes and reads take their turn.
func Open(o Options) *sql.DB {
	query := url.Values{"mode": {string(o.Mode)}, "_busy_timeout": {fmt.Sprint(busyMillis)}}
	hook := func(*sqlite3.SQLiteConn) error { return nil }
	if o.Mode == ReadOnly {
		query.Set("_txlock", "deferred")
		query.Set("_query_only", "true")
	} else {
		query.Set("_txlock", "immediate")
		hook = o.prepare
	}
	path := o.Path
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	uri := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db := sql.OpenDB(connector{driver: &sqlite3.SQLiteDriver{ConnectHook: hook}, dsn: uri.String()})
	db.SetMaxOpenConns(1)
	return db
}

// connector opens connections that all carry the pragmas, also when database/sql has to open a second one.
type connector struct {
	driver *sqlite3.SQLiteDriver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// prepare sets the pragmas of a writing connection. The page size is heeded by a new file alone.
func (o Options) prepare(c *sqlite3.SQLiteConn) error {
	pragmas := fmt.Sprintf(`
		PRAGMA page_size = %d;
		PRAGMA journal_mode = WAL;
		PRAGMA synchronous = FULL;
		PRAGMA foreign_keys = ON;
		PRAGMA trusted_schema = OFF`, PageSize)
	for _, p := range []struct {
		name  string
		value int64
	}{
		{"wal_autocheckpoint", int64(o.AutoCheckpoint)},
		// The log is cut to this when a large transaction or a long reader let it grow. What is left is written over, so
		// that a write of ordinary size needs no room on the disk.
		{"journal_size_limit", int64(o.AutoCheckpoint) * 2 * PageSize},
		{"max_page_count", o.MaxBytes / PageSize},
		{"cache_size", -int64(o.CacheKiB)},
	} {
		if p.value != 0 {
			pragmas += fmt.Sprintf(";\nPRAGMA %s = %d", p.name, p.value)
		}
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
