package fleet_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/fleet"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

func TestOrdersAreObeyedWhenSigned(t *testing.T) {
	r := newRig(t)
	d := r.department
	r.start()
	r.awaitOnline()
	power, playlist := r.topics().DesiredPower(), r.topics().DesiredPlaylist()
	good := must(d.PowerOrder(powerOn(1)))(t)
	altered := slices.Clone(good)
	altered[len(altered)/3] ^= 1
	elsewhere := powerOn(1)
	elsewhere.Device = "other-display"
	endless := powerOn(1)
	endless.Until = nil
	list := []byte(`{"id":"any"}`)
	for _, test := range []struct {
		name    string
		topic   string
		message []byte
		reason  fleet.Reason // of the refusal; any when empty
	}{
		{"unsigned", power, []byte(`{"state":"on"}`), fleet.Reason(trust.Malformed)},
		{"by a stranger", power, must(d.PowerOrder(powerOn(1), d.Stranger))(t), fleet.Reason(trust.UnknownKey)},
		{"by another role", power, must(d.PowerOrder(powerOn(1), d.Collect))(t), fleet.Reason(trust.WrongRole)},
		{"a playlist as a power order", power, must(brokertest.Seal(trust.TypePlaylist, list, d.Editor, d.Approver))(t), fleet.Reason(trust.WrongType)},
		{"altered", power, altered, ""},
		{"for another display", power, must(d.PowerOrder(elsewhere))(t), fleet.WrongDevice},
		{"without end", power, must(d.PowerOrder(endless))(t), fleet.BadOrder},
		{"too long for a power order", power, make([]byte, 20<<10), fleet.Oversized},
		{"playlist by one person", playlist, must(brokertest.Seal(trust.TypePlaylist, list, d.Editor))(t), fleet.Reason(trust.Threshold)},
		{"playlist too long", playlist, make([]byte, wire.MaxOrder+1), fleet.Oversized},
		{"playlist much too long", playlist, make([]byte, 3*wire.MaxOrder), fleet.Oversized},
	} {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			count := func() int {
				if test.reason != "" {
					return r.refusals.of(test.reason, test.topic)
				}
				n := 0
				for _, v := range r.refusals.all() {
					n += v
				}
				return n
			}
			before := count()
			if err := r.centre.Publish(test.topic, false, test.message); err != nil {
				t.Fatal(err)
			}
			r.eventually("refused and counted", func() bool { return count() == before+1 })
		})
	}
	r.t = t
	if err := r.centre.Publish(power, true, nil); err != nil { // deletes what is retained, means nothing
		t.Fatal(err)
	}
	r.publishPower(true, powerOn(2))
	signed := must(brokertest.Seal(trust.TypePlaylist, list, d.Editor, d.Approver))(t)
	if err := r.centre.Publish(playlist, true, signed); err != nil {
		t.Fatal(err)
	}
	r.eventually("good ones are obeyed", func() bool {
		r.orders.mu.Lock()
		defer r.orders.mu.Unlock()
		return len(r.orders.powers) == 1 && len(r.orders.playlists) == 1
	})
	if diff := cmp.Diff([]uint64{2}, r.orders.versions()); diff != "" {
		t.Errorf("power orders obeyed (-want +got):\n%s", diff)
	}
	longest := slices.Concat(signed, bytes.Repeat([]byte(" "), trust.MaxEnvelope-len(signed))) // still the same JSON
	if err := r.centre.Publish(playlist, false, longest); err != nil {
		t.Fatal(err)
	}
	r.eventually("the longest that trust parses is delivered", func() bool {
		r.orders.mu.Lock()
		defer r.orders.mu.Unlock()
		return len(r.orders.playlists) == 2
	})
	if got := r.orders.playlists[0]; string(got) != string(signed) {
		t.Errorf("playlist changed on its way: %q", got)
	}
	if n := len(r.heard().Conns); n != 1 {
		t.Errorf("%d births and wills: the display did not stay connected", n)
	}
}

// The broker brings a retained order at every connect; it is obeyed once.
func TestRetainedOrderIsObeyedOnce(t *testing.T) {
	r := newRig(t)
	line := newLink(t, r.broker.Addr)
	r.config.URL = line.url()
	r.publishPower(true, powerOn(1)) // before the display is there
	r.start()
	r.eventually("obeyed", func() bool { return len(r.orders.versions()) == 1 })
	r.awaitOnline()
	for round := range 3 {
		line.cut()
		r.eventually("connected again", func() bool { return len(r.heard().Conns) >= 3+2*round })
	}
	r.publishPower(true, powerOn(2))
	r.eventually("the next is obeyed", func() bool { return len(r.orders.versions()) == 2 })
	if diff := cmp.Diff([]uint64{1, 2}, r.orders.versions()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Published anew by a person it is brought again: the receiver answers by its version.
	r.publishPower(true, powerOn(2))
	r.eventually("brought again", func() bool { return len(r.orders.versions()) == 3 })
}

// While the journal is slow nothing else stops and nothing is lost.
func TestSlowJournal(t *testing.T) {
	r := newRig(t)
	gate := make(chan struct{})
	r.orders.gate = gate
	r.start()
	r.awaitOnline()
	for v := range uint64(10) {
		r.publishPower(true, powerOn(v+1))
	}
	r.eventually("first order is being committed", func() bool { return r.orders.attempts() == 1 })
	r.remember(5)
	r.eventually("records go out meanwhile", func() bool { return r.depth() == 0 })
	states := len(r.heard().States)
	r.changed <- struct{}{}
	r.eventually("states go out meanwhile", func() bool { return len(r.heard().States) > states })
	close(gate)
	r.eventually("all orders are obeyed", func() bool { return len(r.orders.versions()) == 10 })
	if n := len(r.heard().Conns); n != 1 {
		t.Errorf("%d births and wills: the display did not stay connected", n)
	}
}

// An order that cannot be committed is tried again, also across a reconnect.
func TestJournalOnAFullDisk(t *testing.T) {
	r := newRig(t)
	r.orders.failures = 5
	r.start()
	r.awaitOnline()
	r.publishPower(true, powerOn(7))
	r.eventually("obeyed in the end", func() bool { return len(r.orders.versions()) == 1 })
	if n := r.orders.attempts(); n != 6 {
		t.Errorf("%d attempts, want 6", n)
	}
}

// More orders than there is room for: what was dropped comes again from the broker once there is room.
func TestOverflowIsMadeGood(t *testing.T) {
	r := newRig(t)
	gate := make(chan struct{})
	r.orders.gate = gate
	r.start()
	r.awaitOnline()
	for v := range uint64(60) {
		r.publishQoS0(powerOn(v + 1)) // QoS 1 would stop at the broker's window of 20
	}
	r.publishPower(true, powerOn(1000))
	r.eventually("some are dropped and counted", func() bool {
		return r.refusals.of(fleet.QueueFull, r.topics().DesiredPower()) > 0
	})
	close(gate)
	r.eventually("the retained one is obeyed", func() bool { return slices.Contains(r.orders.versions(), 1000) })
}

// Garbage at a thousand messages a second: the display stays connected, goes on reporting, obeys what is right, and
// counts under few names.
func TestFlood(t *testing.T) {
	r := newRig(t)
	r.start()
	r.awaitOnline()
	topics := []string{r.topics().DesiredPower(), r.topics().DesiredPlaylist(), r.topics().EventsAck()}
	garbage := [][]byte{[]byte("x"), []byte(`{"payloadType":"`), make([]byte, 3000), must(r.department.PowerOrder(powerOn(1), r.department.Stranger))(t)}
	const total = 3000
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for sent := 0; sent < total; {
		<-tick.C
		for range 10 {
			r.centre.Throw(topics[sent%3], garbage[sent%4])
			sent++
		}
		if sent%1000 == 0 {
			r.remember(3)
		}
	}
	r.eventually("outbox is empty", func() bool { return r.depth() == 0 })
	if n := len(r.heard().Conns); n != 1 {
		t.Errorf("%d births and wills: the display did not stay connected", n)
	}
	r.publishPower(true, powerOn(5))
	r.eventually("the right order is obeyed", func() bool { return slices.Contains(r.orders.versions(), 5) })
	counts := r.refusals.all()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	if len(counts) > 15 || sum == 0 {
		t.Errorf("counted under %d names: %v", len(counts), counts)
	}
	t.Logf("%d of %d refused under %d names", sum, total, len(counts))
}

func (r *rig) publishQoS0(order wire.PowerOrder) {
	r.t.Helper()
	r.centre.Throw(r.topics().DesiredPower(), must(r.department.PowerOrder(order))(r.t))
}
