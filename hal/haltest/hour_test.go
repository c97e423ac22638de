package haltest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/haltest/peer"
)

// An hour is what a keeper sees of a panel that is lit in one: it looks every 5 s, asks the other questions in between,
// and tells the panel to be on whenever it is not read as that.
type hour struct {
	unread   time.Duration // time after a reading that said nothing
	commands int
}

// keep is an hour of a keeper.
func keep(t *testing.T, p hal.Panel) (h hour) {
	t.Helper()
	began := time.Now()
	for i := 0; time.Since(began) < time.Hour; i++ {
		at := time.Now()
		power, _ := p.Power(t.Context())
		if power != hal.PowerOn {
			h.commands++
			p.SetPower(t.Context(), true)
		} else {
			chore(t, p, i)
		}
		time.Sleep(5 * time.Second)
		if power != hal.PowerOn {
			h.unread += time.Since(at)
		}
	}
	return h
}

// chore asks as often as the keeper in internal/control: the signal each 30 s, the temperature and the brightness each
// minute, what is wrong each five.
func chore(t *testing.T, p hal.Panel, i int) {
	ctx := t.Context()
	switch m, isMeter := p.(hal.Diagnoser); {
	case i%6 == 1:
		p.(hal.SignalDetector).Signal(ctx)
	case i%12 == 2:
		p.(hal.Thermometer).Temperature(ctx)
	case i%12 == 3:
		p.(hal.Dimmer).SetBrightness(ctx, 80)
		p.(hal.Dimmer).Brightness(ctx)
	case i%60 == 4 && isMeter:
		m.Diagnose(ctx)
	}
}

// TestAnHour: what a panel does not answer must not hide what it does.
func TestAnHour(t *testing.T) {
	for name, c := range map[string]struct {
		fault string
		lag   time.Duration // of every reply
	}{
		"answers all":        {},
		"answers power only": {fault: "only-power"},
		"after 0.7 s":        {lag: 700 * time.Millisecond},
		"after 1.5 s":        {lag: 1500 * time.Millisecond},
		"power, after 0.7 s": {fault: "only-power", lag: 700 * time.Millisecond},
		"power, after 1.5 s": {fault: "only-power", lag: 1500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			for _, protocol := range peer.Protocols() {
				t.Run(protocol, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWire(t, peer.Config{Protocol: protocol, ID: 1})
						if w.lag = c.lag; c.fault != "" {
							w.do(c.fault)
						}
						p := w.driver(t, quiet())
						defer p.Close()
						h := keep(t, p)
						t.Logf("unread for %v, %d commands", h.unread.Round(time.Second), h.commands)
						if h.unread > time.Minute || h.commands > 1 {
							t.Errorf("unread for %v with %d commands; want at most a minute and one", h.unread, h.commands)
						}
					})
				})
			}
		})
	}
}
