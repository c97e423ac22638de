package main

import (
	"testing"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

func TestPowerOrderIsAcceptedByTheDisplay(t *testing.T) {
	tests := map[string]struct {
		line  string
		state wire.PowerWish
		until time.Time // zero: none
	}{
		"span":     {"--state off --until +90m", wire.WishOff, morning.Add(90 * time.Minute)},
		"clock":    {"--state blackout --until 2027-01-31T18:00", wire.WishBlackout, time.Date(2027, 1, 31, 11, 0, 0, 0, time.UTC)},
		"RFC 3339": {"--state safe --until 2027-01-31T18:00:00Z", wire.WishSafe, time.Date(2027, 1, 31, 18, 0, 0, 0, time.UTC)},
		"schedule": {"--state schedule", wire.WishSchedule, time.Time{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.trust()
			d.must("power --display tinh-bien-01 --reason bão_số_3 --key @duc.key --out @order.json --trust @trust.json " + tt.line)
			doc, err := trust.ParseDocument(d.read("trust.json"))
			d.check(err)
			v, err := doc.Verify(d.read("order.json"), trust.TypePower)
			d.check(err)
			o, err := wire.ParsePowerOrder(v.Payload)
			d.check(err)
			if o.Device != "tinh-bien-01" || o.Version != uint64(morning.UnixMilli()) || o.State != tt.state || o.Reason != "bão số 3" {
				t.Errorf("order %+v", o)
			}
			if o.Until == nil != tt.until.IsZero() || o.Until != nil && !o.Until.Equal(tt.until) {
				t.Errorf("until %v, want %v", o.Until, tt.until)
			}
		})
	}
}

func TestPowerRefuses(t *testing.T) {
	d := newDesk(t)
	d.trust()
	tests := map[string]struct {
		line string
		code int
		word string
	}{
		"no end":            {"--state off", exitUsage, "--until"},
		"schedule with end": {"--state schedule --until +1h", exitUsage, "--until"},
		"past":              {"--state on --until 2027-01-31T07:59", exitUsage, "is past"},
		"span backwards":    {"--state on --until +-1h", exitUsage, "not a time"},
		"too far":           {"--state on --until 2027-04-01", exitUsage, "31 days"},
		"unknown state":     {"--state dim --until +1h", exitUsage, "blackout"},
		"display":           {"--state schedule --display Tịnh_Biên", exitUsage, "--display"},
		"reason with NUL":   {"--state schedule --reason " + string(make([]byte, 3)), exitFailed, "reason"},
		"not the role":      {"--state schedule --key @an.key", exitFailed, "without the role"},
		"stranger":          {"--state schedule --key @stranger.key", exitFailed, "unknown keys"},
		"no such key":       {"--state schedule --key @none", exitFailed, "@none"},
		"no trust document": {"--state schedule --trust @none", exitFailed, "@none"},
	}
	d.makeKey("stranger", "ai.do", "Ai Đó")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			d.refuses("power --display tinh-bien-01 --reason r --key @duc.key --out @order.json --trust @trust.json "+tt.line, tt.code, tt.word, "remedy")
			if there, err := exists(d.path("order.json")); there || err != nil {
				t.Errorf("an order was written (%v)", err)
			}
		})
	}
}
