package haltest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/haltest/peer"
)

// The shortest ways to a wrong conclusion that walks have found. In each the panel is off and stays off, and
// acknowledges "on" all the same.

// TestEveryReplyIsLate: several exchanges are on their way at once, so that even the answer to the question that
// is to catch up with the panel can be an earlier one's.
func TestEveryReplyIsLate(t *testing.T) {
	eachStaysOff(t, func(t *testing.T, w *wire, p hal.Panel) {
		for w.lag = 100 * time.Millisecond; w.lag < 5*time.Second; w.lag += 37 * time.Millisecond {
			for range 6 {
				ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
				p.SetPower(ctx, true) // nobody may rely on its error
				cancel()
				neverOn(t, w, p)
			}
		}
	})
}

// TestReplyIsHeldBack: the panel lets each reply go when it is asked the next thing, however long that takes.
func TestReplyIsHeldBack(t *testing.T) {
	for _, fault := range []string{"late", "batch"} {
		t.Run(fault, func(t *testing.T) {
			eachStaysOff(t, func(t *testing.T, w *wire, p hal.Panel) {
				for rest := time.Second; rest < 5*time.Minute; rest += 7 * time.Second {
					w.do(fault)
					p.SetPower(t.Context(), true)
					for range 3 {
						neverOn(t, w, p)
						time.Sleep(rest)
					}
					w.do("clean")
				}
			})
		})
	}
}

// TestReplyIsHeldBackByADeafPanel: while it is deaf nothing can catch up with it, so that it is believed without in
// the end. Its first answer then is the one that it kept.
func TestReplyIsHeldBackByADeafPanel(t *testing.T) {
	for _, fault := range []string{"late", "batch"} {
		t.Run(fault, func(t *testing.T) {
			eachStaysOff(t, func(t *testing.T, w *wire, p hal.Panel) {
				w.do(fault)
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				p.SetPower(ctx, true)
				cancel()
				w.do("silent")
				neverOn(t, w, p)
				time.Sleep(time.Minute)
				w.do("talk")
				for range 5 {
					neverOn(t, w, p)
				}
			})
		})
	}
}

func eachStaysOff(t *testing.T, check func(t *testing.T, w *wire, p hal.Panel)) {
	for _, protocol := range peer.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(t, peer.Config{Protocol: protocol, ID: 1})
				w.do("disobey")
				p := w.driver(t, quiet())
				check(t, w, p)
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func neverOn(t *testing.T, w *wire, p hal.Panel) {
	t.Helper()
	if power, err := p.Power(t.Context()); power == hal.PowerOn {
		t.Fatalf("Power is on (error %v) with replies %v late", err, w.lag)
	}
}
