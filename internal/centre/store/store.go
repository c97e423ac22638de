package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/mattn/go-sqlite3"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// What holds where Options does not say otherwise.
const (
	// DefaultDisplays is twice what one machine is meant to carry.
	DefaultDisplays = 10_000

	// DefaultDaily is some fifty times what a display records in a day, so that one that was alone for three months
	// delivers what it kept (256 MiB at most) within a week.
	DefaultDaily = 64 << 20
)

// overhead is what a record or an incident takes beside its text, in bytes, and what it is charged for.
const overhead = 300

// ErrFull: the disk or the file's limit is reached. Nothing was written; the same works again once there is room.
var ErrFull = errors.New("database is full")

// ErrUnfit: a change is nothing that the database can ever take. Nothing of its group was written.
var ErrUnfit = errors.New("change does not fit the database")

// Options says where and how it is kept. Only Path is required.
type Options struct {
	Path     string // of the database; -wal and -shm stand beside it
	MaxBytes int64  // limit of the file; 0 is none but the disk's
	Displays int    // how many displays may have records
	Daily    int64  // bytes that one display may fill in a day (UTC)

	// Fault is called with "begin:", "mid:" and "done:" and the name of the write: before its transaction, just before
	// its COMMIT, and after COMMIT returned. Tests kill the process there. It may be nil.
	Fault func(label string)
}

// A Store is the open database of one centre. Its methods may be called from several goroutines; they wait for each
// other.
type Store struct {
	db    *sql.DB
	o     Options
	heads map[string]*head // by device; only [Store.Write] touches it, which takes the lock
	lock  chan struct{}
}

// A head is where the chain of a display ends, as in its row.
type head struct {
	id, epoch int64
	seq, top  uint64
	hash      journal.Hash
	day       int64
	spent     int64

	run  int64 // of the record before; 0 when it is not known
	boot string
	mono time.Duration
}

// Open opens the database, creating it where there is none, and brings its schema up to date.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Displays <= 0 {
		o.Displays = DefaultDisplays
	}
	if o.Daily <= 0 {
		o.Daily = DefaultDaily
	}
	if o.Fault == nil {
		o.Fault = func(string) {}
	}
	s := &Store{db: openDB(o.Path, sqlfile.Create, o.MaxBytes), o: o, heads: map[string]*head{}, lock: make(chan struct{}, 1)}
	err := schema().Apply(ctx, s.db)
	if err == nil {
		err = s.readHeads(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", o.Path, errors.Join(err, s.db.Close()))
	}
	return s, nil
}

func (s *Store) readHeads(ctx context.Context) error {
	return each(ctx, s.db, func(rows *sql.Rows) error {
		var device string
		var hash []byte
		h := new(head)
		if err := rows.Scan(&h.id, &device, &h.epoch, &h.seq, &hash, &h.top, &h.day, &h.spent); err != nil {
			return err
		}
		var err error
		h.hash, err = hashOf(hash)
		s.heads[device] = h
		return err
	}, "SELECT id, device, epoch, seq, hash, top, day, spent FROM display")
}

// Close waits for a write in progress and closes the database.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("cannot close the database: %w", err)
	}
	return nil
}

// Limit changes the limit of the file; 0 is none but the disk's. A file that is larger stays as it is.
func (s *Store) Limit(ctx context.Context, maxBytes int64) error {
	pages := maxBytes / sqlfile.PageSize
	if maxBytes <= 0 {
		pages = 1<<32 - 2 // SQLite's own
	}
	if _, err := s.db.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		return fmt.Errorf("cannot limit the database: %w", err)
	}
	return nil
}

// A Change is one thing to write: exactly one of its fields is set.
type Change struct {
	Batch    *Batch
	States   []State
	Incident *Incident
	Command  *Command
	Answer   *Answer
	Order    *Order
}

// An Outcome tells what became of a Change. All but Refused and Settled is about batches.
type Outcome struct {
	Refused Refusal // empty when the change was written

	Stored     int // records, those Again among them
	Again      int // records that the display had appended before
	Duplicates int // records that were here
	Gaps       int // stretches of numbers that are missing now
	Replaced   int // chains begun because what came did not follow
	Upto       uint64
	Head       journal.Hash // of record Upto: the last of the batch
	Settled    []Answer     // what records say of commands: of the batch, or earlier ones of the command
	Incidents  []Incident   // that were written with it
}

// A Refusal says why a change was not written. Nothing is wrong with the database then.
type Refusal string

const (
	TooManyDisplays Refusal = "too-many-displays"
	OverBudget      Refusal = "over-budget"
)

// Write writes all changes in one transaction, in their order, or none of them. It returns once they are safe from a
// power cut. The error wraps ErrFull when there is no room.
func (s *Store) Write(ctx context.Context, now time.Time, changes []Change) ([]Outcome, error) {
	select {
	case s.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.lock }()
	label := labelOf(changes)
	s.o.Fault("begin:" + label)
	w := &writing{ctx: ctx, s: s, now: now, heads: map[string]*head{}}
	var outcomes []Outcome
	err := sqlfile.InTx(ctx, s.db, func(tx *sql.Tx) error {
		w.tx = tx
		for _, c := range changes {
			o, err := w.change(c)
			if err != nil {
				return err
			}
			outcomes = append(outcomes, o)
		}
		if err := w.putHeads(); err != nil {
			return err
		}
		s.o.Fault("mid:" + label)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", label, explain(err))
	}
	maps.Copy(s.heads, w.heads)
	s.o.Fault("done:" + label)
	return outcomes, nil
}

// labelOf names a write by the first of its changes.
func labelOf(changes []Change) string {
	if len(changes) == 0 {
		return "nothing"
	}
	switch c := changes[0]; {
	case c.Batch != nil:
		return "batch"
	case c.States != nil:
		return "states"
	case c.Incident != nil:
		return "incident"
	case c.Command != nil:
		return "command"
	case c.Answer != nil:
		return "answer"
	case c.Order != nil:
		return "order"
	}
	return "nothing"
}

// explain gives the errors of the driver that a caller can do something about a name.
func explain(err error) error {
	var sqliteErr sqlite3.Error
	if !errors.As(err, &sqliteErr) {
		return err
	}
	switch sqliteErr.Code {
	case sqlite3.ErrFull:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.ErrConstraint, sqlite3.ErrMismatch, sqlite3.ErrTooBig, sqlite3.ErrRange, sqlite3.ErrError:
		return fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	return err
}

func hashOf(b []byte) (journal.Hash, error) {
	if len(b) != len(journal.Hash{}) {
		return journal.Hash{}, fmt.Errorf("a hash has %d bytes", len(b))
	}
	return journal.Hash(b), nil
}
