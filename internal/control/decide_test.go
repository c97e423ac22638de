package control_test

import (
	"strings"
	"testing"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
	"bangtin/media"
)

func schedule(t testing.TB) media.Schedule {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	return media.Schedule{
		Windows: []media.Window{{From: 7 * time.Hour, To: 11 * time.Hour}, {From: 14 * time.Hour, To: 18 * time.Hour}},
		Lead:    90 * time.Second, Zone: zone,
	}
}

func at(t testing.TB, clock string) time.Time {
	t.Helper()
	s := schedule(t)
	when, err := time.ParseInLocation("2006-01-02 15:04:05", "2027-02-06 "+clock, s.Zone) // first day of Tết
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestDecidePrecedence(t *testing.T) {
	noon, morning := at(t, "12:00:00"), at(t, "09:12:00")
	wish := func(w wire.PowerWish) *control.Override {
		return &control.Override{State: w, Until: noon.Add(24 * time.Hour), Reason: "r", By: "b"}
	}
	until := func(w wire.PowerWish, clock string) *control.Override {
		return &control.Override{State: w, Until: at(t, clock), Reason: "r", By: "b"}
	}
	expired := &control.Override{State: wire.WishOff, Until: morning.Add(-time.Second), Reason: "r", By: "b"}
	tests := []struct {
		name       string
		now        time.Time
		trust      journal.TimeTrust
		fire       string
		department *control.Override
		local      *control.Override
		noContent  bool
		panel      bool
		show       control.Show
		relay      bool
		rule       control.Rule
	}{
		{name: "in a window", now: morning, panel: true, show: "programme", relay: true, rule: "schedule"},
		{name: "between windows", now: noon, show: "slate", relay: true, rule: "schedule"},
		{name: "warming up", now: at(t, "06:58:30"), panel: true, show: "programme", relay: true, rule: "schedule"},
		{name: "before warming up", now: at(t, "06:58:29"), show: "slate", relay: true, rule: "schedule"},
		{name: "last second", now: at(t, "10:59:59"), panel: true, show: "programme", relay: true, rule: "schedule"},
		{name: "end", now: at(t, "11:00:00"), show: "slate", relay: true, rule: "schedule"},
		{name: "no content: lit with the slate", now: morning, noContent: true, panel: true, show: "slate", relay: true, rule: "schedule"},
		{name: "unknown time: better lit", now: noon, trust: journal.Untrusted, panel: true, show: "programme", relay: true, rule: "no-time"},
		{name: "department off", now: morning, department: wish(wire.WishOff), show: "slate", relay: true, rule: "department"},
		{name: "department on at noon", now: noon, department: wish(wire.WishOn), panel: true, show: "programme", relay: true, rule: "department"},
		{name: "department's order is over", now: morning, department: expired, panel: true, show: "programme", relay: true, rule: "schedule"},
		{name: "local on lifts department off", now: morning, department: wish(wire.WishOff), local: wish(wire.WishOn), panel: true, show: "programme", relay: true, rule: "local"},
		{name: "off until seven warms up for seven", now: at(t, "06:58:30"), local: until(wire.WishOff, "07:00:00"), panel: true, show: "programme", relay: true, rule: "schedule"},
		{name: "and not before", now: at(t, "06:58:29"), local: until(wire.WishOff, "07:00:00"), show: "slate", relay: true, rule: "local"},
		{name: "the department's too", now: at(t, "06:59:00"), department: until(wire.WishOff, "06:59:30"), panel: true, show: "programme", relay: true, rule: "schedule"},
		{name: "off until a second after seven", now: at(t, "06:59:59"), local: until(wire.WishOff, "07:00:01"), show: "slate", relay: true, rule: "local"},
		{name: "the other still holds", now: at(t, "06:59:00"), local: until(wire.WishOff, "07:00:00"), department: wish(wire.WishOff), show: "slate", relay: true, rule: "department"},
		{name: "a blackout ends when it ends", now: at(t, "06:59:00"), department: until(wire.WishBlackout, "07:00:00"), show: "slate", relay: true, rule: "blackout"},
		{name: "on until seven", now: at(t, "06:59:00"), local: until(wire.WishOn, "07:00:00"), panel: true, show: "programme", relay: true, rule: "local"},
		{name: "off until seven, and nobody knows when that is", now: at(t, "06:59:00"), trust: journal.Untrusted, local: until(wire.WishOff, "07:00:00"), show: "slate", relay: true, rule: "local"},
		{name: "local off", now: morning, department: wish(wire.WishOn), local: wish(wire.WishOff), show: "slate", relay: true, rule: "local"},
		{name: "local on never lifts blackout", now: morning, department: wish(wire.WishBlackout), local: wish(wire.WishOn), show: "slate", relay: true, rule: "blackout"},
		{name: "local off does not lift the safe screen", now: morning, department: wish(wire.WishSafe), local: wish(wire.WishOff), panel: true, show: "slate", relay: true, rule: "safe"},
		{name: "fire above all", now: morning, fire: "smoke", department: wish(wire.WishOn), local: wish(wire.WishOn), show: "slate", rule: "fire"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			trust := tt.trust
			if trust == "" {
				trust = journal.Synchronised
			}
			got := control.Decide(control.Inputs{
				Now: tt.now, Trust: trust, Moment: schedule(t).At(tt.now), Fire: tt.fire,
				Department: tt.department, Local: tt.local, Content: !tt.noContent,
			})
			if got.PanelOn != tt.panel || got.Show != tt.show || got.Relay != tt.relay || got.Rule != tt.rule {
				t.Errorf("got panel %v, show %s, relay %v by %s", got.PanelOn, got.Show, got.Relay, got.Rule)
			}
			if strings.TrimSpace(got.Reason) == "" {
				t.Error("no reason given")
			}
		})
	}
}
