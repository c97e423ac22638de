package main_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

const desired = "bt/v1/d/" + device + "/desired/"

// newKey makes a key for a person of the department.
func newKey(t testing.TB, person string) (trust.Signer, trust.Key) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return trust.NewSigner(private), trust.NewKey(public, person, person)
}

// revised is a copy of the department's document with a version and a change.
func (w *world) revised(version uint64, change func(*trust.Document)) *trust.Document {
	w.t.Helper()
	raw, err := json.Marshal(w.department.Document)
	if err != nil {
		w.t.Fatal(err)
	}
	d := &trust.Document{}
	if err := json.Unmarshal(raw, d); err != nil {
		w.t.Fatal(err)
	}
	d.Version = version
	if change != nil {
		change(d)
	}
	return d
}

// sealed is the document signed by the department's keepers.
func (w *world) sealed(d *trust.Document) []byte {
	w.t.Helper()
	raw, err := d.Seal(w.department.Keepers...)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// enrol gives a role, with a duty where it has some, to a key.
func admit(d *trust.Document, role trust.Role, duty string, k trust.Key) {
	if _, known := d.Key(k.ID); !known {
		d.Keys = append(d.Keys, k)
	}
	g := d.Roles[role]
	g.Members = append(g.Members, trust.Member{Key: k.ID, Duty: duty})
	d.Roles[role] = g
}

// strike takes a key out of the document.
func strike(d *trust.Document, s trust.Signer) {
	id := trust.KeyID(s.Public())
	d.Keys = slices.DeleteFunc(d.Keys, func(k trust.Key) bool { return k.ID == id })
	for role, g := range d.Roles {
		g.Members = slices.DeleteFunc(g.Members, func(m trust.Member) bool { return m.Key == id })
		d.Roles[role] = g
	}
}

// publish puts a retained message on one of the display's topics.
func (s *scene) publish(topic string, payload []byte) {
	s.t.Helper()
	if err := s.centre.Publish(desired+topic, true, payload); err != nil {
		s.t.Fatal(err)
	}
}

// decided waits for the record of an order with these properties.
func (w *world) decided(what string, ok func(journal.Order) bool) journal.Order {
	w.t.Helper()
	return w.decidedAfter(0, what, ok)
}

// decidedAfter passes over the first so many records.
func (w *world) decidedAfter(records int, what string, ok func(journal.Order) bool) journal.Order {
	w.t.Helper()
	var orders []journal.Order
	for end := time.Now().Add(45 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		orders = bodies[journal.Order](w.t, w.records()[records:], journal.KindOrder)
		if i := slices.IndexFunc(orders, ok); i >= 0 {
			return orders[i]
		}
	}
	w.t.Fatalf("not recorded in 45 s: %s; recorded are %+v", what, orders)
	return journal.Order{}
}

// trusts waits until a trust document was accepted.
func (w *world) trusts(version uint64, source string) {
	w.t.Helper()
	o := w.decided("trust document", func(o journal.Order) bool {
		return o.Accepted && o.Version == version && o.Source == source && strings.HasPrefix(o.Reason, "trust document")
	})
	if o.People != "first, second" {
		w.t.Errorf("accepted from %q", o.People)
	}
}

// TestRotationWithoutADarkMinute goes the way of docs/trust.md: a document that adds the new keys, everything that
// stands signed by them, a document without the old ones. The display is on air throughout, and after a restart.
func TestRotationWithoutADarkMinute(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	first := s.start()
	s.until("on air by the department's order", func(st *wire.State) bool { return playing(10)(st) && st.Want.Rule == "department" })
	editor, editorKey := newKey(t, "editor")
	power, powerKey := newKey(t, "power")
	second := s.revised(2, func(d *trust.Document) {
		admit(d, trust.RolePlaylist, trust.DutyEditor, editorKey)
		admit(d, trust.RolePower, "", powerKey)
	})
	s.publish("trust", s.sealed(second))
	s.trusts(2, "desired/trust")
	s.publish("playlist", s.playlist(11, editor, s.department.Approver))
	s.until("plays what the new editor signed", playing(11))
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	order, err := s.department.PowerOrder(wire.PowerOrder{Device: device, Version: 6, State: wire.WishOn, Until: &until, Reason: "khóa mới"}, power)
	if err != nil {
		t.Fatal(err)
	}
	s.publish("power", order)
	s.until("on air by the new order", func(st *wire.State) bool { return strings.Contains(st.Want.Reason, "khóa mới") })
	third := s.revised(3, func(d *trust.Document) {
		*d = *second
		d.Version = 3
		strike(d, s.department.Editor)
		strike(d, s.department.Power)
	})
	thirdRaw := s.sealed(third)
	s.publish("trust", thirdRaw)
	s.trusts(3, "desired/trust")
	onAir := func(st *wire.State) bool { return playing(11)(st) && st.Want.Rule == "department" }
	s.until("still on air", onAir)
	first.stop()
	s.neverDark()
	again := s.start()
	s.until("on air after a restart", onAir)
	again.stop()
	if raw, err := os.ReadFile(s.path("data", "trust.json")); err != nil || !bytes.Equal(raw, thirdRaw) {
		t.Errorf("the display's file is not the third document (%v)", err)
	}
	s.verified()
}

// neverDark fails where time was lost after the display had first been on air.
func (w *world) neverDark() {
	w.t.Helper()
	lit := false
	for _, g := range bodies[journal.Segment](w.t, w.records(), journal.KindSegment) {
		lit = lit || g.State == journal.OnAir
		if lit && g.State == journal.Lost {
			w.t.Errorf("%d s were lost: %s", g.To-g.From, g.Cause)
		}
	}
}
