package pair_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/haltest"
	"bangtin/hal/pair"
	"bangtin/hal/sim"
)

// A way is a driver of the rig's panel that can be cut off, or made to lie.
type way struct {
	hal.Panel
	fails error         // what it returns instead of asking
	takes time.Duration // how long that takes
	slow  time.Duration // how long an answer takes
	says  hal.Power     // what it claims; 0 is the truth
	calls int
}

func (w *way) cut(ctx context.Context) error {
	w.calls++
	if w.fails == nil {
		time.Sleep(w.slow)
		return ctx.Err()
	}
	select {
	case <-time.After(w.takes):
		return fmt.Errorf("cut off: %w", w.fails)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *way) SetPower(ctx context.Context, on bool) error {
	if err := w.cut(ctx); err != nil {
		return err
	}
	return w.Panel.SetPower(ctx, on)
}

func (w *way) Power(ctx context.Context) (hal.Power, error) {
	if err := w.cut(ctx); err != nil {
		return hal.PowerUnknown, err
	}
	power, err := w.Panel.Power(ctx)
	if err == nil && w.says != hal.PowerUnknown {
		power = w.says
	}
	return power, err
}

func (w *way) Settle(on bool) time.Duration { return w.Panel.(hal.Settler).Settle(on) }

// A both is a rig and the two ways to its panel.
type both struct {
	rig               *sim.Rig
	primary, fallback *way
	panel             *pair.Panel
}

func newBoth() *both {
	b := &both{rig: sim.NewRig(sim.Config{})}
	b.open()
	return b
}

func (b *both) open() hal.Panel {
	first, second := way{}, way{}
	if b.primary != nil {
		first, second = *b.primary, *b.fallback
	}
	first.Panel, second.Panel = b.rig.Panel(), b.rig.Panel()
	b.primary, b.fallback = &first, &second
	b.panel = pair.New(b.primary, b.fallback, slog.New(slog.DiscardHandler))
	return b.panel
}

// hearBoth has the fallback say "on" and "off" once, without which neither is believed.
func (b *both) hearBoth() {
	said := b.fallback.says
	for _, b.fallback.says = range []hal.Power{hal.PowerOn, hal.PowerOff} {
		b.panel.Power(context.Background()) // what comes of it is the test's business
	}
	b.fallback.says = said
}

func (b *both) lit() bool { return b.rig.Snapshot().Panel == hal.PowerOn }

func TestConformance(t *testing.T) {
	for name, prepare := range map[string]func(b *both){
		"both ways":         func(*both) {},
		"primary silent":    func(b *both) { b.primary.fails, b.primary.takes = hal.ErrSilent, 2*time.Second },
		"primary unplugged": func(b *both) { b.primary.fails = hal.ErrPortGone },
		"fallback silent":   func(b *both) { b.fallback.fails, b.fallback.takes = hal.ErrSilent, 2*time.Second },
		"fallback lies":     func(b *both) { b.fallback.says = hal.PowerOn },
		"fallback blind":    func(b *both) { b.fallback.fails = hal.ErrUnsupported },
	} {
		t.Run(name, func(t *testing.T) {
			haltest.Run(t, haltest.Harness[*testing.T]{Within: synctest.Test, Setup: func(*testing.T) haltest.Bench {
				b := newBoth()
				prepare(b)
				return bench(b)
			}})
		})
	}
}

// bench leaves out what the cut way cannot tell: a panel that is blind over the other alone may be read again when
// the first comes back, and a fallback that was silent is not told of a refusal.
func bench(b *both) haltest.Bench {
	fault := func(f sim.PanelFault) func(bool) { return func(active bool) { b.rig.SetPanelFault(f, active) } }
	h := haltest.Bench{
		New: b.whole, Lit: b.lit, CutPower: b.rig.LosePower,
		Silence: fault(sim.Silent), Refuse: map[string]func(bool){"no": fault(sim.Refuses)}, Disobey: fault(sim.Disobeys), Blind: fault(sim.Blind),
	}
	if b.primary.fails != nil || b.fallback.fails == hal.ErrSilent {
		h.Blind = nil
	}
	return h
}

// whole is a pair whose primary, as long as it is not cut, has the capabilities of the rig's panel.
func (b *both) whole() hal.Panel {
	b.open()
	if b.primary.fails != nil {
		b.hearBoth()
		return b.panel
	}
	type capable interface {
		hal.Settler
		hal.Dimmer
		hal.Thermometer
		hal.InputSwitcher
		hal.Identifier
	}
	return pair.New(struct {
		hal.Panel
		capable
	}{b.primary, b.primary.Panel.(capable)}, b.fallback, slog.New(slog.DiscardHandler))
}

// within runs a test with both ways in virtual time.
func within(t *testing.T, f func(t *testing.T, b *both)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newBoth()) })
}

func command(t *testing.T, p hal.Panel, on bool) {
	t.Helper()
	if err := p.SetPower(t.Context(), on); err != nil {
		t.Fatalf("SetPower(%v): %v", on, err)
	}
}

func reads(t *testing.T, p hal.Panel, want hal.Power, wantErr error) {
	t.Helper()
	power, err := p.Power(t.Context())
	if power != want || !errors.Is(err, wantErr) {
		t.Errorf("Power is %v with error %v, want %v with %v", power, err, want, wantErr)
	}
}

func TestThePrimaryIsTheTruthWhileItAnswers(t *testing.T) {
	within(t, func(t *testing.T, b *both) {
		b.fallback.says = hal.PowerOn
		reads(t, b.panel, hal.PowerOff, nil)
		b.fallback.says = hal.PowerOff
		command(t, b.panel, true)
		time.Sleep(10 * time.Second)
		reads(t, b.panel, hal.PowerOn, nil)
	})
}

func TestTheFallbackStepsInAndAside(t *testing.T) {
	within(t, func(t *testing.T, b *both) {
		b.primary.fails = hal.ErrPortGone
		b.hearBoth()
		reads(t, b.panel, hal.PowerOff, nil)
		command(t, b.panel, true)
		time.Sleep(10 * time.Second)
		reads(t, b.panel, hal.PowerOn, nil)
		b.primary.fails, b.fallback.says = nil, hal.PowerOff
		time.Sleep(10 * time.Second)
		reads(t, b.panel, hal.PowerOn, nil)
	})
}

// TestOneLieIsEnough has a fallback that says "on" whatever the panel does, and a primary that falls silent later.
func TestOneLieIsEnough(t *testing.T) {
	within(t, func(t *testing.T, b *both) {
		b.fallback.says = hal.PowerOn
		reads(t, b.panel, hal.PowerOff, nil) // here it is caught
		b.primary.fails = hal.ErrSilent
		reads(t, b.panel, hal.PowerUnknown, hal.ErrSilent)
		b.fallback.says = hal.PowerUnknown // from here on it tells the truth, of which "off" was never wrong
		reads(t, b.panel, hal.PowerOff, nil)

		b.primary.fails = nil
		command(t, b.panel, true)
		time.Sleep(2 * time.Minute)
		reads(t, b.panel, hal.PowerOn, nil) // here it is right
		b.primary.fails = hal.ErrSilent
		reads(t, b.panel, hal.PowerOn, nil)
	})
}

// TestOnProvesNothingByItself: many TVs say "on" in standby, and nobody could compare yet.
func TestOnProvesNothingByItself(t *testing.T) {
	within(t, func(t *testing.T, b *both) {
		b.primary.fails, b.fallback.says = hal.ErrSilent, hal.PowerOn
		for range 10 {
			reads(t, b.panel, hal.PowerUnknown, hal.ErrSilent)
			time.Sleep(5 * time.Second)
		}
		b.fallback.says = hal.PowerOff
		reads(t, b.panel, hal.PowerOff, nil)
		b.fallback.says = hal.PowerOn
		reads(t, b.panel, hal.PowerOn, nil)
	})
}

// TestOffProvesNothingByItself either: a fallback may always say "off".
func TestOffProvesNothingByItself(t *testing.T) {
	within(t, func(t *testing.T, b *both) {
		command(t, b.panel, true)
		time.Sleep(10 * time.Second)
		reads(t, b.panel, hal.PowerOn, nil)
		b.primary.fails, b.fallback.says = hal.ErrSilent, hal.PowerOff
		b.open() // a process that knows nothing of that
		for range 10 {
			reads(t, b.panel, hal.PowerUnknown, hal.ErrSilent)
			time.Sleep(5 * time.Second)
		}
		command(t, b.panel, false) // what was commanded it bears out, for as long as that holds
		for range 3 {
			reads(t, b.panel, hal.PowerOff, nil)
			time.Sleep(5 * time.Second)
		}
		command(t, b.panel, true)
		time.Sleep(10 * time.Second)
		reads(t, b.panel, hal.PowerUnknown, hal.ErrSilent)
		b.fallback.says = hal.PowerOn
		b.panel.Power(t.Context()) // from here on it is one that says both, if not yet believed
		b.fallback.says = hal.PowerOff
		reads(t, b.panel, hal.PowerOff, nil)
	})
}

// TestTheNewerWordOfThePrimary is what a comparison returns: the fallback takes its time, and the panel may move meanwhile.
func TestTheNewerWordOfThePrimary(t *testing.T) {
	within(t, func(t *testing.T, b *both) {
		command(t, b.panel, true)
		time.Sleep(10 * time.Second)
		b.fallback.slow = 2 * time.Second
		time.AfterFunc(time.Second, b.rig.LosePower)
		if power, err := b.panel.Power(t.Context()); err == nil && power == hal.PowerOn || b.lit() {
			t.Errorf("Power is %v with error %v, lit is %v", power, err, b.lit())
		}
	})
	within(t, func(t *testing.T, b *both) {
		b.fallback.slow = 2 * time.Second
		time.AfterFunc(time.Second, func() { b.rig.SetPanelFault(sim.Silent, true) })
		reads(t, b.panel, hal.PowerUnknown, hal.ErrSilent)
	})
}

func TestTheFallbackIsNotBelievedBeforeThePanelHasSettled(t *testing.T) {
	within(t, func(t *testing.T, b *both) {
		b.primary.fails = hal.ErrSilent
		b.hearBoth()
		b.primary.fails = nil
		command(t, b.panel, true)
		b.primary.fails, b.fallback.says = hal.ErrSilent, hal.PowerOff // the state before the command
		reads(t, b.panel, hal.PowerWarming, nil)
		time.Sleep(10 * time.Second)
		reads(t, b.panel, hal.PowerOff, nil)
		b.primary.fails = nil
		command(t, b.panel, false)
		b.primary.fails, b.fallback.says = hal.ErrSilent, hal.PowerOn
		reads(t, b.panel, hal.PowerCooling, nil)
	})
}

func TestADeadPrimaryCostsLittle(t *testing.T) {
	within(t, func(t *testing.T, b *both) {
		b.primary.fails, b.primary.takes = hal.ErrSilent, 4*time.Second
		b.hearBoth() // and it is known to be dead
		b.primary.calls = 0
		for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); { // of a keeper
			start := time.Now()
			reads(t, b.panel, hal.PowerOff, nil)
			if took := time.Since(start); took > 6100*time.Millisecond {
				t.Fatalf("Power took %v", took)
			}
			if _, err := b.panel.Hours(t.Context()); !errors.Is(err, hal.ErrUnsupported) {
				t.Fatalf("Hours: %v", err)
			}
			time.Sleep(5 * time.Second)
		}
		if b.primary.calls < 12 || b.primary.calls > 31 {
			t.Errorf("the primary was tried %d times in five minutes, want 12 to 30", b.primary.calls)
		}
		b.primary.fails = nil
		time.Sleep(10 * time.Second)
		b.fallback.calls = 0
		reads(t, b.panel, hal.PowerOff, nil)
		if b.fallback.calls > 1 { // one to compare them
			t.Errorf("the fallback was asked %d times beside a primary that answers", b.fallback.calls)
		}
	})
}

func TestARefusalIsNotWorkedAround(t *testing.T) {
	within(t, func(t *testing.T, b *both) {
		b.primary.fails = hal.ErrRefused
		if err := b.panel.SetPower(t.Context(), true); !errors.Is(err, hal.ErrRefused) || b.fallback.calls != 0 {
			t.Errorf("SetPower: %v, and %d calls of the fallback", err, b.fallback.calls)
		}
		reads(t, b.panel, hal.PowerUnknown, hal.ErrRefused)
	})
}

// TestNeverBlindByAccident: a keeper that once hears ErrUnsupported never reads the panel again.
func TestNeverBlindByAccident(t *testing.T) {
	for name, c := range map[string]struct{ primary, fallback, want error }{
		"fallback unread":       {hal.ErrSilent, hal.ErrUnsupported, hal.ErrSilent},
		"port gone, unread":     {hal.ErrPortGone, hal.ErrUnsupported, hal.ErrPortGone},
		"primary unread":        {hal.ErrUnsupported, hal.ErrSilent, hal.ErrSilent},
		"neither can ever read": {hal.ErrUnsupported, hal.ErrUnsupported, hal.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, b *both) {
				b.primary.fails, b.fallback.fails = c.primary, c.fallback
				for range 5 {
					_, err := b.panel.Power(t.Context())
					if !errors.Is(err, c.want) || errors.Is(err, hal.ErrUnsupported) != errors.Is(c.want, hal.ErrUnsupported) {
						t.Fatalf("Power: %v, want %v alone", err, c.want)
					}
				}
			})
		})
	}
}

func TestSettleIsTheLongerOfTheWaysUsed(t *testing.T) {
	within(t, func(t *testing.T, b *both) {
		slow := sim.NewRig(sim.Config{WarmUp: 40 * time.Second})
		first := &way{Panel: b.rig.Panel()}
		p := pair.New(first, slow.Panel(), slog.New(slog.DiscardHandler))
		command(t, p, true)
		if got := p.Settle(true); got != 6*time.Second {
			t.Errorf("Settle after the primary: %v, want 6 s", got)
		}
		first.fails = hal.ErrPortGone
		command(t, p, true)
		if got := p.Settle(true); got != 40*time.Second {
			t.Errorf("Settle after both: %v, want 40 s", got)
		}
	})
}

// TestNoWrongConclusions walks at random over commands, losses of either way and of power.
func TestNoWrongConclusions(t *testing.T) {
	steps, seen := 0, map[hal.Power]int{}
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			b, dice := newBoth(), rand.New(rand.NewPCG(seed, 11))
			for range 400 {
				steps++
				walk(t, b, dice)
				before := b.lit()
				power, err := b.panel.Power(t.Context())
				seen[power]++
				if (err != nil) != (power == hal.PowerUnknown) {
					t.Fatalf("seed %d: Power is %v with error %v", seed, power, err)
				}
				if after := b.lit(); before == after && (power == hal.PowerOn && !after || power == hal.PowerOff && after) {
					t.Fatalf("seed %d: Power is %v, lit is %v", seed, power, after)
				}
			}
		})
	}
	t.Logf("%d steps, conclusions %v", steps, seen)
	if seen[hal.PowerOn] < steps/20 || seen[hal.PowerOff] < steps/20 {
		t.Errorf("hardly anything was concluded: %v", seen)
	}
}

func walk(t *testing.T, b *both, dice *rand.Rand) {
	ways := []*way{b.primary, b.fallback}
	switch roll := dice.IntN(20); {
	case roll < 4:
		b.panel.SetPower(t.Context(), true) // whether it works is not the question
	case roll < 8:
		b.panel.SetPower(t.Context(), false)
	case roll < 10:
		ways[dice.IntN(2)].fails = []error{hal.ErrSilent, hal.ErrPortGone, hal.ErrRefused, hal.ErrUnsupported}[dice.IntN(4)]
	case roll < 13:
		ways[dice.IntN(2)].fails = nil
	case roll < 14:
		ways[dice.IntN(2)].slow = time.Duration(dice.IntN(2)) * 700 * time.Millisecond
	case roll < 15:
		b.rig.LosePower()
	default:
		time.Sleep(time.Duration(dice.IntN(20_000)) * time.Millisecond)
	}
}
