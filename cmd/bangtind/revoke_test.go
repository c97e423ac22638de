package main_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// replaced is a document in which other keys of the same people take the places of the editor's and the power key.
func (w *world) replaced(version uint64, editor, power trust.Key) *trust.Document {
	return w.revised(version, func(d *trust.Document) {
		admit(d, trust.RolePlaylist, trust.DutyEditor, editor)
		admit(d, trust.RolePower, "", power)
		strike(d, w.department.Editor)
		strike(d, w.department.Power)
	})
}

// countersigned is the envelope with one more signature.
func countersigned(t testing.TB, raw []byte, s trust.Signer) []byte {
	t.Helper()
	e, err := trust.ParseEnvelope(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Sign(s); err != nil {
		t.Fatal(err)
	}
	if raw, err = e.Marshal(); err != nil {
		t.Fatal(err)
	}
	return raw
}

// bySchedule is a display without approved content and without orders. The panel may still be warming up.
func bySchedule(st *wire.State) bool {
	return st.Player.State == "slate" && st.Want.Rule == "schedule" && st.Want.Panel == "on"
}

// shows is like playing, with a panel that may still be warming up.
func shows(version uint64) func(*wire.State) bool {
	return func(st *wire.State) bool {
		return st.Player.State == "playing" && strings.HasSuffix(st.Player.Playlist, fmt.Sprintf("@%d", version))
	}
}

// TestRevocationTakesEffectAtOnceAndAfterARestart: what the struck keys signed leaves the screen and binds nobody,
// nothing else signed by them is taken, and the same bytes come back as soon as a standing key signs them too.
func TestRevocationTakesEffectAtOnceAndAfterARestart(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	playlist := s.approved(10)
	s.inbox(playlist)
	first := s.start()
	s.until("on air by the department's order", func(st *wire.State) bool { return playing(10)(st) && st.Want.Rule == "department" })
	oldDocument := s.document()
	editor, editorKey := newKey(t, "editor")
	power, powerKey := newKey(t, "power")
	s.publish("trust", s.sealed(s.replaced(2, editorKey, powerKey)))
	s.until("on the slate, by the schedule", bySchedule)
	s.trusts(2, "desired/trust")
	s.until("it tells the document", func(st *wire.State) bool { return st.TrustVersion == 2 })
	s.decided("the order that lapsed", func(o journal.Order) bool { return !o.Accepted && o.Reason == "revoked" && o.Source == "desired/power" })
	s.replay(oldDocument, 0)
	first.stop()

	before := len(s.records())
	second := s.start()
	s.until("the same after a restart", bySchedule)
	s.replay(oldDocument, before)
	s.until("the same after the replay", bySchedule)
	s.publish("playlist", countersigned(t, playlist, editor))
	s.publish("power", countersigned(t, s.order, power))
	s.until("on air again with the same playlist", shows(10))
	second.stop()

	for _, o := range bodies[journal.Order](t, s.records(), journal.KindOrder) {
		if o.Accepted && (strings.Contains(o.Reason, "kẻ gian") || o.Version > 10) {
			t.Errorf("accepted from a struck key: %+v", o)
		}
	}
	found := bodies[journal.Incident](t, s.verified(), journal.KindIncident)
	if !slices.ContainsFunc(found, func(i journal.Incident) bool { return i.Code == "playlist-unverifiable" }) {
		t.Errorf("no incident tells of the playlist: %v", found)
	}
}

// replay publishes what the struck keys signed, anew and as it was, and the trust document that knew them. Each must
// be refused and recorded, after so many records; a power order is only counted.
func (s *scene) replay(oldDocument []byte, before int) {
	s.t.Helper()
	version := uint64(20 + before) // another one each time
	playlist := s.approved(version)
	s.publish("playlist", playlist)
	s.publish("trust", oldDocument)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	order, err := s.department.PowerOrder(wire.PowerOrder{Device: device, Version: version, State: wire.WishOff, Until: &until, Reason: "kẻ gian"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.publish("power", order)
	s.inbox(playlist)
	s.decidedAfter(before, "the old document", func(o journal.Order) bool {
		return !o.Accepted && o.Source == "desired/trust" && o.Reason == string(trust.Stale)
	})
	s.decidedAfter(before, "the playlist of a struck key", func(o journal.Order) bool {
		return !o.Accepted && o.Source == "inbox" && o.Reason == string(trust.Threshold)
	})
}

// TestTrustDocumentFromAStick needs no network, and what else is on the stick may be signed by its keys.
func TestTrustDocumentFromAStick(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox(w.approved(10))
	r := w.start()
	w.until("on air", shows(10))
	editor, editorKey := newKey(t, "editor")
	_, powerKey := newKey(t, "power")
	next := w.sealed(w.replaced(2, editorKey, powerKey))
	playlist := w.playlist(11, editor, w.department.Approver)
	w.write(playlist, "data", "inbox", "playlist.json")
	w.write(next, "data", "inbox", "trust.json")
	w.until("on air with the new editor's playlist", shows(11))
	w.trusts(2, "inbox")
	gone := func() bool {
		_, err := os.Lstat(w.path("data", "inbox", "trust.json"))
		return errors.Is(err, fs.ErrNotExist)
	}
	for end := time.Now().Add(30 * time.Second); !gone(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the document stays on the stick")
		}
	}
	w.write(next, "data", "inbox", "trust.json") // the same stick again
	for end := time.Now().Add(30 * time.Second); !gone(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the same document is not known again")
		}
	}
	r.stop()
	accepted := 0
	for _, o := range bodies[journal.Order](t, w.verified(), journal.KindOrder) {
		if o.Source == "inbox" && strings.HasPrefix(o.Reason, "trust document") {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("accepted %d times", accepted)
	}
}

// TestTrustDocumentsThatMayNotFollow come over every way; none changes anything, each is recorded.
func TestTrustDocumentsThatMayNotFollow(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	stranger, err := brokertest.NewDepartment()
	if err != nil {
		t.Fatal(err)
	}
	foreign := *stranger.Document
	foreign.Version = 9
	foreignRaw, err := foreign.Seal(stranger.Keepers...)
	if err != nil {
		t.Fatal(err)
	}
	fork := s.sealed(s.revised(5, func(d *trust.Document) { d.Organisation = "Sở khác" }))
	good := s.sealed(s.revised(5, nil))
	half, err := s.revised(6, nil).Seal(s.department.Keepers[0])
	if err != nil {
		t.Fatal(err)
	}
	s.write(good, "data", "trust.json")
	first := s.start()
	s.until("on air", shows(10))
	older := s.document()
	for _, bad := range []struct {
		raw    []byte
		reason trust.Reason
	}{
		{older, trust.Stale}, {fork, "forked"}, {foreignRaw, trust.UnknownKey}, {half, trust.Threshold}, {[]byte("{}"), trust.Malformed},
	} {
		s.publish("trust", bad.raw)
		s.decided(string(bad.reason), func(o journal.Order) bool {
			return !o.Accepted && o.Source == "desired/trust" && o.Reason == string(bad.reason)
		})
	}
	first.stop()
	s.site.broker = "" // the rest needs no network
	for name, bad := range map[string][]byte{"older": older, "forked": fork, "foreign": foreignRaw, "half signed": half} {
		s.write(bad, "data", "trust.json")
		r := s.start()
		s.until("on air, and saying what is wrong: "+name, func(st *wire.State) bool {
			return shows(10)(st) && slices.Contains(st.Alarms, "trust-unusable")
		})
		r.stop()
		if raw, err := os.ReadFile(s.path("data", "trust.json")); err != nil || !bytes.Equal(raw, bad) {
			t.Errorf("%s: the file was changed (%v)", name, err)
		}
	}
	s.write(s.sealed(s.revised(6, nil)), "data", "trust.json")
	last := s.start()
	s.trusts(6, "trust.json")
	s.until("on air without that alarm", func(st *wire.State) bool {
		return shows(10)(st) && !slices.Contains(st.Alarms, "trust-unusable")
	})
	last.stop()
	reasons := map[string]bool{}
	for _, o := range bodies[journal.Order](t, s.verified(), journal.KindOrder) {
		if !o.Accepted && o.Source == "trust.json" {
			reasons[o.Reason] = true
		}
	}
	for _, want := range []trust.Reason{trust.Stale, "forked", trust.UnknownKey, trust.Threshold} {
		if !reasons[string(want)] {
			t.Errorf("no record says %s: %v", want, reasons)
		}
	}
}

// TestKilledWhileATrustDocumentIsTaken: whenever the power is cut, the document is taken once, and what its
// predecessor's keys signed is not shown.
func TestKilledWhileATrustDocumentIsTaken(t *testing.T) {
	for _, label := range []string{"begin:trust.accept#1", "mid:trust.accept#1", "done:trust.accept#1", "begin:playlist.doubt#1"} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.inbox(w.approved(10))
			first := w.start("BANGTIN_TEST_KILL=" + label)
			w.until("on air", shows(10))
			_, editorKey := newKey(t, "editor")
			_, powerKey := newKey(t, "power")
			w.write(w.sealed(w.replaced(2, editorKey, powerKey)), "data", "inbox", "trust.json")
			select {
			case <-first.exited:
			case <-time.After(45 * time.Second):
				t.Fatalf("%s was not reached", label)
			}
			second := w.start()
			w.until("on the slate", bySchedule)
			w.decided("the document", func(o journal.Order) bool { return o.Accepted && strings.HasPrefix(o.Reason, "trust document") })
			second.stop()
			accepted := 0
			for _, o := range bodies[journal.Order](t, w.verified(), journal.KindOrder) {
				if o.Accepted && strings.HasPrefix(o.Reason, "trust document") {
					accepted++
				}
			}
			if accepted != 1 {
				t.Errorf("accepted %d times", accepted)
			}
		})
	}
}

// TestAnOrderWithoutKeysOnRecord: a former version noted none. Such an order does not hold until the broker brings
// it again, with its signatures.
func TestAnOrderWithoutKeysOnRecord(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	first := s.start()
	s.until("by the department's order", func(st *wire.State) bool { return st.Want.Rule == "department" })
	first.stop()
	s.forgetKeys()
	broker := s.site.broker
	s.site.broker = ""
	second := s.start()
	s.until("by the schedule", func(st *wire.State) bool { return shows(10)(st) && st.Want.Rule == "schedule" })
	second.stop()
	s.site.broker = broker
	third := s.start()
	s.until("by the department's order again", func(st *wire.State) bool { return st.Want.Rule == "department" })
	third.stop()
	s.verified()
}

// forgetKeys rewrites the order on disk as a former version kept it.
func (w *world) forgetKeys() {
	w.t.Helper()
	w.setting("control.department", func(raw []byte) []byte {
		var o map[string]any
		if err := json.Unmarshal(raw, &o); err != nil {
			w.t.Fatal(err)
		}
		if o["keys"] == nil {
			w.t.Fatal(fmt.Errorf("no keys are kept: %s", raw))
		}
		delete(o, "keys")
		out, err := json.Marshal(o)
		if err != nil {
			w.t.Fatal(err)
		}
		return out
	})
}

// setting rewrites a setting of the journal while no daemon runs.
func (w *world) setting(key string, change func([]byte) []byte) {
	w.t.Helper()
	db, err := sql.Open("sqlite3", w.path("data", "journal.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var raw []byte
	if err := db.QueryRowContext(w.t.Context(), "SELECT value FROM setting WHERE key = ?", key).Scan(&raw); err != nil {
		w.t.Fatal(err)
	}
	if _, err := db.ExecContext(w.t.Context(), "UPDATE setting SET value = ? WHERE key = ?", change(raw), key); err != nil {
		w.t.Fatal(err)
	}
}
