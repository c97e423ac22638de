package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"bangtin/internal/journal"
	"bangtin/internal/sqlfile"
)

// Recovered tells what Open had to set aside. Its zero value means that nothing was wrong.
type Recovered struct {
	Aside   string // where the old journal is now; empty when there was none to set aside
	Reason  string // what was wrong with it
	Carried int    // unacknowledged records taken over
	Lost    string // what could not be taken over, for people; empty when nothing is missing
}

// String is one line for the log and journal.Boot; empty when nothing was wrong.
func (r Recovered) String() string {
	if r.Reason == "" {
		return ""
	}
	line := "journal begun anew: " + r.Reason
	if r.Aside != "" {
		line = fmt.Sprintf("journal set aside as %s: %s; %d unacknowledged records taken over", r.Aside, r.Reason, r.Carried)
	}
	if r.Lost != "" {
		line += "; lost: " + r.Lost
	}
	return line
}

// skipAhead is more than the records a device writes between two commits that can both be lost to damage: at
// 2000 a day it is over a year.
const skipAhead = 1 << 20

// resumeAfter is the number after which a new chain begins. It must lie above every number the centre may have
// seen, or two different records would share one. What can be read of the old file is a lower bound, so the new
// chain skips ahead; where nothing can be read, milliseconds since 1970 are more than any device ever wrote.
func resumeAfter(readable uint64, nowMillis int64) uint64 {
	return max(readable+skipAhead, uint64(max(nowMillis, 0)))
}

// replace moves a damaged journal aside and puts a new one into its place that takes over what can be read.
func replace(ctx context.Context, o Options, d *damage) (Recovered, error) {
	s, err := renew(ctx, o, d)
	if err != nil {
		return Recovered{}, err
	}
	suffix := damagedSuffix
	if d.kind == ahead {
		suffix = newerSuffix
	}
	aside, err := moveAside(o.Path, suffix, o.Stamp().Wall)
	if err != nil {
		return Recovered{}, err
	}
	if err := install(o.Path); err != nil {
		return Recovered{}, err
	}
	if err := dropOldest(o.Path, suffix, aside); err != nil {
		o.Log.Warn("old journals set aside stay", "error", err)
	}
	r := Recovered{Aside: aside, Reason: d.reason, Carried: s.carried, Lost: s.lostLine()}
	o.Log.Error("journal begun anew", "aside", r.Aside, "reason", r.Reason, "carried", r.Carried, "lost", r.Lost)
	return r, nil
}

// renew begins a new journal with what can be read of the old one; without its records when these do not fit.
func renew(ctx context.Context, o Options, d *damage) (salvage, error) {
	if d.kind == gone {
		s := salvage{damage: d, lost: []string{"everything"}}
		return s, begin(ctx, o, s, nil)
	}
	old := openDB(o.Path, sqlfile.ReadOnly, 0)
	s := rescue(ctx, old, o, d)
	err := begin(ctx, o, s, old)
	if err != nil && len(s.pending) > 0 {
		s.lose(fmt.Sprintf("%d unacknowledged records", s.carried), err)
		s.pending, s.carried = nil, 0
		err = begin(ctx, o, s, old)
	}
	s.lose("connection", old.Close())
	return s, err
}

// begin builds a new journal with what s holds, completely and durably, as the file with readySuffix; settle
// puts it into its place. The records of s are copied from old, which may be nil when there are none.
func begin(ctx context.Context, o Options, s salvage, old sqlfile.Querier) error {
	draft := o.Path + draftSuffix
	if err := remove(draft); err != nil {
		return err
	}
	if err := build(ctx, o, draft, s, old); err != nil {
		return fmt.Errorf("cannot begin new journal: %w", err)
	}
	if err := os.Rename(draft, o.Path+readySuffix); err != nil {
		return fmt.Errorf("cannot begin new journal: %w", err)
	}
	return syncFolder(o.Path)
}

func build(ctx context.Context, o Options, path string, s salvage, old sqlfile.Querier) (err error) {
	db := openDB(path, sqlfile.Create, o.MaxBytes)
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := schema().Apply(ctx, db); err != nil {
		return err
	}
	err = sqlfile.InTx(ctx, db, func(tx *sql.Tx) error { return s.write(ctx, tx, o, old) })
	if err != nil {
		return err
	}
	// Everything into the one file, and that onto the disk, before it gets its name.
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// write puts what was saved into the new journal, and the chain that says why there is a new one.
func (s salvage) write(ctx context.Context, tx *sql.Tx, o Options, old sqlfile.Querier) error {
	for key, value := range s.settings {
		if err := putSetting(ctx, tx, key, value); err != nil {
			return err
		}
	}
	for name, value := range s.counters {
		if err := putCounter(ctx, tx, name, value); err != nil {
			return err
		}
	}
	if s.heartbeat != "" {
		if err := putHeartbeat(ctx, tx, s.heartbeat); err != nil {
			return err
		}
	}
	stamp := o.Stamp()
	if s.damage == nil {
		return writeState(ctx, tx, state{head: journal.Head{At: stamp.Wall.Unix()}.Sign(o.Key)})
	}
	c := journal.Checkpoint{
		Upto:   resumeAfter(s.seq, stamp.Wall.UnixMilli()),
		At:     stamp.Wall.Unix(),
		Reason: journal.PrunedDamaged,
		Unsent: s.unsent,
	}
	first := journal.Entry{Stamp: stamp, Kind: journal.KindCheckpoint, Body: c.Sign(o.Key)}
	head, err := insert(ctx, tx, journal.Head{Seq: c.Upto}, []journal.Entry{first})
	if err != nil {
		return err
	}
	if head, err = s.copyPending(ctx, old, tx, head); err != nil {
		return err
	}
	last := journal.Entry{Stamp: stamp, Kind: journal.KindIncident, Body: s.incident()}
	if head, err = insert(ctx, tx, head, []journal.Entry{last}); err != nil {
		return err
	}
	return writeState(ctx, tx, state{head: head.Sign(o.Key), acked: c.Upto})
}

func (s salvage) incident() journal.Incident {
	i := journal.Incident{Class: s.damage.kind.class(), Code: string(s.damage.kind), Count: 1}
	i.Detail = "new journal begun: " + s.damage.reason
	if lost := s.lostLine(); lost != "" {
		i.Detail += "; lost: " + lost
	}
	i.Detail = i.Detail[:min(len(i.Detail), 500)]
	return i
}
