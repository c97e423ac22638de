package sqlite

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

// Bytes written to storage per write, by BenchmarkWrite on ext4 with 3000 writes each:
//
//	page, autocheckpoint   a play   ten plays   an order   a heartbeat
//	1024, 1000              7,878      18,567      7,941         5,140
//	2048, 1000              9,508      18,932     10,965         6,164
//	4096,  250             13,722      25,147     17,347         8,241
//	4096, 1000             13,552      24,898     17,117         8,212
//	4096, 4000             13,406      24,831     17,045         8,208
//
// Smaller pages would write less, but several would share one block of the file system and of the flash: a power
// cut in the middle of a block could then destroy pages that are not in the log. 2000 plays and 1440 heartbeats
// a day are 39 MB, or 14 GB a year, with every play committed by itself; ten at a time they are 17 MB a day.
const (
	pageSize       = 4096 // bytes
	autoCheckpoint = 1000 // pages of log, 4 MB, before they are brought into the database
)

// maxLog is the size in bytes to which a log is cut that a large transaction or a long reader let grow. What is
// left is written over, so that a write of ordinary size needs no room on the disk.
const maxLog = 2 * autoCheckpoint * pageSize

// busyMillis is how long a write waits for another process, which can only be a person with the sqlite3 tool.
const busyMillis = 5000

type mode string

const (
	readWrite mode = "rw" // never creates: a missing file must not look like an empty journal
	create    mode = "rwc"
	readOnly  mode = "ro"
)

// connector opens connections that all carry the pragmas, also when database/sql has to open a second one.
type connector struct {
	driver *sqlite3.SQLiteDriver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// openDB describes the connection; nothing is opened before the first use. maxBytes is of no meaning to
// readOnly.
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

// prepare sets the pragmas of a writing connection. The page size is heeded by a new file alone.
func prepare(c *sqlite3.SQLiteConn, maxBytes int64) error {
	pragmas := fmt.Sprintf(`
		PRAGMA page_size = %d;
		PRAGMA journal_mode = WAL;
		PRAGMA synchronous = FULL;
		PRAGMA wal_autocheckpoint = %d;
		PRAGMA journal_size_limit = %d;
		PRAGMA max_page_count = %d;
		PRAGMA trusted_schema = OFF`, pageSize, autoCheckpoint, maxLog, maxBytes/pageSize)
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
