package control_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// play runs a scene in a bubble, from 08:00 on.
func play(t *testing.T, scene func(s *stage)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.begin()
		time.Sleep(time.Minute)
		if st := s.control.State(); st.Panel.Power != "on" || st.Player.State != "playing" {
			t.Fatalf("not on air after a minute: %+v", st)
		}
		scene(s)
		s.end()
		s.close()
	})
}

// A new wish that the last reading contradicts is not kept waiting by another reading; one that nothing is known about is.
func TestNewWishGoesFirst(t *testing.T) {
	play(t, func(s *stage) {
		s.panel.take()
		if err := s.orders.Local(s.t.Context(), wire.WishOff, time.Hour, "thử", "root"); err != nil {
			s.t.Fatal(err)
		}
		synctest.Wait()
		if got := s.panel.take(); !slices.Equal(got, []string{"off"}) {
			s.t.Errorf("a panel that was read as on was asked to %v", got)
		}
		time.Sleep(10 * time.Second)
		if got := s.panel.take(); len(got) == 0 || slices.ContainsFunc(got, func(s string) bool { return s != "read" }) {
			s.t.Errorf("then it was asked to %v", got)
		}
		s.rig.SetPanelFault(sim.Silent, true)
		time.Sleep(30 * time.Second)
		s.panel.take()
		if err := s.orders.Local(s.t.Context(), wire.WishSchedule, 0, "xong", "root"); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if got := s.panel.take(); slices.Index(got, "on") < 1 || got[slices.Index(got, "on")-1] != "read" {
			s.t.Errorf("a panel that was silent was asked to %v", got)
		}
		s.rig.SetPanelFault(sim.Silent, false)
	})
}

func TestFaultsHaveTheirCause(t *testing.T) {
	tests := []struct {
		name  string
		fault func(r *sim.Rig)
		mend  func(r *sim.Rig)
		cause journal.Cause
		least int64 // seconds of the ten minutes that must have this cause
	}{
		{"silent panel", func(r *sim.Rig) { r.SetPanelFault(sim.Silent, true) }, func(r *sim.Rig) { r.SetPanelFault(sim.Silent, false) }, journal.CausePanelSilent, 580},
		{"panel that refuses", func(r *sim.Rig) { r.SetPanelFault(sim.Refuses, true) }, func(r *sim.Rig) { r.SetPanelFault(sim.Refuses, false) }, journal.CausePanelRefused, 580},
		{"panel that says yes and stays dark", func(r *sim.Rig) { r.SetPanelFault(sim.Disobeys, true); r.LosePower() }, func(r *sim.Rig) { r.SetPanelFault(sim.Disobeys, false) }, journal.CausePanelOff, 560},
		{"mains", func(r *sim.Rig) { r.SetMains(false) }, func(r *sim.Rig) { r.SetMains(true) }, journal.CauseMainsLost, 599},
		{"smoke", func(r *sim.Rig) { r.SetSmoke(true) }, func(r *sim.Rig) { r.SetSmoke(false) }, journal.CauseSafety, 599},
		{"heat", func(r *sim.Rig) { r.SetTemperature(sim.PanelSensor, physic.ZeroCelsius+80*physic.Celsius) }, func(r *sim.Rig) { r.SetTemperature(sim.PanelSensor, physic.ZeroCelsius+30*physic.Celsius) }, journal.CauseSafety, 599},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			play(t, func(s *stage) {
				before := s.control.State().Airtime
				tt.fault(s.rig)
				time.Sleep(10 * time.Minute)
				tt.mend(s.rig)
				after := s.control.State().Airtime
				// What the last good reading before the fault does not prove is lost as well: up to 5 s.
				if got := s.lost()[tt.cause]; got < tt.least || got > 606 {
					t.Errorf("%d s are lost to %s: %+v", got, tt.cause, after)
				}
				// The state is up to a second old at either end.
				if owed := after.RequiredS - before.RequiredS; owed < 599 || owed > 601 {
					t.Errorf("%d s were owed in ten minutes", owed)
				}
				if tt.cause == journal.CauseSafety {
					return // latched: the next test
				}
				time.Sleep(2 * time.Minute)
				if st := s.control.State(); st.Panel.Power != "on" {
					t.Errorf("not on again two minutes after the fault: %+v", st.Panel)
				}
			})
		})
	}
}

func TestAPanelThatCannotBeReadCountsApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.rig.SetPanelFault(sim.Blind, true)
		s.begin()
		time.Sleep(10 * time.Minute)
		if a := s.control.State().Airtime; a.DeliveredS != 0 || a.UnverifiedS < 590 {
			t.Errorf("airtime is %+v", a)
		}
		s.end()
		s.close()
	})
}

// TestFireIsLatchedThoughTheDiskHangs: smoke, with a journal that does not come back, then a restart, then a person.
func TestFireIsLatchedThoughTheDiskHangs(t *testing.T) {
	play(t, func(s *stage) {
		hang := make(chan struct{})
		s.disk.hung.Store(&hang)
		time.Sleep(2 * time.Minute) // the recorder hangs by now
		s.rig.SetSmoke(true)
		time.Sleep(2 * time.Second)
		if r := s.rig.Snapshot(); r.RelayClosed || r.Panel != hal.PowerOff {
			t.Fatalf("two seconds after the smoke: %s", r)
		}
		s.disk.hung.Store(nil)
		close(hang)
		if err := s.control.ClearFire(s.t.Context(), "thử", "ky.thuat"); err == nil || !strings.Contains(err.Error(), "smoke") {
			t.Errorf("cleared while it smokes: %v", err)
		}
		s.rig.SetSmoke(false)
		time.Sleep(time.Minute)
		if r := s.rig.Snapshot(); r.RelayClosed {
			t.Error("the latch opened by itself")
		}
		s.end()
		s.close()
		s.begin()
		time.Sleep(time.Minute)
		if st := s.control.State(); st.Want.Rule != string(control.RuleFire) || s.rig.Snapshot().RelayClosed {
			t.Errorf("the latch did not survive a restart: %+v", st.Want)
		}
		if err := s.control.ClearFire(s.t.Context(), "đã kiểm tra", "ky.thuat"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if st := s.control.State(); st.Panel.Power != "on" {
			t.Errorf("not on after the latch was cleared: %+v", st)
		}
	})
}

// TestNothingIsForgottenWhileTheDiskIsFull loses the panel while nothing can be written.
func TestNothingIsForgottenWhileTheDiskIsFull(t *testing.T) {
	play(t, func(s *stage) {
		time.Sleep(time.Minute)
		s.disk.full.Store(true)
		for range 20 {
			s.rig.LosePower()
			time.Sleep(3 * time.Minute)
		}
		s.disk.full.Store(false)
		time.Sleep(2 * time.Minute)
		segments, err := s.journal.Segments(s.t.Context(), 0, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		outages := 0
		for i, seg := range segments {
			if i > 0 && seg.From != segments[i-1].To {
				t.Fatalf("segment %v does not follow %v", seg, segments[i-1])
			}
			if seg.Cause == journal.CausePanelOff {
				outages++
			}
		}
		if outages != 20 {
			t.Errorf("%d of 20 outages are in the journal", outages)
		}
	})
}

func TestPowerOrders(t *testing.T) {
	play(t, func(s *stage) {
		until := at(t, "09:00:00")
		obey := func(version uint64, wish wire.PowerWish) error {
			order := wire.PowerOrder{Device: "tinh-bien-01", Version: version, State: wish, Until: &until, Reason: "thử"}
			return s.orders.Power(s.t.Context(), order, control.Signature{People: []string{"truc.ban"}, Digest: string(wish)})
		}
		if err := obey(5, wire.WishOff); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if st := s.control.State(); st.Panel.Power != "off" || st.Want.Rule != "department" {
			t.Fatalf("the order is not obeyed: %+v", st)
		}
		if err := obey(5, wire.WishOff); err != nil {
			t.Errorf("the copy that the broker keeps is refused: %v", err)
		}
		if err := obey(4, wire.WishOn); err == nil {
			t.Error("an older order is accepted")
		}
		if err := obey(5, wire.WishOn); err == nil {
			t.Error("another order of the same version is accepted")
		}
		if err := obey(1<<52, wire.WishOff); err == nil {
			t.Error("a version is accepted that would lock out every later order")
		}
		until = at(t, "09:00:00").AddDate(0, 2, 0)
		if err := obey(6, wire.WishOff); err == nil {
			t.Error("one person may switch a display off for two months")
		}
		until = at(t, "09:00:00")
		s.disk.full.Store(true)
		if err := obey(6, wire.WishOn); err == nil {
			t.Error("an order is accepted that could not be written")
		}
		s.disk.full.Store(false)
		time.Sleep(30 * time.Second)
		if st := s.control.State(); st.Panel.Power != "off" {
			t.Fatalf("a refused order changed something: %+v", st)
		}
		s.end()
		s.close()
		s.begin()
		time.Sleep(30 * time.Second)
		if st := s.control.State(); st.Want.Rule != "department" {
			t.Errorf("the order did not survive a restart: %+v", st.Want)
		}
		time.Sleep(time.Hour)
		if st := s.control.State(); st.Panel.Power != "on" || st.Want.Rule != "schedule" {
			t.Errorf("the order did not end: %+v", st)
		}
	})
}

// TestAnOrderHoldsAsLongAsItsKeys: what a struck key signed binds nobody, before and after a restart, until a standing
// key has signed it too.
func TestAnOrderHoldsAsLongAsItsKeys(t *testing.T) {
	play(t, func(s *stage) {
		var struck sync.Map // the loop reads it
		holds := func(_ string, keys []string) bool {
			return slices.ContainsFunc(keys, func(k string) bool { _, gone := struck.Load(k); return !gone })
		}
		s.orders.Trusting(holds)
		until := at(t, "09:00:00")
		order := wire.PowerOrder{Device: "tinh-bien-01", Version: 5, State: wire.WishOff, Until: &until, Reason: "thử"}
		obey := func(keys ...string) {
			t.Helper()
			if err := s.orders.Power(s.t.Context(), order, control.Signature{People: []string{"truc.ban"}, Keys: keys, Digest: "d"}); err != nil {
				t.Fatal(err)
			}
		}
		rule := func(want string) {
			t.Helper()
			time.Sleep(5 * time.Second)
			if st := s.control.State(); st.Want.Rule != want {
				t.Errorf("by %s, want by %s", st.Want.Rule, want)
			}
		}
		recheck := func() {
			t.Helper()
			if err := s.orders.Recheck(s.t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		obey("old")
		rule("department")
		struck.Store("old", true)
		recheck()
		recheck()
		rule("schedule")
		s.end()
		s.close()
		s.begin()
		s.orders.Trusting(holds)
		rule("schedule")
		obey("old") // the copy that the broker keeps
		rule("schedule")
		s.disk.full.Store(true)
		if err := s.orders.Power(s.t.Context(), order, control.Signature{People: []string{"truc.ban"}, Keys: []string{"new"}, Digest: "d"}); err == nil {
			t.Error("a signature counts that could not be written")
		}
		s.disk.full.Store(false)
		rule("schedule")
		obey("new")
		rule("department")
		s.end()
		s.close()
		s.begin()
		s.orders.Trusting(holds)
		rule("department")
		lapsed := 0
		records, err := s.journal.Pending(s.t.Context(), 10000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if strings.Contains(string(r.Body), `"revoked"`) {
				lapsed++
			}
		}
		if lapsed != 1 {
			t.Errorf("%d records of the lapse, want one in its run", lapsed)
		}
	})
}

// TestAnOrderHoldsInItsRole: the role that an order was signed as is asked for, whatever else its signers may do, today
// and after a restart.
func TestAnOrderHoldsInItsRole(t *testing.T) {
	play(t, func(s *stage) {
		var both atomic.Bool // one of the two of trust also holds power
		both.Store(true)
		holds := func(role string, keys []string) bool {
			return role == "trust" && both.Load() && slices.Equal(keys, []string{"a", "b"}) || role == "" && slices.Contains(keys, "a")
		}
		rule := func(want string) {
			t.Helper()
			s.orders.Trusting(holds)
			time.Sleep(5 * time.Second)
			if st := s.control.State(); st.Want.Rule != want {
				t.Errorf("by %s, want by %s", st.Want.Rule, want)
			}
		}
		args := []byte(`{"state":"blackout","until":null,"reason":"thử"}`)
		c := &wire.Command{ID: "command-1", Counter: uint64(s.now().UnixMilli()), Audience: []string{wire.Everyone}, Kind: wire.DoPower, Args: args}
		by := control.Signature{People: []string{"a", "b"}, Keys: []string{"a", "b"}, Role: "trust", Digest: "d"}
		w := journal.Write{Label: "command.take", Settings: map[string][]byte{}, Raise: map[string]uint64{}}
		if err := s.orders.Command(s.t.Context(), c, by, w); err != nil {
			t.Fatal(err)
		}
		rule("blackout")
		both.Store(false) // b is struck
		rule("schedule")
		s.end()
		s.close()
		s.begin()
		rule("schedule")
		both.Store(true)
		rule("blackout")
	})
}

func TestLocalOverride(t *testing.T) {
	play(t, func(s *stage) {
		for _, bad := range []struct {
			wish   wire.PowerWish
			lasts  time.Duration
			reason string
		}{
			{wire.WishOff, time.Hour, ""}, {wire.WishOff, time.Second, "r"}, {wire.WishOff, 48 * time.Hour, "r"},
			{wire.WishBlackout, time.Hour, "r"}, {wire.WishOff, time.Hour, strings.Repeat("r", 201)},
		} {
			if err := s.orders.Local(s.t.Context(), bad.wish, bad.lasts, bad.reason, "bdbp"); err == nil {
				t.Errorf("%+v is accepted", bad)
			}
		}
		if err := s.orders.Local(s.t.Context(), wire.WishOff, 10*time.Minute, "BĐBP đề nghị", "bdbp"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if st := s.control.State(); st.Panel.Power != "off" || st.Want.Rule != "local" {
			t.Errorf("not off: %+v", st)
		}
		time.Sleep(10 * time.Minute)
		if st := s.control.State(); st.Panel.Power != "on" {
			t.Errorf("did not end: %+v", st)
		}
		if got := s.lost()[journal.CauseLocal]; got < 598 || got > 601 {
			t.Errorf("%d s are lost to the override", got)
		}
	})
}

// TestIncidents: one when it has lasted, one when it is over, and none for what is brief.
func TestIncidents(t *testing.T) {
	play(t, func(s *stage) {
		s.rig.SetPanelFault(sim.Silent, true)
		time.Sleep(30 * time.Second) // brief
		s.rig.SetPanelFault(sim.Silent, false)
		time.Sleep(2 * time.Minute)
		s.rig.SetDoor(true)
		time.Sleep(time.Minute)
		if st := s.control.State(); len(st.Alarms) != 1 || st.Alarms[0] != "door-open" {
			t.Errorf("alarms are %v", st.Alarms)
		}
		s.rig.SetDoor(false)
		for range 500 {
			s.control.Refused("bad-signature", "desired/power")
		}
		time.Sleep(2 * time.Minute)
		records, err := s.journal.Pending(s.t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range records {
			if r.Kind != journal.KindIncident {
				continue
			}
			var inc journal.Incident
			if err := json.Unmarshal(r.Body, &inc); err != nil {
				t.Fatal(err)
			}
			line := inc.Code
			if inc.Over {
				line += " over"
			}
			if inc.Count > 1 {
				line += " counted"
			}
			got = append(got, line)
		}
		if want := "door-open, door-open over, refused-bad-signature counted"; strings.Join(got, ", ") != want {
			t.Errorf("incidents are %v, want %s", got, want)
		}
	})
}

// TestRefusalsOfTheLastMinute: who stops the daemon, or waits for it to be stopped, takes no attack off the record.
func TestRefusalsOfTheLastMinute(t *testing.T) {
	play(t, func(s *stage) {
		time.Sleep(time.Minute)
		for range 3 {
			s.control.Refused("replayed", "cmd/req")
		}
		time.Sleep(5 * time.Second)
		s.end()
		records, err := s.journal.Pending(s.t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		last := records[len(records)-1]
		var inc journal.Incident
		if err := json.Unmarshal(last.Body, &inc); err != nil || last.Kind != journal.KindIncident || inc.Code != "refused-replayed" || inc.Count != 3 {
			t.Errorf("the last record is %s %s, %v", last.Kind, last.Body, err)
		}
		s.close()
		s.begin()
	})
}

func TestPlaysSayWhatThePanelWas(t *testing.T) {
	play(t, func(s *stage) {
		time.Sleep(6 * time.Minute) // one clip of five minutes, seen on a panel that was on
		s.rig.SetMains(false)
		time.Sleep(time.Minute)
		s.rig.SetMains(true)
		time.Sleep(10 * time.Minute)
		records, err := s.journal.Pending(s.t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		var panels []string
		for _, r := range records {
			if r.Kind == journal.KindPlay {
				var p journal.Play
				if err := json.Unmarshal(r.Body, &p); err != nil {
					t.Fatal(err)
				}
				panels = append(panels, p.Panel)
			}
		}
		if len(panels) != 3 || panels[1] != "off" || panels[2] != "on" {
			t.Errorf("the panel was %v", panels)
		}
	})
}

// TestRestartAfterAStepBack: ten minutes fast for twenty minutes, then right. What was written for the seconds that
// were lived twice does not count in the totals of a later run either.
func TestRestartAfterAStepBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:10:00"))
		s.begin()
		time.Sleep(15 * time.Minute)
		s.rig.LosePower() // so that a segment is closed, and written
		time.Sleep(5 * time.Minute)
		s.ahead.Add(-int64(10 * time.Minute))
		time.Sleep(30 * time.Minute)
		s.end()
		s.close()
		s.begin()
		time.Sleep(time.Minute)
		if a := s.control.State().Airtime; a.RequiredS < 41*60-2 || a.RequiredS > 41*60+1 || a.DeliveredS < 40*60 {
			t.Errorf("41 minutes were lived as such, and the totals say %+v", a)
		}
		s.end()
		s.close()
	})
}
