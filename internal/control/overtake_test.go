package control_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/wire"
)

// A muser is a panel that thinks for long about what its power is, once when it is asked to.
type muser struct {
	hal.Panel
	muse chan struct{} // one deep: the next reading takes museFor
	hung chan struct{} // told when it has begun

	mu    sync.Mutex
	err   error     // how that reading ended
	ended time.Time // zero: it did not
	told  bool      // on, by the last command
	when  time.Time
}

const museFor = time.Minute

func (p *muser) Power(ctx context.Context) (hal.Power, error) {
	select {
	case <-p.muse:
	default:
		return p.Panel.Power(ctx)
	}
	p.hung <- struct{}{}
	var err error
	select {
	case <-time.After(museFor):
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	p.err, p.ended = err, time.Now()
	p.mu.Unlock()
	if err != nil {
		return hal.PowerUnknown, err
	}
	return p.Panel.Power(ctx)
}

func (p *muser) SetPower(ctx context.Context, on bool) error {
	p.mu.Lock()
	p.told, p.when = on, time.Now()
	p.mu.Unlock()
	return p.Panel.SetPower(ctx, on)
}

// TestAWishEndsTheReading: an order for the panel's power does not wait for an answer that is about the power before it. What
// is no order for the power waits.
func TestAWishEndsTheReading(t *testing.T) {
	order := func(wish wire.PowerWish) func(*stage) {
		return func(s *stage) {
			if err := s.orders.Local(s.t.Context(), wish, time.Hour, "thử", "root"); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	heat := func(s *stage) { s.rig.SetTemperature(sim.CabinetSensor, physic.ZeroCelsius+67*physic.Celsius) }
	for _, tt := range []struct {
		name   string
		before func(*stage)
		event  func(*stage)
		ends   bool
		on     bool // what the panel is told at once
	}{
		{"off, while a lit panel is read", func(*stage) {}, order(wire.WishOff), true, false},
		{"on, while a dark panel is read", order(wire.WishOff), order(wire.WishOn), true, true},
		{"smoke, while a lit panel is read", func(*stage) {}, func(s *stage) { s.rig.SetSmoke(true) }, true, false},
		{"off once more, while a dark panel is read", order(wire.WishOff), order(wire.WishOff), false, false},
		{"too warm, while a lit panel is read", func(*stage) {}, heat, false, false},
		{"too warm and then off, while a lit panel is read", func(*stage) {}, func(s *stage) {
			heat(s)
			synctest.Wait()
			order(wire.WishOff)(s)
		}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, path, at(t, "08:00:00"))
				p := &muser{muse: make(chan struct{}, 1), hung: make(chan struct{})}
				s.panelOf = func() hal.Panel {
					p.Panel = s.rig.Panel()
					return p
				}
				s.config = func(c *control.Config) { c.Relay = nil } // whose feed ends nothing here
				s.begin()
				time.Sleep(time.Minute)
				tt.before(s)
				time.Sleep(time.Minute)
				p.muse <- struct{}{}
				<-p.hung
				time.Sleep(time.Second)
				p.check(t, tt.event, s, tt.ends, tt.on)
				s.end()
				s.close()
			})
		})
	}
}

// check lets the event happen while the panel is read.
func (p *muser) check(t *testing.T, event func(*stage), s *stage, ends, on bool) {
	t.Helper()
	at := time.Now()
	event(s)
	time.Sleep(100 * time.Millisecond) // an exchange with the rig's panel takes 30 ms
	synctest.Wait()
	p.mu.Lock()
	ended, err, told, when := p.ended, p.err, p.told, p.when
	p.mu.Unlock()
	switch {
	case !ends && !ended.IsZero():
		t.Errorf("the reading ended after %v: %v", ended.Sub(at), err)
	case ends && (!ended.Equal(at) || err == nil):
		t.Errorf("the reading ended at %v with %v; the order came at %v", ended, err, at)
	case ends && (told != on || !when.Equal(at)):
		t.Errorf("the panel was told on=%t at %v; the order came at %v", told, when, at)
	}
	time.Sleep(2 * museFor)
	if st := s.control.State(); ends && st.Panel.Power != map[bool]string{true: "on", false: "off"}[on] {
		t.Errorf("two minutes later it is %s", st.Panel.Power)
	}
}
