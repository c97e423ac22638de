package control

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// byKey is who stands behind an override of the key switch: nobody knows whose hand it was.
const byKey = "key-switch"

// settingKey says that the key was turned when it was last looked at, so that a restart takes the same turn for no new one.
const settingKey = "control.key"

func (k Key) check() error {
	switch {
	case k.State == "":
		return nil
	case k.State != wire.WishOn && k.State != wire.WishOff:
		return fmt.Errorf("cannot have a key ask for %q: it asks for on or off", k.State)
	case k.For < time.Minute || k.For > longestLocal:
		return fmt.Errorf("cannot have a key hold for %s: say 1m to %s", k.For, longestLocal)
	}
	return nil
}

// turn takes the position of the key. A turn makes what it asks for stand and replaces what was asked for at the console; turned back, it ends
// its own wish and no other, and so does its time. What stands already, stands: the key is looked at every few seconds.
//
// It stands in memory at once and comes to disk as soon as that takes it: whoever turns a key at the cabinet does not
// read what a console would answer, and after a restart the key is still where it was.
func (o *Orders) turn(turned bool, k Key) {
	stamp := o.clock.Stamp()
	o.mu.Lock()
	defer o.mu.Unlock()
	if turned == o.turned {
		return
	}
	o.turned = turned
	word := "turned back"
	switch {
	case turned:
		word = "turned: " + string(k.State) + " for " + k.For.String()
		o.local = &Override{
			State: k.State, Until: stamp.Wall.Add(k.For).Truncate(time.Second), Reason: "key switch", By: byKey,
			Boot: stamp.Boot, Ends: stamp.Mono + k.For, For: k.For,
		}
	case o.local != nil && o.local.By == byKey:
		o.local = nil
	}
	entry := journal.Entry{Stamp: stamp, Kind: journal.KindOrder, Body: journal.Order{Source: "local", People: byKey, Accepted: true, Reason: word}}
	o.switched.add(entry)
}

// keepLocal brings what people on site switched to disk, as often as it takes.
func (o *Orders) keepLocal(ctx context.Context, log *slog.Logger) error {
	return keepSaving(ctx, o.switched.dirty, o.saveLocal, func(err error) { log.Error("cannot write what was switched on site", "err", err) })
}

// saveLocal writes the key's position and what stands now by it or by the console, with who did what since.
func (o *Orders) saveLocal(ctx context.Context) error {
	o.commit.Lock()
	defer o.commit.Unlock()
	o.mu.Lock()
	turned, local, entries := o.turned, o.local, o.switched.entries
	o.mu.Unlock()
	w, err := override(settingLocal, local)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(turned)
	if err != nil {
		return err
	}
	w.Label, w.Entries, w.Settings[settingKey] = "order.local", entries, raw
	if err := o.journal.Commit(ctx, w); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.switched.done(len(entries))
	return nil
}

// keepSaving saves whenever it is told to, again and again until it is done.
func keepSaving(ctx context.Context, when <-chan struct{}, save func(context.Context) error, failed func(error)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-when:
		}
		for err := save(ctx); err != nil; err = save(ctx) {
			failed(err)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
		}
	}
}
