package main

import (
	"context"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

// upkeepEvery is how often the journal's head is signed and old records are pruned.
const upkeepEvery = 24 * time.Hour

// keepJournal prunes by the default policy and signs the head of the chain, daily and soon after the start. What
// fails is tried again in an hour: neither is urgent.
func (d *display) keepJournal(ctx context.Context) error {
	for {
		pause := upkeepEvery
		if err := d.upkeep(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			d.log.Error("cannot keep the journal in order", "err", err)
			pause = time.Hour
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (d *display) upkeep(ctx context.Context) error {
	at := d.clock.Stamp()
	policy := sqlite.DefaultPolicy()
	if at.Trust != journal.Synchronised && at.Trust != journal.Signed {
		policy.Age = 0 // a clock in 2099 would find every record old
	}
	for {
		pruned, err := d.journal.Prune(ctx, at.Wall, policy)
		if err != nil {
			return err
		}
		if !pruned.More {
			break
		}
	}
	_, err := d.journal.SignHead(ctx, at.Wall.Unix())
	return err
}
