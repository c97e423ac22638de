package control_test

import (
	"fmt"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/media"
)

func TestClassify(t *testing.T) {
	now := time.Now()
	yes, no := true, false
	silent := fmt.Errorf("cannot read: %w", hal.ErrSilent)
	on := control.PanelSeen{Power: hal.PowerOn, ReadAt: now.Add(-5 * time.Second)}
	blind := control.PanelSeen{Blind: true, Obeyed: true}
	litAt := func(at time.Time) control.Evidence { return control.Evidence{Draw: control.DrawLit, LitAt: at} }
	playing := media.Playing{State: media.PlayerPlaying, At: now}
	programme := control.Want{PanelOn: true, Show: control.ShowProgramme, Rule: control.RuleSchedule}
	tests := []struct {
		name      string
		want      control.Want
		noContent bool
		seen      control.Seen
		state     journal.Airtime
		cause     journal.Cause
	}{
		{"on and playing", programme, false, control.Seen{Panel: on, Player: playing}, journal.OnAir, ""},
		{"blind and obeyed", programme, false, control.Seen{Panel: control.PanelSeen{Blind: true, Obeyed: true}, Player: playing}, journal.Unverified, ""},
		{"blind and not obeyed", programme, false, control.Seen{Panel: control.PanelSeen{Blind: true, Err: silent}, Player: playing}, journal.Lost, journal.CausePanelSilent},
		{"reading too old", programme, false, control.Seen{Panel: control.PanelSeen{Power: hal.PowerOn, ReadAt: now.Add(-16 * time.Second)}, Player: playing}, journal.Lost, journal.CausePanelSilent},
		{"a time-out is not off", programme, false, control.Seen{Panel: control.PanelSeen{Err: silent, ReadAt: now}, Player: playing}, journal.Lost, journal.CausePanelSilent},
		{"never read", programme, false, control.Seen{Player: playing}, journal.Lost, journal.CausePanelStarting},
		{"settling", programme, false, control.Seen{Panel: control.PanelSeen{Power: hal.PowerOff, ReadAt: now, SettlesAt: now.Add(time.Second)}, Player: playing}, journal.Lost, journal.CausePanelStarting},
		{"warming", programme, false, control.Seen{Panel: control.PanelSeen{Power: hal.PowerWarming, ReadAt: now}, Player: playing}, journal.Lost, journal.CausePanelStarting},
		{"refused", programme, false, control.Seen{Panel: control.PanelSeen{Power: hal.PowerOff, ReadAt: now, Err: hal.ErrRefused}, Player: playing}, journal.Lost, journal.CausePanelRefused},
		{"off by itself", programme, false, control.Seen{Panel: control.PanelSeen{Power: hal.PowerOff, ReadAt: now}, Player: playing}, journal.Lost, journal.CausePanelOff},
		{"mains lost, read before", programme, false, control.Seen{Panel: on, Player: playing, Mains: &no, MainsAt: now.Add(-time.Second)}, journal.Lost, journal.CauseMainsLost},
		{"mains lost, still on by a reading after it", programme, false, control.Seen{Panel: on, Player: playing, Mains: &no, MainsAt: now.Add(-time.Minute)}, journal.OnAir, ""},
		{"mains lost, blind", programme, false, control.Seen{Panel: control.PanelSeen{Blind: true, Obeyed: true}, Player: playing, Mains: &no}, journal.Lost, journal.CauseMainsLost},
		{"mains lost by the contact, blind, and lit by the meter since", programme, false, control.Seen{Panel: blind, Player: playing, Mains: &no, MainsAt: now.Add(-time.Minute), Light: litAt(now.Add(-time.Second))}, journal.OnAir, ""},
		{"mains lost, blind, and lit by the meter before", programme, false, control.Seen{Panel: blind, Player: playing, Mains: &no, MainsAt: now.Add(-time.Second), Light: litAt(now.Add(-time.Minute))}, journal.Lost, journal.CauseMainsLost},
		{"mains lost, silent, and lit by the meter since", programme, false, control.Seen{Panel: control.PanelSeen{Err: silent, ReadAt: now.Add(-time.Minute)}, Player: playing, Mains: &no, MainsAt: now.Add(-time.Minute), Light: litAt(now)}, journal.Lost, journal.CauseMainsLost},
		{"mains present", programme, false, control.Seen{Panel: on, Player: playing, Mains: &yes}, journal.OnAir, ""},
		{"no content", programme, true, control.Seen{Panel: on, Player: media.Playing{State: media.PlayerSlate, At: now}}, journal.Lost, journal.CauseNoContent},
		{"stalled", programme, false, control.Seen{Panel: on, Player: media.Playing{State: media.PlayerStalled, At: now}}, journal.Lost, journal.CausePlayerStalled},
		{"down", programme, false, control.Seen{Panel: on, Player: media.Playing{State: media.PlayerDown, At: now}}, journal.Lost, journal.CausePlayerDown},
		{"player not heard of", programme, false, control.Seen{Panel: on, Player: media.Playing{State: media.PlayerPlaying, At: now.Add(-5 * time.Second)}}, journal.Lost, journal.CausePlayerDown},
		{"slate on its way out", programme, false, control.Seen{Panel: on, Player: media.Playing{State: media.PlayerSlate, At: now}}, journal.Lost, journal.CausePlayerStarting},
		{"fire", control.Want{Rule: control.RuleFire}, false, control.Seen{Panel: on, Player: playing}, journal.Lost, journal.CauseSafety},
		{"blackout", control.Want{Rule: control.RuleBlackout}, false, control.Seen{}, journal.Lost, journal.CauseDepartment},
		{"safe screen", control.Want{PanelOn: true, Rule: control.RuleSafe}, false, control.Seen{Panel: on}, journal.Lost, journal.CauseDepartment},
		{"local off", control.Want{Rule: control.RuleLocal}, false, control.Seen{}, journal.Lost, journal.CauseLocal},
		{"department off", control.Want{Rule: control.RuleDepartment}, false, control.Seen{}, journal.Lost, journal.CauseDepartment},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := control.Classify(now, tt.want, !tt.noContent, tt.seen)
			if got.State != tt.state || got.Cause != tt.cause {
				t.Errorf("got %s %s, want %s %s", got.State, got.Cause, tt.state, tt.cause)
			}
		})
	}
}
