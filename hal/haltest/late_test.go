package haltest_test

import (
	"context"
	"errors"
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

// TestAcknowledgementComesTwice: the panel is asked straight after its command, and the copy of the acknowledgement
// could be the answer. One that answers power alone cannot show that the copy is past; it is told again before the
// markers can be asked anew.
func TestAcknowledgementComesTwice(t *testing.T) {
	for name, c := range map[string]struct {
		fault string
		rest  time.Duration
	}{
		"answers all":              {"obey", 10 * time.Second},
		"answers power only":       {"only-power", 10 * time.Second},
		"answers power only, soon": {"only-power", 1500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			eachStaysOff(t, func(t *testing.T, w *wire, p hal.Panel) {
				w.do(c.fault)
				w.do("disobey")
				w.lag = 200 * time.Millisecond
				for after := 5 * time.Millisecond; after < 900*time.Millisecond; after += 5 * time.Millisecond {
					w.do("again " + after.String())
					if err := p.SetPower(t.Context(), true); err != nil {
						t.Fatal(err)
					}
					w.do("no again")
					if power, err := p.Power(t.Context()); power != hal.PowerOff {
						t.Fatalf("Power is %v, %v with a copy after %v; want off", power, err, after)
					}
					time.Sleep(c.rest)
				}
			})
		})
	}
}

// TestLateAnswerBeforeACommand: a reading is cut short, as a fire does it, and its answer comes when the panel is told the
// opposite. By then the panel is deaf. What it was asked before does not acknowledge what it is told now.
func TestLateAnswerBeforeACommand(t *testing.T) {
	for _, protocol := range peer.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(t, peer.Config{Protocol: protocol, ID: 1})
				p := w.driver(t, quiet())
				defer p.Close()
				for _, on := range []bool{true, false} {
					for lag := 300 * time.Millisecond; lag < 4*time.Second; lag += 170 * time.Millisecond {
						w.lag = 0
						w.do("talk")
						if err := p.SetPower(t.Context(), on); err != nil {
							t.Fatal(err)
						}
						if _, err := p.Power(t.Context()); err != nil {
							t.Fatal(err)
						}
						w.lag = lag
						ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
						p.Power(ctx) // nobody may rely on it
						cancel()
						w.do("deaf")
						if err := p.SetPower(t.Context(), !on); !errors.Is(err, hal.ErrSilent) {
							t.Fatalf("SetPower(%v) is %v with an earlier answer %v late; want ErrSilent", !on, err, lag)
						}
						w.lag = 0
						w.do("lose-power")
						time.Sleep(time.Minute)
					}
				}
			})
		})
	}
}

// TestMarkerAnswerComesTwice: a Samsung panel is asked a marker without a rest, and its answer has a copy, which must not
// be taken for the next. The driver is cut short while it asks for power, the panel goes dark, and the answer "on" comes
// behind the copy.
func TestMarkerAnswerComesTwice(t *testing.T) {
	const before = 50 * time.Millisecond // the marker is asked so long before the driver's rest is over, at the most
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t, peer.Config{Protocol: "mdc", ID: 1})
		p := w.driver(t, quiet())
		defer p.Close()
		for rest := 100*time.Millisecond - before; rest <= 100*time.Millisecond; rest += 5 * time.Millisecond {
			for cut := 20 * time.Millisecond; cut < 100*time.Millisecond; cut += 5 * time.Millisecond {
				if err := p.SetPower(t.Context(), true); err != nil {
					t.Fatal(err)
				}
				w.do("again 45ms")
				time.Sleep(rest)
				time.AfterFunc(10*time.Millisecond, func() { w.slow(500 * time.Millisecond) }) // the marker was heard by then
				for _, limit := range []time.Duration{cut, 10 * time.Millisecond} {
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					p.Power(ctx) // nobody may rely on it
					cancel()
					w.do("lose-power")
				}
				neverOn(t, w, p)
				w.do("no again")
				w.slow(0)
				time.Sleep(time.Minute)
			}
		}
	})
}

// TestOneBitIsTurnedOver: what a bad line makes of one reply is no conclusion, after a command and without.
func TestOneBitIsTurnedOver(t *testing.T) {
	for _, protocol := range peer.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(t, peer.Config{Protocol: protocol, ID: 1})
				p := w.driver(t, quiet())
				defer p.Close()
				w.do("disobey")
				w.do("flip")
				concluded := 0
				for i := range 200 {
					if i%3 == 0 {
						p.SetPower(t.Context(), true) // nobody may rely on its error
					}
					power, err := p.Power(t.Context())
					if power == hal.PowerOn {
						t.Fatalf("reading %d: Power is on, %v", i, err)
					}
					if power == hal.PowerOff {
						concluded++
					}
					time.Sleep(time.Second)
				}
				if concluded < 100 {
					t.Errorf("%d of 200 readings said anything: this proves little", concluded)
				}
			})
		})
	}
}

// TestAcknowledgementOfAnEarlierProgram: a program is told to end while its command is on its way, and the acknowledgement
// comes to the next one, which knows nothing of it.
func TestAcknowledgementOfAnEarlierProgram(t *testing.T) {
	for _, protocol := range peer.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(t, peer.Config{Protocol: protocol, ID: 1})
				w.do("disobey")
				for w.lag = 300 * time.Millisecond; w.lag < 3*time.Second; w.lag += 17 * time.Millisecond {
					for between := time.Duration(0); between < w.lag; between += 100 * time.Millisecond {
						before := w.driver(t, quiet())
						ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
						before.SetPower(ctx, true) // nobody may rely on it
						cancel()
						before.Close()
						time.Sleep(between)
						p := w.driver(t, quiet())
						neverOn(t, w, p)
						p.Close()
						time.Sleep(time.Minute)
					}
				}
			})
		})
	}
}

// TestReadBackAtOnce: a panel that answers is read back without a wait. At 9600 baud nothing here takes longer than three
// exchanges and the rests of NEC, 600 ms each.
func TestReadBackAtOnce(t *testing.T) {
	for _, protocol := range peer.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(t, peer.Config{Protocol: protocol, ID: 1})
				p := w.driver(t, quiet())
				defer p.Close()
				for i := range 6 {
					began := time.Now()
					if err := p.SetPower(t.Context(), i%2 == 0); err != nil {
						t.Fatal(err)
					}
					power, err := p.Power(t.Context())
					if want := []hal.Power{hal.PowerOn, hal.PowerOff}[i%2]; err != nil || power != want {
						t.Fatalf("Power is %v, %v; want %v", power, err, want)
					}
					if took := time.Since(began); took > 900*time.Millisecond {
						t.Errorf("%v from the command to its state; want under 0.9 s", took)
					}
					time.Sleep(time.Minute)
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
