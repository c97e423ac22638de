package control_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
)

// A decaying meter is one of pulses: when they stop, what it tells falls slowly, and is as old as the last of them.
type decaying struct{ rig *sim.Rig }

func (d decaying) Run(ctx context.Context, readings chan<- hal.Reading) error {
	pulse := time.Now()
	for {
		if d.rig.Snapshot().Lit {
			pulse = time.Now()
		}
		watts := 60 * physic.Watt
		if since := time.Since(pulse); since > time.Minute {
			watts = physic.Power(int64(60*time.Minute) / int64(since) * int64(physic.Watt))
		}
		r := hal.Reading{Sensor: sim.MeterSensor, Kind: hal.Meter, Quality: hal.QualityGood, Watts: watts, At: pulse}
		select {
		case readings <- r:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TestDoubtReachesOverWhatIsClosed: whatever else was lost between the last proof and the contradiction, nothing in between
// stays on air.
func TestDoubtReachesOverWhatIsClosed(t *testing.T) {
	freeze := func(s *stage, d time.Duration) {
		s.frozen.Store(true)
		time.Sleep(d)
		s.frozen.Store(false)
	}
	for _, tt := range []struct {
		name  string
		pulse bool
		scene func(*stage)
	}{
		{"pulses that stop, and a player that hangs meanwhile", true, func(s *stage) {
			time.Sleep(10 * time.Minute)
			freeze(s, 8*time.Second)
			time.Sleep(4 * time.Minute)
		}},
		{"the player is down before the contradiction stands", false, func(s *stage) {
			time.Sleep(40 * time.Second)
			freeze(s, 5*time.Minute)
		}},
		{"the panel is silent for a while", false, func(s *stage) {
			time.Sleep(30 * time.Second)
			s.rig.SetPanelFault(sim.Silent, true)
			time.Sleep(25 * time.Second)
			s.rig.SetPanelFault(sim.Silent, false)
			time.Sleep(3 * time.Minute)
		}},
		{"it comes and goes all the time", true, func(s *stage) {
			for range 40 {
				time.Sleep(13 * time.Second)
				freeze(s, 8*time.Second)
			}
			time.Sleep(time.Minute)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, path, at(t, "08:00:00"))
				s.panelOf = func() hal.Panel { return s.rig.Panel() }
				s.config = func(c *control.Config) {
					c.Meter = control.Meter{Lit: 30 * physic.Watt, Dark: 5 * physic.Watt}
					if tt.pulse {
						s.rig.SetSensorFault(sim.MeterSensor, sim.SensorQuiet)
						c.Sensors = append(c.Sensors, decaying{s.rig})
					}
				}
				s.begin()
				time.Sleep(5 * time.Minute)
				before := s.control.State().Airtime
				s.rig.SetPanelFault(sim.Black, true)
				tt.scene(s)
				time.Sleep(20 * time.Second)
				after := s.control.State().Airtime
				if got := after.DeliveredS - before.DeliveredS; got > 1 {
					t.Errorf("%d s stay on air in the dark: %+v", got, after)
				}
				s.end()
				records, err := s.journal.Segments(t.Context(), at(t, "08:00:00").Unix(), at(t, "18:00:00").Unix())
				if err != nil {
					t.Fatal(err)
				}
				total := journal.Tally(records, at(t, "08:00:00").Unix(), at(t, "18:00:00").Unix())
				hb, _, err := s.journal.LastHeartbeat(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if hb.Open.State == journal.OnAir || total.OnAir > before.DeliveredS+1 {
					t.Errorf("in the books %+v are beside the open %+v; %d s were on air before", total, hb.Open, before.DeliveredS)
				}
				s.close()
			})
		})
	}
}

// TestAnyDoubt: what a ledger says in the end of each second, and of the day, is what a list of seconds says.
func TestAnyDoubt(t *testing.T) {
	unverified := control.Status{State: journal.Unverified, Rule: "schedule"}
	states := []control.Status{onAir(), unverified, lost(journal.CausePanelOff), lost(journal.CausePlayerDown)}
	worse := func(a, b control.Status) control.Status {
		rank := func(s control.Status) int {
			return slices.Index([]journal.Airtime{journal.OnAir, journal.Unverified, journal.Lost}, s.State)
		}
		if rank(b) > rank(a) {
			return b
		}
		return a
	}
	for seed := range uint64(200) {
		pick := rand.New(rand.NewPCG(seed, 8))
		start := at(t, "10:55:00") // over the end of the window
		b := newBooks(t, start)
		var seconds []control.Status
		state, voids := onAir(), 0
		for sec := range 400 {
			mono := time.Duration(sec) * time.Second
			if sec > 0 && pick.IntN(20) == 0 {
				from, s := max(0, sec-1-pick.IntN(200)), states[1+pick.IntN(2)]
				b.ledger.Doubt(start.Unix()+int64(from), s)
				for i := from; i < sec; i++ {
					seconds[i] = worse(seconds[i], s)
				}
			}
			if pick.IntN(10) == 0 {
				state = states[pick.IntN(len(states))]
			}
			b.observe(start.Add(mono), mono, state)
			seconds = append(seconds, state)
		}
		for _, s := range b.all() {
			if s.State == journal.Void {
				voids++
			}
		}
		got := map[int64]journal.Segment{}
		for _, s := range journal.Effective(b.all()) {
			for i := s.From; i < s.To; i++ {
				if _, twice := got[i]; twice {
					t.Fatalf("seed %d: second %d is booked twice", seed, i)
				}
				got[i] = s
			}
		}
		onAirS := int64(0)
		for i, want := range seconds[:len(seconds)-1] {
			if i >= 300 {
				want = control.Status{State: journal.Idle}
			}
			if want.State == journal.OnAir {
				onAirS++
			}
			if s := got[start.Unix()+int64(i)]; s.State != want.State || s.Cause != want.Cause {
				t.Fatalf("seed %d: second %d is %s %s, want %s %s", seed, i, s.State, s.Cause, want.State, want.Cause)
			}
		}
		if a := b.ledger.Airtime(); a.DeliveredS != onAirS || a.RequiredS != 300 {
			t.Errorf("seed %d: the day is %+v, want %d s on air", seed, a, onAirS)
		}
		if voids == 0 {
			t.Errorf("seed %d took nothing back", seed)
		}
	}
}
