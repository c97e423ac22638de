package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bangtin/internal/journal"
)

// Trusting has an order of the department hold only while holds says so of the role that it was signed as (empty for
// power) and the keys that signed it. holds is asked at every decision, so it must be quick and must not block. What it denies stays on disk: whether an order holds follows
// from the order and the trust document alone, today and after a restart. An order that was kept by a version which
// noted no keys does not hold until the broker brings it again.
func (o *Orders) Trusting(holds func(role string, keys []string) bool) {
	o.set(func() { o.holds = holds })
}

// Holds reports whether the keys that signed something as this role, empty for power, are still enough for it; true
// before Trusting. Safe for concurrent use.
func (o *Orders) Holds(role string, keys []string) bool {
	o.mu.Lock()
	holds := o.holds
	o.mu.Unlock()
	return holds == nil || holds(role, keys)
}

// signed reports whether the keys that signed an order are still enough. The caller holds mu.
func (o *Orders) signed(order *Override) bool {
	return order == nil || o.holds == nil || o.holds(order.Role, order.Keys)
}

// Recheck is called when the trust document was replaced, and at start: it records an order that would be in force and
// does not hold any more, once in a run, and wakes the decision. An error is the journal's; call it again.
func (o *Orders) Recheck(ctx context.Context) error {
	o.commit.Lock()
	defer o.commit.Unlock()
	o.set(func() {})
	o.mu.Lock()
	order, signed := o.department, o.signed(o.department)
	o.mu.Unlock()
	at := o.clock.Stamp()
	if !order.in(at.Wall) || signed || o.lapsed == order.Digest {
		return nil
	}
	err := o.journal.Commit(ctx, journal.Write{Label: "order.lapse", Entries: []journal.Entry{{
		Stamp: at, Kind: journal.KindOrder, Body: journal.Order{
			Source: counterPower, Digest: order.Digest, People: order.By, Reason: "revoked",
			Evidence: fmt.Sprintf("%s until %s: the keys that signed it are no longer enough", order.State, order.Until.Format(time.RFC3339)),
		},
	}}})
	if err != nil {
		return fmt.Errorf("cannot record that an order lapsed: %w", err)
	}
	o.lapsed = order.Digest
	return nil
}

// countersigned adds the keys of a copy to the order that stands. The caller holds commit.
func (o *Orders) countersigned(ctx context.Context, standing, copied *Override) error {
	keys := slices.Compact(slices.Sorted(slices.Values(slices.Concat(standing.Keys, copied.Keys))))
	if slices.Equal(keys, standing.Keys) {
		return nil
	}
	next := *standing
	next.Keys = keys
	err := o.store(ctx, "order.countersign", settingDepartment, &next, journal.Order{
		Source: counterPower, Digest: next.Digest, People: copied.By, Accepted: true, Reason: "signed by further keys",
	}, o.clock.Stamp())
	if err != nil {
		return err
	}
	o.set(func() { o.department = &next })
	return nil
}
