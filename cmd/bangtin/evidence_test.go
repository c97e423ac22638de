package main

import (
	"testing"
	"time"

	"bangtin/internal/wire"
)

func TestEvidenceInWords(t *testing.T) {
	p := &Program{Now: func() time.Time { return time.Date(2027, 2, 6, 1, 0, 0, 0, time.UTC) }}
	tests := map[string]struct{ raw, want string }{
		"power": {`{"panel":"off","verified_at":"2027-02-06T00:59:58.75Z","rule":"department","why":"off by a until 2027-02-06T03:00:00Z: bão"}`,
			"panel off, read back at 07:59:58, by the department's order, because off by a until 2027-02-06 10:00 +07: bão"},
		"another day":  {`{"panel":"on","verified_at":"2027-02-05T10:00:00Z"}`, "panel on, read back at 2027-02-05 17:00:00 +07"},
		"identify":     {`{"state":"playing","item":"a","text":"Tịnh Biên"}`, "player playing, item a, on the screen: Tịnh Biên"},
		"upload":       {`{"name":"a.jpg","sha256":"00","bytes":29833}`, "left a.jpg at the centre, 30 kB"},
		"playlist":     {`{"playlist":"a@1","missing":2,"first":"00"}`, "a@1, 2 files are missing"},
		"reboot":       {`{"before":"a","after":"b"}`, "the controller has started anew"},
		"error":        {`{"error":"a\u001b[2J"}`, "error: a\uFFFD[2J"},
		"nothing":      {``, "{}"},
		"unknown form": {`{"later": 1}`, `{"later":1}`},
		"no object":    {`[1]`, `[1]`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := p.evidenceWords([]byte(tt.raw)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// A panel that still is as it was before is no sign that the schedule holds.
func TestScheduleIsSeenByThePanel(t *testing.T) {
	taken := time.Date(2027, 2, 6, 1, 0, 0, 0, time.UTC)
	before, after := taken.Add(-time.Second), taken.Add(time.Second)
	tests := map[string]struct {
		rule, want, power string
		read              *time.Time
		seen              bool
	}{
		"as the schedule wants": {"schedule", "on", "on", &after, true},
		"off as it wants":       {"schedule", "off", "off", &after, true},
		"still off":             {"schedule", "on", "off", &after, false},
		"warming":               {"schedule", "on", "warming", &after, false},
		"read before":           {"schedule", "on", "on", &before, false},
		"never read":            {"schedule", "on", "unknown", nil, false},
		"still the order":       {"department", "off", "off", &after, false},
		"overruled on site":     {"local", "off", "off", &after, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := &goal{kind: wire.DoPower, power: wire.WishSchedule}
			s := &wire.State{Panel: wire.PanelState{Power: tt.power, VerifiedAt: tt.read}, Want: wire.WantState{Panel: tt.want, Rule: tt.rule}}
			if _, ok := g.shownBy(s, taken, tt.read); ok != tt.seen {
				t.Errorf("seen: %v", ok)
			}
		})
	}
}

func TestWindowUntilTheEndOfTheDay(t *testing.T) {
	h, err := parseHours([]string{"14:00-24:00"})
	if err != nil {
		t.Fatal(err)
	}
	for clock, inside := range map[string]bool{"13:59": false, "14:00": true, "23:59": true, "00:00": false} {
		at, err := time.Parse("15:04", clock)
		if err != nil {
			t.Fatal(err)
		}
		if h.hold(at) != inside {
			t.Errorf("%s: inside is %v", clock, !inside)
		}
	}
	for _, wrong := range []string{"24:00-24:00", "10:00-24:01", "24:00-10:00", "-24:00"} {
		if _, err := parseHours([]string{wrong}); err == nil {
			t.Errorf("takes %s", wrong)
		}
	}
}
