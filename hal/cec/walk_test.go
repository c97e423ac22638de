package cec_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/cec"
)

// TestNoWrongConclusions walks at random over commands, the remote, faults and losses, and compares each conclusion with
// the picture. A TV that is switched by its remote tells of it late and warns of a standby alone; what it cannot know
// of a picture that came or went within the last two seconds is not held against the driver.
func TestNoWrongConclusions(t *testing.T) {
	steps, seen := 0, map[hal.Power]int{}
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			w := walker{dice: rand.New(rand.NewPCG(seed, 7)), bus: cec.NewBus()}
			p := cec.NewOn(w.bus, cec.Config{})
			for range 1000 {
				steps++
				w.step(t, p)
				seen[w.conclude(t, p, seed)]++
			}
			p.Close() // never fails
			time.Sleep(time.Minute)
		})
	}
	t.Logf("%d steps, conclusions %v", steps, seen)
	if seen[hal.PowerOn] < steps/20 || seen[hal.PowerOff] < steps/20 {
		t.Errorf("hardly anything was concluded: %v", seen)
	}
}

type walker struct {
	dice *rand.Rand
	bus  *cec.Bus
}

func (w walker) step(t *testing.T, p *cec.Panel) {
	all := []cec.Fault{cec.Deaf, cec.Mute, cec.Late, cec.Refuses, cec.NoView, cec.Disobeys, cec.Odd, cec.Disturbed, cec.Eventless, cec.Forgets, cec.Swallows}
	switch roll := w.dice.IntN(40); {
	case roll < 8:
		p.SetPower(t.Context(), true) // whether it works is not the question
	case roll < 16:
		p.SetPower(t.Context(), false)
	case roll < 18:
		w.bus.Remote(w.dice.IntN(2) == 0)
	case roll < 20:
		w.bus.Set(all[w.dice.IntN(len(all))], true)
	case roll < 24:
		for _, f := range all {
			w.bus.Set(f, false)
		}
	case roll < 25:
		w.bus.Physical(0xFFFF)
	case roll < 28:
		w.bus.Physical(uint16(1+w.dice.IntN(3)) << 12)
	case roll < 29:
		w.bus.Unplug()
	case roll < 31:
		w.bus.Replug()
	case roll < 32:
		w.bus.Forget()
	default:
		time.Sleep(time.Duration(w.dice.IntN(15_000)) * time.Millisecond)
	}
}

func (w walker) conclude(t *testing.T, p *cec.Panel, seed uint64) hal.Power {
	before := w.bus.Lit()
	power, err := p.Power(t.Context())
	after, steady := w.bus.Lit(), w.bus.Steady()
	if (err != nil) != (power == hal.PowerUnknown) {
		t.Fatalf("seed %d: Power is %v with error %v", seed, power, err)
	}
	if before != after || steady < 2*time.Second {
		return power
	}
	if power == hal.PowerOn && !after || power == hal.PowerOff && after {
		t.Fatalf("seed %d: Power is %v, the picture is %v since %v", seed, power, after, steady)
	}
	return power
}
