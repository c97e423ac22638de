package haltest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/haltest/panelproc"
	"bangtin/hal/haltest/peer"
)

// A wrong conclusion is a Power that returned on or off without an error, although the panel was not in that state at
// any moment of the call. Warming is neither on nor off: a driver must not call it either. Every peer here tells the
// two apart as far as its protocol lets it: an MDC panel is deaf meanwhile, an LG one says wait, NEC BE, SICP NAV.
//
// An acknowledgement by none is a SetPower without an error for which the panel has said nothing: what it was asked before
// was taken for it.
//
// The walks below try to bring both about: commands, readings, readings that are cut short, faults of the panel and of
// the line in any combination, power that is lost at any moment, a cable that is pulled. What they cannot try is two
// replies in a row that are damaged into other valid ones; see peer.Panel's flip.
//
// BANGTIN_TORTURE is how many steps are made on virtual time for each protocol, BANGTIN_TORTURE_PTY how many over ptys,
// BANGTIN_TORTURE_SEED repeats a walk.

func TestTortureOnVirtualTime(t *testing.T) {
	for name, c := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := seed(t)
			c.Seed = seed
			synctest.Test(t, func(t *testing.T) {
				w := newWire(t, c)
				v := victim{
					panel: w.driver(t, quiet()), do: w.do, mark: w.panel.Mark,
					seen: func(s string) bool { return w.panel.Seen(peer.State(s)) }, unplug: w.unplug, replug: w.replug,
					slowest: 4 * time.Second, wire: w,
				}
				newWalk(t, seed, v).run(name, steps(t, "BANGTIN_TORTURE", 2000))
			})
		})
	}
}

func TestTortureOverPty(t *testing.T) {
	program := panelproc.BuildPanel(t)
	for _, protocol := range peer.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			seed := seed(t)
			p := newPty(t, program, protocol, "-seed="+strconv.FormatUint(seed, 10))
			v := victim{
				panel: p.driver(quiet(), 100*time.Millisecond), do: p.panel.Do, mark: func() { p.panel.Do("mark") },
				seen:   func(s string) bool { return slices.Contains(strings.Fields(p.panel.Seen()), s) },
				unplug: func() { p.panel.Do("unplug") }, replug: func() { p.panel.Do("replug") },
				slowest: 500 * time.Millisecond,
			}
			newWalk(t, seed, v).run(protocol, steps(t, "BANGTIN_TORTURE_PTY", 60))
		})
	}
}

func steps(t *testing.T, name string, short int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number of steps", name, text)
	}
	return n
}

func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("BANGTIN_TORTURE_SEED")
	if text == "" {
		return rand.Uint64()
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("BANGTIN_TORTURE_SEED=%q is no seed", text)
	}
	return n
}

// A victim is a driver and what can be done to its panel and seen of it.
type victim struct {
	panel          hal.Panel
	do             func(command string)
	mark           func()
	seen           func(state string) bool // since mark
	unplug, replug func()
	slowest        time.Duration // replies; longer than the driver waits
	wire           *wire         // nil where nobody sees the bytes, and when they were said
}

// A walk goes through a victim's days at random.
type walk struct {
	victim
	t    *testing.T
	seed uint64
	rand *rand.Rand

	mu    sync.Mutex
	trace []string // the last steps, and what was on the line

	unplugged bool
	commands  int
	readings  int
	concluded int
	wrong     int
	idle      int // commands that nobody acknowledged and that returned as if

	sure [2]time.Time // when a reading began from which off was concluded, and on
}

func newWalk(t *testing.T, seed uint64, v victim) *walk {
	w := &walk{victim: v, t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 2))}
	if v.wire != nil {
		v.wire.note = w.note
	}
	return w
}

// run makes the steps, and prints what came of them. A short walk can meet a panel that is silent all along: then it
// goes on, to ten times the steps at most, until its readings prove something.
func (w *walk) run(protocol string, steps int) {
	made := 0
	for made < steps || w.concluded*10 < w.readings && made < 10*steps {
		w.step(made)
		made++
	}
	if err := w.panel.Close(); err != nil {
		w.note("close: %v", err)
	}
	w.t.Logf("seed %d", w.seed)
	w.t.Logf("%-8s %8s %8s %8s %8s %9s %8s %5s", "protocol", "steps", "commands", "by none", "readings", "concluded", "unknown", "wrong")
	w.t.Logf("%-8s %8d %8d %8d %8d %9d %8d %5d", protocol, made, w.commands, w.idle, w.readings, w.concluded, w.readings-w.concluded, w.wrong)
	if w.concluded*10 < w.readings {
		w.t.Errorf("only %d of %d readings said anything: this proves little", w.concluded, w.readings)
	}
}

// step does one thing. The numbers are weights out of 100.
func (w *walk) step(i int) {
	switch n := w.rand.IntN(100); {
	case n < 34:
		w.read(i)
	case n < 52:
		w.command(i)
	case n < 59:
		w.fault()
	case n < 72:
		w.mend()
	case n < 77:
		w.order("lose-power")
	case n < 82:
		w.order(fmt.Sprintf("lose-power-in %dms", 1+w.rand.IntN(3000)))
	case n < 84:
		w.pull()
	case n < 91:
		w.ask()
	case n < 93:
		w.interrupt(i)
	default:
		w.rest()
	}
}

func (w *walk) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
	w.trace = w.trace[max(0, len(w.trace)-80):]
}

func (w *walk) order(command string) {
	w.do(command)
	w.note("%s", command)
}

// context ends some calls in the middle.
func (w *walk) context() (context.Context, context.CancelFunc) {
	if w.rand.IntN(6) > 0 {
		return context.WithCancel(w.t.Context())
	}
	return context.WithTimeout(w.t.Context(), time.Duration(w.rand.Int64N(int64(w.slowest)/4)))
}

func (w *walk) read(i int) {
	ctx, cancel := w.context()
	defer cancel()
	w.mark()
	began := time.Now()
	power, err := w.panel.Power(ctx)
	w.readings++
	w.note("power: %v, %v", power, err)
	if (err != nil) != (power == hal.PowerUnknown) {
		w.t.Errorf("step %d of seed %d: Power is %v with error %v", i, w.seed, power, err)
	}
	if power != hal.PowerOn && power != hal.PowerOff {
		return
	}
	if w.concluded++; w.seen(power.String()) {
		w.sure[index(power == hal.PowerOn)] = began
		return
	}
	w.wrong++
	if w.wrong <= 3 {
		w.t.Errorf("step %d of seed %d: Power is %v, which the panel never was meanwhile:\n%s", i, w.seed, power, strings.Join(w.trace, "\n"))
	}
}

func (w *walk) command(i int) {
	w.tell(i, w.rand.IntN(3) > 0)
}

// interrupt cuts a reading short for a command that the panel does not hear any more, as a fire does.
func (w *walk) interrupt(i int) {
	w.order(fmt.Sprintf("slow %dms", 1+w.rand.Int64N(w.slowest.Milliseconds())))
	ctx, cancel := context.WithTimeout(w.t.Context(), w.slowest/20)
	power, err := w.panel.Power(ctx)
	cancel()
	w.note("power cut short: %v, %v", power, err)
	w.order("deaf")
	w.tell(i, w.rand.IntN(2) == 0)
	w.order("no slow")
	w.order("no deaf")
}

// tell fails on an acknowledgement of which the panel knows nothing. Everything that it said before the last conclusion
// about power has been here or is lost; what it says since then may acknowledge an earlier command for the same.
func (w *walk) tell(i int, on bool) {
	ctx, cancel := w.context()
	defer cancel()
	err := w.panel.SetPower(ctx, on)
	w.commands++
	w.note("set power %v: %v", on, err)
	if err != nil || w.wire == nil || !w.wire.panel.Agreed(on).Before(w.sure[index(!on)]) {
		return
	}
	w.idle++
	if w.idle <= 3 {
		w.t.Errorf("step %d of seed %d: SetPower(%v) is nil, to which the panel never agreed since it was the opposite:\n%s",
			i, w.seed, on, strings.Join(w.trace, "\n"))
	}
}

func index(on bool) int {
	if on {
		return 1
	}
	return 0
}

// fault begins one. Those that let nothing through are rarer, or nothing would ever be concluded.
func (w *walk) fault() {
	faults := peer.Faults()
	word := faults[w.rand.IntN(len(faults))]
	switch word {
	case "deaf", "silent", "ruin", "badsum", "nak", "busy":
		if w.rand.IntN(5) > 0 {
			return
		}
	case "again": // a copy that ends within every gap; of one that comes later nobody could tell what it answers
		word = fmt.Sprintf("again %dms", 1+w.rand.IntN(45))
	case "slow":
		word = fmt.Sprintf("slow %dms", 1+w.rand.Int64N(w.slowest.Milliseconds()))
	}
	w.order(word)
}

func (w *walk) mend() {
	faults := peer.Faults()
	switch w.rand.IntN(4) {
	case 0:
		w.order("clean")
	case 1:
		w.order("talk")
		w.order("obey")
	default:
		w.order("no " + faults[w.rand.IntN(len(faults))])
	}
}

// pull pulls the cable or puts it back, which is more likely soon.
func (w *walk) pull() {
	if w.unplugged {
		w.replug()
	} else {
		w.unplug()
	}
	w.unplugged = !w.unplugged
	w.note("unplugged: %v", w.unplugged)
}

func (w *walk) rest() {
	if w.unplugged {
		w.pull()
	}
	d := time.Duration(w.rand.Int64N(int64(w.slowest)))
	if w.wire != nil && w.rand.IntN(6) == 0 {
		d *= 20 // longer than any memory
	}
	time.Sleep(d)
	w.note("rested %v", d)
}

// ask uses what the driver has beyond power: other requests put other replies on the line.
func (w *walk) ask() {
	ctx, cancel := w.context()
	defer cancel()
	var calls []func() error
	p := w.panel
	if d, ok := p.(hal.Dimmer); ok {
		calls = append(calls, func() error { return d.SetBrightness(ctx, 1) }, func() error { _, err := d.Brightness(ctx); return err })
	}
	if s, ok := p.(hal.InputSwitcher); ok {
		calls = append(calls, func() error { return s.SetInput(ctx, "hdmi1") }, func() error { _, err := s.Input(ctx); return err })
	}
	if s, ok := p.(hal.Speaker); ok {
		calls = append(calls, func() error { return s.SetMute(ctx, true) }, func() error { _, err := s.Volume(ctx); return err })
	}
	if m, ok := p.(hal.Thermometer); ok {
		calls = append(calls, func() error { _, err := m.Temperature(ctx); return err })
	}
	if d, ok := p.(hal.Diagnoser); ok {
		calls = append(calls, func() error { _, err := d.Diagnose(ctx); return err })
	}
	if len(calls) == 0 {
		return
	}
	n := w.rand.IntN(len(calls))
	w.note("call %d: %v", n, calls[n]())
}
