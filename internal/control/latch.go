package control

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"bangtin/internal/journal"
)

// A latching is the way of the fire latch to the disk. It belongs to the mu of its Orders.
type latching struct {
	backlog
	copy *LatchFile // nil for none; saveFire's
	kept *string    // what the journal was given last in this run; saveFire's
}

// KeepCopy gives the fire latch a second place to stand, besides the journal: what either says is latched. It is called
// before Control runs; fire is what the copy said.
func (o *Orders) KeepCopy(f *LatchFile, fire string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.latching.copy = f
	if o.fire == fire {
		return
	}
	o.latching.tell() // one of the two does not know it yet
	if o.fire == "" {
		o.fire = fire
	}
}

// ClearFire lifts the fire latch on a person's word. Whether it is safe is for the caller to check.
//
// It returns when that is on disk, as of any order, or after diskWait where the disk does not take it: then the latch
// is lifted all the same, its record waits in memory, and a restart before it is written finds the display latched
// again, which is the safe side.
func (o *Orders) ClearFire(ctx context.Context, reason, by string) error {
	return o.clearFire(ctx, "fire latch cleared: ", reason, by)
}

// clearFire has record before the reason.
func (o *Orders) clearFire(ctx context.Context, record, reason, by string) error {
	if !reasonable(reason) {
		return errors.New("cannot clear the fire latch without a reason: one line of 1 to 200 bytes")
	}
	entry := journal.Entry{Stamp: o.clock.Stamp(), Kind: journal.KindOrder, Body: journal.Order{
		Source: "local", People: by, Accepted: true, Reason: record + reason,
	}}
	mine := 0
	o.set(func() {
		o.fire = ""
		mine = o.latching.add(entry)
	})
	o.saved(ctx, &o.latching.backlog, mine) // it is lifted either way
	return nil
}

// Fire is why the fire latch is set; empty when it is not.
func (o *Orders) Fire() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fire
}

// latch sets the fire latch in memory at once, so that a broken disk cannot keep a burning panel on. keepFire
// brings it to disk.
func (o *Orders) latch(why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fire != "" {
		return
	}
	o.fire = why
	o.latching.tell()
}

// keepFire writes the latch to disk whenever it was set or lifted, as often as it takes.
func (o *Orders) keepFire(ctx context.Context, log *slog.Logger) error {
	return keepSaving(ctx, o.latching.dirty, o.saveFire, func(err error) { log.Error("cannot write the fire latch", "err", err) })
}

// saveFire writes the latch as it stands now, and who lifted it since. Nobody waits for the copy, which is for when the
// journal cannot be written; but its error is returned, as a lifted latch that still stands there comes back at the next start.
func (o *Orders) saveFire(ctx context.Context) error {
	o.commit.Lock()
	defer o.commit.Unlock()
	o.mu.Lock()
	fire, lifted := o.fire, o.latching.entries
	o.mu.Unlock()
	copied := o.saveCopy(fire)
	if l := &o.latching; l.kept != nil && *l.kept == fire && len(lifted) == 0 {
		return copied // flash wears out
	}
	w := journal.Write{Label: "fire", Entries: lifted, Settings: map[string][]byte{settingFire: nil}}
	if fire != "" {
		raw, err := json.Marshal(fire)
		if err != nil {
			return err
		}
		w.Settings[settingFire] = raw
	}
	if err := o.journal.Commit(ctx, w); err != nil {
		return errors.Join(err, copied)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.latching.kept = &fire
	o.latching.done(len(lifted))
	return copied
}

func (o *Orders) saveCopy(fire string) error {
	if o.latching.copy == nil {
		return nil
	}
	return o.latching.copy.Save(fire)
}
