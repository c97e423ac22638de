package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// Journal is what control needs of the journal. A Write is one transaction: all of it or nothing.
type Journal interface {
	Commit(ctx context.Context, w journal.Write) error
	Setting(ctx context.Context, key string) ([]byte, error) // nil when there is none
}

// Settings of the journal that control owns.
const (
	settingDepartment = "control.department"
	settingLocal      = "control.local"
	settingFire       = "control.fire"
	counterPower      = "desired/power"
)

// longestLocal is how long a person on site may override: over a night and the day after it, so that nobody can
// leave a display dark for good.
const longestLocal = 24 * time.Hour

// Orders holds the wishes of people that stand. An accepted one is on disk before anybody is told so; a refused
// one changes nothing. Safe for concurrent use.
type Orders struct {
	journal Journal
	clock   *Clock
	wake    chan struct{}

	commit     sync.Mutex // one acceptance at a time, so that memory and disk agree
	mu         sync.Mutex
	department *Override
	local      *Override
	fire       string
}

// LoadOrders reads what stood when the controller was last running.
func LoadOrders(ctx context.Context, j Journal, clock *Clock) (*Orders, error) {
	o := &Orders{journal: j, clock: clock, wake: make(chan struct{}, 1)}
	for key, into := range map[string]any{settingDepartment: &o.department, settingLocal: &o.local, settingFire: &o.fire} {
		raw, err := j.Setting(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("cannot load the standing orders: %w", err)
		}
		if raw == nil {
			continue
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return nil, fmt.Errorf("cannot read the standing order %s: %w", key, err)
		}
	}
	return o, nil
}

// Power accepts an order of the department to this display whose signatures were verified. It returns nil when the order stands
// on disk or stood already, and a *trust.Refusal when it is not obeyed.
func (o *Orders) Power(ctx context.Context, v *trust.Verified, order wire.PowerOrder) error {
	o.commit.Lock()
	defer o.commit.Unlock()
	people := strings.Join(v.People, ", ")
	next := &Override{State: order.State, Reason: order.Reason, By: people, Digest: v.Digest}
	if order.Until != nil {
		next.Until = *order.Until
	}
	stamp := o.clock.Stamp()
	err := o.store(ctx, "order.power", settingDepartment, next, journal.Order{
		Source: counterPower, Version: order.Version, Digest: v.Digest, People: people, Accepted: true,
		Reason: string(order.State) + ": " + order.Reason,
	}, stamp, map[string]uint64{counterPower: order.Version})
	if errors.Is(err, journal.ErrStale) {
		return o.stale(v.Digest, order.Version)
	}
	if err != nil {
		return err
	}
	o.set(func() { o.department = next })
	return nil
}

// stale tells the copy that the broker keeps, which arrives at every connection, from an older order.
func (o *Orders) stale(digest string, version uint64) error {
	standing, _, _ := o.standing()
	if standing != nil && standing.Digest == digest {
		return nil
	}
	return &trust.Refusal{Reason: trust.Stale, Detail: fmt.Sprintf("version %d is not above that of the order that stands", version)}
}

// Local accepts the wish of a person on site. By is the unix user; reason is required, and so is an end within
// longestLocal.
func (o *Orders) Local(ctx context.Context, wish wire.PowerWish, lasts time.Duration, reason, by string) error {
	switch {
	case wish != wire.WishOn && wish != wire.WishOff && wish != wire.WishSchedule:
		return fmt.Errorf("cannot switch to %q: say on, off or schedule", wish)
	case reason == "" || len(reason) > 200:
		return errors.New("cannot switch without a reason of 1 to 200 bytes")
	case wish != wire.WishSchedule && (lasts < time.Minute || lasts > longestLocal):
		return fmt.Errorf("cannot switch for %s: say 1m to %s", lasts, longestLocal)
	}
	o.commit.Lock()
	defer o.commit.Unlock()
	stamp := o.clock.Stamp()
	next := &Override{State: wish, Until: stamp.Wall.Add(lasts).Truncate(time.Second), Reason: reason, By: by}
	if wish == wire.WishSchedule {
		next = nil
	}
	err := o.store(ctx, "order.local", settingLocal, next, journal.Order{
		Source: "local", People: by, Accepted: true, Reason: string(wish) + ": " + reason,
	}, stamp, nil)
	if err != nil {
		return err
	}
	o.set(func() { o.local = next })
	return nil
}

// ClearFire lifts the fire latch on a person's word. Whether it is safe is for the caller to check.
func (o *Orders) ClearFire(ctx context.Context, reason, by string) error {
	if reason == "" || len(reason) > 200 {
		return errors.New("cannot clear the fire latch without a reason of 1 to 200 bytes")
	}
	o.commit.Lock()
	defer o.commit.Unlock()
	err := o.store(ctx, "order.clear-fire", settingFire, nil, journal.Order{
		Source: "local", People: by, Accepted: true, Reason: "fire latch cleared: " + reason,
	}, o.clock.Stamp(), nil)
	if err != nil {
		return err
	}
	o.set(func() { o.fire = "" })
	return nil
}

// latch sets the fire latch in memory at once, so that a broken disk cannot keep a burning panel on. It reports
// whether it was not set before.
func (o *Orders) latch(why string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fire != "" {
		return false
	}
	o.fire = why
	return true
}

// standing is what Decide needs of the orders.
func (o *Orders) standing() (department, local *Override, fire string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.department, o.local, o.fire
}

func (o *Orders) set(change func()) {
	o.mu.Lock()
	change()
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// store commits a setting and the record of it. A nil override deletes the setting.
func (o *Orders) store(ctx context.Context, label, key string, next *Override, rec journal.Order, at journal.Stamp, raise map[string]uint64) error {
	var raw []byte
	if next != nil {
		var err error
		if raw, err = json.Marshal(next); err != nil {
			return err
		}
	}
	return o.journal.Commit(ctx, journal.Write{
		Label:    label,
		Entries:  []journal.Entry{{Stamp: at, Kind: journal.KindOrder, Body: rec}},
		Settings: map[string][]byte{key: raw},
		Raise:    raise,
	})
}
