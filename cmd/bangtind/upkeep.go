package main

import (
	"context"
	"time"

	"bangtin/internal/journal/sqlite"
)

// upkeepEvery is how often the journal's head is signed and old records are pruned.
const upkeepEvery = 24 * time.Hour

// keepJournal signs the head of the chain at start and daily, and prunes by the default policy. What fails is
// tried again in an hour: neither is urgent.
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
	now := d.clock.Now()
	if _, err := d.journal.SignHead(ctx, now.Unix()); err != nil {
		return err
	}
	for {
		pruned, err := d.journal.Prune(ctx, now, sqlite.DefaultPolicy())
		if err != nil || !pruned.More {
			return err
		}
	}
}
