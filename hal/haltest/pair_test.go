package haltest_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/haltest/peer"
	"bangtin/hal/pair"
)

// A liar is a TV's other way, which goes on saying that it is on.
type liar struct{ honest bool }

func (l *liar) SetPower(context.Context, bool) error { return nil }
func (l *liar) Close() error                         { return nil }
func (l *liar) Power(context.Context) (hal.Power, error) {
	if l.honest {
		return hal.PowerOff, nil
	}
	return hal.PowerOn, nil
}

// TestAPairFindsItsWayBack: the line is silent for half a minute and then answers again, slowly, or power only. From then
// on the panel itself counts, also when it goes dark and its other way goes on saying that it is on.
func TestAPairFindsItsWayBack(t *testing.T) {
	for name, c := range map[string]struct {
		fault string
		lag   time.Duration
	}{
		"at once":            {},
		"after 0.5 s":        {lag: 500 * time.Millisecond},
		"after 0.7 s":        {lag: 700 * time.Millisecond},
		"after 1.5 s":        {lag: 1500 * time.Millisecond},
		"power only":         {fault: "only-power"},
		"power, after 0.7 s": {fault: "only-power", lag: 700 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			for _, protocol := range peer.Protocols() {
				t.Run(protocol, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWire(t, peer.Config{Protocol: protocol, ID: 1})
						w.lag = c.lag
						if c.fault != "" {
							w.do(c.fault)
						}
						findsBack(t, w)
					})
				})
			}
		})
	}
}

func findsBack(t *testing.T, w *wire) {
	other := &liar{honest: true}
	p := pair.New(w.driver(t, quiet()), other, slog.New(quiet()))
	defer p.Close()
	p.Power(t.Context()) // the other way says off, as it may in deep standby
	other.honest = false
	p.SetPower(t.Context(), true)
	look(t, p, 2*time.Minute)
	w.do("silent")
	look(t, p, 30*time.Second)
	w.do("no silent")
	look(t, p, 2*time.Minute)
	w.do("lose-power")
	time.Sleep(15 * time.Second)
	readings, wrong, off := 0, 0, 0
	for began := time.Now(); time.Since(began) < 4*time.Hour; time.Sleep(5 * time.Second) {
		power, _ := p.Power(t.Context())
		readings++
		switch power {
		case hal.PowerOn:
			wrong++
		case hal.PowerOff:
			off++
		}
	}
	if wrong > 0 || off < readings*9/10 {
		t.Errorf("%d readings of a dark panel in 4 h: %d on, %d off", readings, wrong, off)
	}
}

func look(t *testing.T, p hal.Panel, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Second) {
		p.Power(t.Context()) // what it says is not judged yet
	}
}
