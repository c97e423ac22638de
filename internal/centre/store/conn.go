package store

import (
	"database/sql"

	"bangtin/internal/sqlfile"
)

const (
	autoCheckpoint = 4000     // pages of log, 16 MB, before they are brought into the database
	cacheKiB       = 64 << 10 // each display writes at a place of its own: 5,000 of them touch 10,000 pages, 40 MB
)

// openDB describes the connection; nothing is opened before the first use. maxBytes 0 is no limit but SQLite's own.
func openDB(path string, m sqlfile.Mode, maxBytes int64) *sql.DB {
	return sqlfile.Open(sqlfile.Options{Path: path, Mode: m, MaxBytes: maxBytes, AutoCheckpoint: autoCheckpoint, CacheKiB: cacheKiB})
}
