package wire_test

import (
	"testing"
	"time"

	"bangtin/internal/wire"
)

func TestDark(t *testing.T) {
	at := time.Date(2027, 1, 29, 1, 0, 0, 0, time.UTC)
	lately, long := at.Add(-wire.ReadBackFor), at.Add(-5*time.Hour)
	tests := map[string]struct {
		panel wire.PanelState
		state string
		dark  bool
	}{
		"on and playing":                     {wire.PanelState{Power: "on", VerifiedAt: &lately}, "playing", false},
		"off":                                {wire.PanelState{Power: "off", VerifiedAt: &lately}, "playing", true},
		"warming":                            {wire.PanelState{Power: "warming", VerifiedAt: &lately}, "playing", true},
		"silent panel":                       {wire.PanelState{Power: "unknown", VerifiedAt: &lately, Error: "no answer"}, "playing", true},
		"silent panel, never read":           {wire.PanelState{Power: "unknown", Error: "no answer"}, "playing", true},
		"a panel that cannot be read back":   {wire.PanelState{Power: "unknown"}, "playing", false},
		"on by a reading five hours old":     {wire.PanelState{Power: "on", VerifiedAt: &long}, "playing", true},
		"stalled":                            {wire.PanelState{Power: "on"}, "stalled", true},
		"slate":                              {wire.PanelState{Power: "on"}, "slate", true},
		"unreadable, and the player is down": {wire.PanelState{Power: "unknown"}, "down", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &wire.State{At: at, Panel: tt.panel, Player: wire.PlayerState{State: tt.state}, Want: wire.WantState{Rule: "schedule", Reason: "inside"}}
			if why := s.Dark(); (why != "") != tt.dark {
				t.Errorf("%q", why)
			}
			for code, dark := range map[string]bool{"panel-dark-but-on": true, "no-signal": true, "input-wrong": true, "panel-lit-but-off": tt.dark, "door-open": tt.dark} {
				s.Alarms = []string{"clock-stepped", code}
				if why := s.Dark(); (why != "") != dark {
					t.Errorf("with the alarm %s: %q", code, why)
				}
			}
		})
	}
}
