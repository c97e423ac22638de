package sqlite

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// DefaultMaxBytes is the hard limit of the file when Options does not name one: twice the size from which on
// DefaultPolicy prunes.
const DefaultMaxBytes = 512 << 20

// minMaxBytes leaves room for the tables and a full batch of Prune.
const minMaxBytes = 256 << 10

// Options says where and how a journal is kept.
type Options struct {
	Path  string               // of the database; -wal and -shm stand beside it
	Key   ed25519.PrivateKey   // the device's journal key, signs heads and checkpoints
	Stamp func() journal.Stamp // stands on the records that the journal writes by itself
	Log   *slog.Logger

	// Expected says that this device had a journal before: its key, which is made first, was there already. A
	// journal that is missing then counts as damaged. A power cut during a device's very first start, between
	// the two, looks the same.
	Expected bool

	// MaxBytes is the hard limit of the file; 0 means DefaultMaxBytes.
	MaxBytes int64

	// Fault is called with "begin:", "mid:" or "done:" and the label of each write: before its transaction,
	// just before its COMMIT, and after COMMIT returned. Tests kill the process there. It may be nil.
	Fault func(label string)
}

func (o Options) validate() error {
	switch {
	case o.Path == "":
		return errors.New("no path")
	case len(o.Key) != ed25519.PrivateKeySize:
		return fmt.Errorf("journal key has %d bytes, want %d", len(o.Key), ed25519.PrivateKeySize)
	case o.Stamp == nil:
		return errors.New("no stamp")
	case o.Log == nil:
		return errors.New("no logger")
	case o.MaxBytes < minMaxBytes:
		return fmt.Errorf("limit of %d bytes is below %d", o.MaxBytes, minMaxBytes)
	}
	return nil
}

// A Journal is the open journal of one device. Its methods may be called from several goroutines; they wait for
// each other. It belongs to one process: the daemon.
type Journal struct {
	db        *sql.DB
	path      string
	key       ed25519.PrivateKey
	stamp     func() journal.Stamp
	log       *slog.Logger
	fault     func(label string)
	recovered Recovered
	grown     chan struct{} // one deep
}

// Open opens the journal, creating it where there is none and none is expected, brings its schema up to date and checks it: it reads
// the whole file once. A journal that is damaged, missing or was written by a newer program does not make Open fail:
// what is there is moved aside and a new one begun, which Recovered tells.
func Open(ctx context.Context, o Options) (*Journal, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Fault == nil {
		o.Fault = func(string) {}
	}
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("cannot open journal: %w", err)
	}
	j, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("cannot open journal %s: %w", o.Path, err)
	}
	return j, nil
}

func open(ctx context.Context, o Options) (*Journal, error) {
	j, err := openExisting(ctx, o)
	var d *damage
	if !errors.As(err, &d) {
		return j, err
	}
	recovered, err := replace(ctx, o, d)
	if err != nil {
		return nil, err
	}
	j, err = openChecked(ctx, o)
	if err != nil {
		return nil, err
	}
	j.recovered = recovered
	return j, nil
}

// openExisting opens the journal that is there, or begins a device's first one.
func openExisting(ctx context.Context, o Options) (*Journal, error) {
	found, err := settle(o.Path, o.Stamp().Wall)
	if err != nil {
		return nil, err
	}
	if !found {
		if o.Expected {
			return nil, &damage{gone, "the database is gone"}
		}
		if err := begin(ctx, o, salvage{}, nil); err != nil {
			return nil, err
		}
		if err := install(o.Path); err != nil {
			return nil, err
		}
	}
	return openChecked(ctx, o)
}

// openChecked opens the file that is there. The error is a *damage when the file must not be used.
func openChecked(ctx context.Context, o Options) (*Journal, error) {
	j := newJournal(o, o.Path)
	err := j.check(ctx)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func newJournal(o Options, path string) *Journal {
	return &Journal{
		grown: make(chan struct{}, 1),
		db:    openDB(path, sqlfile.ReadWrite, o.MaxBytes),
		path:  path,
		key:   o.Key,
		stamp: o.Stamp,
		log:   o.Log,
		fault: o.Fault,
	}
}

// Close waits for a write in progress, brings the log into the database and closes both.
func (j *Journal) Close() error {
	if err := j.db.Close(); err != nil {
		return fmt.Errorf("cannot close journal: %w", err)
	}
	return nil
}

// Recovered tells what Open had to set aside; its zero value means nothing.
func (j *Journal) Recovered() Recovered { return j.recovered }
