package sqlite

import (
	"database/sql"

	"bangtin/internal/sqlfile"
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
// Smaller pages share a block of the flash, see sqlfile.PageSize. 2000 plays and 1440 heartbeats
// a day are 39 MB, or 14 GB a year, with every play committed by itself; ten at a time they are 17 MB a day.
const autoCheckpoint = 1000 // pages of log, 4 MB, before they are brought into the database

// openDB describes the connection; nothing is opened before the first use. maxBytes is of no meaning to
// sqlfile.ReadOnly.
func openDB(path string, m sqlfile.Mode, maxBytes int64) *sql.DB {
	return sqlfile.Open(sqlfile.Options{Path: path, Mode: m, MaxBytes: maxBytes, AutoCheckpoint: autoCheckpoint})
}
