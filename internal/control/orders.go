package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// Journal is what control needs of the journal. A Write is one transaction: all of it or nothing.
type Journal interface {
	Commit(ctx context.Context, w journal.Write) error
	Setting(ctx context.Context, key string) ([]byte, error)  // nil when there is none
	Counter(ctx context.Context, name string) (uint64, error) // 0 when there is none
}

// Settings of the journal that control owns.
const (
	settingDepartment = "control.department"
	settingLocal      = "control.local"
	settingFire       = "control.fire"
	settingDesired    = "control.desired" // digest of the desired/power that was accepted last, in hex
	counterPower      = "desired/power"
)

// longestLocal is how long a person on site may override: over a night and the day after it, so that nobody can
// leave a display dark for good.
const longestLocal = 24 * time.Hour

// Orders holds the wishes of people that stand. An accepted one is on disk before anybody is told so, or told not to be
// (ErrUnsaved); a refused one changes nothing. Safe for concurrent use.
type Orders struct {
	journal Journal
	clock   *Clock
	wake    chan struct{}

	commit     sync.Mutex // one acceptance at a time, so that memory and disk agree
	mu         sync.Mutex
	department *Override
	local      *Override
	fire       string
	desired    string // digest of the desired/power that was accepted last
	latching   latching
	began      time.Duration // monotonic time at which this run loaded them
	turned     bool          // the key switch, when it was looked at last
	switched   backlog       // by key and console

	holds  func(role string, keys []string) bool // see Trusting; nil lets every order hold
	lapsed string                                // digest of the order whose lapse this run has recorded; belongs to commit
}

// LoadOrders reads what stood when the controller was last running. One that cannot be read any more is left out
// and logged: a display without it is better than none.
func LoadOrders(ctx context.Context, j Journal, clock *Clock, log *slog.Logger) (*Orders, error) {
	o := &Orders{journal: j, clock: clock, wake: make(chan struct{}, 1), latching: latching{backlog: newBacklog()}, switched: newBacklog(), began: clock.Mono()}
	for key, into := range map[string]any{settingDepartment: &o.department, settingLocal: &o.local, settingFire: &o.fire, settingKey: &o.turned} {
		raw, err := j.Setting(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("cannot load the standing orders: %w", err)
		}
		if raw == nil {
			continue
		}
		if err := json.Unmarshal(raw, into); err != nil {
			log.Error("cannot read a standing order", "key", key, "err", err)
		}
	}
	desired, err := j.Setting(ctx, settingDesired)
	if err != nil {
		return nil, fmt.Errorf("cannot load the standing orders: %w", err)
	}
	o.desired = string(desired)
	return o, nil
}

// A Signature is who stands behind an order, verified before it comes here.
type Signature struct {
	People []string
	Keys   []string // ids of the keys that made good signatures
	Role   string   // whose threshold they reached; empty for power
	Digest string   // SHA-256 of the signed payload, in hex
}

// A Refusal says why an order is not obeyed.
type Refusal struct {
	Reason string // one stable word
	Detail string
}

// tooFarAhead is the Reason that may pass: the time may turn out to be another, and it goes on.
const tooFarAhead = "too-far"

// Final reports whether the same order will never be obeyed.
func (r *Refusal) Final() bool { return r.Reason != tooFarAhead }

func (r *Refusal) Error() string { return "cannot obey: " + r.Detail }

// Power accepts an order of the department to this display whose signatures were verified. It returns nil when the order stands
// on disk or stood already, and a *Refusal when it is not obeyed.
func (o *Orders) Power(ctx context.Context, order wire.PowerOrder, by Signature) error {
	o.commit.Lock()
	defer o.commit.Unlock()
	stamp := o.clock.Stamp()
	if err := tooFar(order, stamp); err != nil {
		return err
	}
	people := strings.Join(by.People, ", ")
	next := &Override{State: order.State, Reason: order.Reason, By: people, Digest: by.Digest, Keys: by.Keys, Role: by.Role}
	if order.Until != nil {
		next.Until = *order.Until
	}
	w, err := override(settingDepartment, next)
	if err != nil {
		return err
	}
	w.Label, w.Raise = "order.power", map[string]uint64{counterPower: order.Version}
	w.Settings[settingDesired] = []byte(by.Digest)
	w.Entries = []journal.Entry{{Stamp: stamp, Kind: journal.KindOrder, Body: journal.Order{
		Source: counterPower, Version: order.Version, Digest: by.Digest, People: people, Accepted: true,
		Reason: string(order.State) + ": " + order.Reason,
	}}}
	err = o.journal.Commit(ctx, w)
	if errors.Is(err, journal.ErrStale) {
		return o.again(ctx, next, order.Version)
	}
	if err != nil {
		return err
	}
	o.set(func() { o.department, o.desired = next, by.Digest })
	return nil
}

// again tells the copy that the broker keeps, which arrives at every connection, from an older order. It stays the copy
// of an accepted order when a command has replaced that since. A copy that further keys have signed is how an order
// outlives the key it was given with.
func (o *Orders) again(ctx context.Context, copied *Override, version uint64) error {
	o.mu.Lock()
	standing, desired := o.department, o.desired
	o.mu.Unlock()
	if standing != nil && standing.Digest == copied.Digest {
		return o.countersigned(ctx, standing, copied)
	}
	if copied.Digest == desired {
		return nil
	}
	return &Refusal{Reason: "stale", Detail: fmt.Sprintf("version %d is not above that of the order that stands", version)}
}

// ErrUnsaved is what a person on site is told whose wish is obeyed, and would be forgotten at a restart before the disk
// takes it.
var ErrUnsaved = errors.New("it is done, and not on disk yet: a restart before it is forgets it")

// Local accepts the wish of a person on site. By is the unix user; reason is required, and so is an end within
// longestLocal. It stands in memory at once, as that of the key does: an emergency waits for no disk. It returns when that
// is on disk, or ErrUnsaved after diskWait.
func (o *Orders) Local(ctx context.Context, wish wire.PowerWish, lasts time.Duration, reason, by string) error {
	switch {
	case wish != wire.WishOn && wish != wire.WishOff && wish != wire.WishSchedule:
		return fmt.Errorf("cannot switch to %q: say on, off or schedule", wish)
	case !reasonable(reason):
		return errors.New("cannot switch without a reason: one line of 1 to 200 bytes")
	case wish != wire.WishSchedule && (lasts < time.Minute || lasts > longestLocal):
		return fmt.Errorf("cannot switch for %s: say 1m to %s", lasts, longestLocal)
	}
	stamp := o.clock.Stamp()
	next := &Override{
		State: wish, Until: stamp.Wall.Add(lasts).Truncate(time.Second), Reason: reason, By: by,
		Boot: stamp.Boot, Ends: stamp.Mono + lasts,
	}
	if wish == wire.WishSchedule {
		next = nil
	}
	entry := journal.Entry{Stamp: stamp, Kind: journal.KindOrder, Body: journal.Order{
		Source: "local", People: by, Accepted: true, Reason: string(wish) + ": " + reason,
	}}
	mine := 0
	o.set(func() {
		o.local = next
		mine = o.switched.add(entry)
	})
	if !o.saved(ctx, &o.switched, mine) {
		return ErrUnsaved
	}
	return nil
}

// standing is what Decide needs of the orders at a moment. A local one lasts as long as was asked, by the monotonic
// clock of the run it was given in. In a later run whose time is not known, a local "off" lapses, as better lit than
// dark; but not that of a key which is still turned: it holds as long as the key does from the beginning of that run.
func (o *Orders) standing(at journal.Stamp) (department, local *Override, fire string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if department = o.department; !o.signed(department) {
		department = nil
	}
	if o.local == nil {
		return department, nil, o.fire
	}
	l := *o.local
	switch {
	case l.Boot == at.Boot:
		l.Until = at.Wall.Add(l.Ends - at.Mono)
	case at.Trust == journal.Untrusted && l.By == byKey && o.turned && l.For > 0: // it is seen to be still turned
		l.Until = at.Wall.Add(l.For - (at.Mono - o.began))
	case at.Trust == journal.Untrusted && l.State == wire.WishOff:
		return department, nil, o.fire
	}
	return department, &l, o.fire
}

// reasonable reports whether a reason may stand in records and states: one line of text.
func reasonable(s string) bool {
	return s != "" && len(s) <= 200 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
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
func (o *Orders) store(ctx context.Context, label, key string, next *Override, rec journal.Order, at journal.Stamp) error {
	w, err := override(key, next)
	if err != nil {
		return err
	}
	w.Label, w.Entries = label, []journal.Entry{{Stamp: at, Kind: journal.KindOrder, Body: rec}}
	return o.journal.Commit(ctx, w)
}

// override is the beginning of a write that makes next stand; nil deletes what stands.
func override(key string, next *Override) (journal.Write, error) {
	var raw []byte
	if next != nil {
		var err error
		if raw, err = json.Marshal(next); err != nil {
			return journal.Write{}, err
		}
	}
	return journal.Write{Settings: map[string][]byte{key: raw}}, nil
}
