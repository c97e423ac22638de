package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/hal/haltest/panelproc"
	"bangtin/hal/rs232"
	"bangtin/internal/control/local"
	"bangtin/internal/wire"
)

// relayWithin is what a fire has until the relay is open, wherever it is noticed: from the fire, and not from the reading
// that is believed.
const relayWithin = 2 * time.Second

// timeIsUp is how long before the test's end no fire is lit any more: the longest that waits within one add up to it.
const timeIsUp = 2 * time.Minute

// TestSafety sets displays on fire while all is broken that the chain may not need: the broker is down or says nothing, the disk is
// full, mpv hangs. The daemon, its drivers, their lines and mpv are real, and so is the time. BANGTIN_SAFETY says how
// many fires; `make safety` takes 1,000. That each ends with the relay open and the panel off, latched, and cleared by
// a person alone, is what can fail; how long it takes is printed, and `make safety` counts what is late.
func TestSafety(t *testing.T) {
	t.Parallel()
	n, each := 20, 1
	if v, err := strconv.Atoi(os.Getenv("BANGTIN_SAFETY")); err == nil && v > n {
		n, each = v, 3
	}
	program := panelproc.BuildPanel(t)
	all := &fires{}
	displays := len(rs232.Protocols()) * each
	t.Run("displays", func(t *testing.T) {
		for i := range displays {
			protocol := rs232.Protocols()[i%len(rs232.Protocols())]
			t.Run(fmt.Sprintf("%s %d", protocol, i/len(rs232.Protocols())), func(t *testing.T) {
				t.Parallel()
				burn(t, program, protocol, i, (n+displays-1-i)/displays, all)
			})
		}
	})
	all.print(t)
}

// burn sets one display on fire again and again. Those with an odd number have a broker that takes connections and says nothing.
func burn(t *testing.T, program string, protocol rs232.Protocol, number, fires int, all *fires) {
	w := newWorld(t)
	full := w.onItsOwnDisk()
	broker, _ := w.connect()
	if number/len(rs232.Protocols())%2 == 1 {
		w.site.broker = blackHole(t)
	}
	panel := panelproc.StartPanel(t, program, "-protocol="+string(protocol), "-baud=9600", "-warmup=1s", fmt.Sprintf("-seed=%d", number+1))
	d := newRigged(t, w, panel, string(protocol))
	w.inbox(w.approved(10))
	d.begin()
	w.until("on air", playing(10))
	if err := broker.Close(); err != nil {
		t.Fatal(err)
	}
	if full != nil {
		t.Logf("without a full disk: %v", full)
	} else {
		w.fill()
	}
	records := 0
	f := &fire{rigged: d, pick: rand.New(rand.NewPCG(22, uint64(number)))}
	for i := range fires {
		if end, limited := t.Deadline(); limited && time.Until(end) < timeIsUp {
			t.Logf("%d of %d fires fit into the time of the test", i, fires)
			break
		}
		got := f.trial(protocol, i)
		all.add(got)
		if i == 0 { // by then what was still free inside the files is used up
			records = len(w.records())
		}
	}
	if more := len(w.records()) - records; full == nil && (more > 0 || !strings.Contains(d.run.log(), "cannot write the journal")) {
		t.Errorf("%d records were written to a disk that is full", more)
	}
}

// A fire is what is lit at one display.
type fire struct {
	*rigged
	pick *rand.Rand
}

// A cause is where a fire is noticed.
type cause struct {
	name   string
	sensor string
}

func causes() []cause {
	return []cause{{"smoke", "smoke"}, {"80 °C", "cabinet"}, {"80 °C in sysfs", "back"}}
}

// light lights it, and returns when.
func (f *fire) light(c cause) time.Time {
	f.t.Helper()
	switch c.sensor {
	case "smoke":
		return f.tell("smoke on")
	case "cabinet":
		return f.tell(fmt.Sprintf("heat %d", blaze))
	}
	at := time.Now()
	f.chipSays(blaze)
	return at
}

func (f *fire) quench(c cause) {
	f.t.Helper()
	at := time.Now()
	switch c.sensor {
	case "smoke":
		f.tell("smoke off")
	case "cabinet":
		f.tell(fmt.Sprintf("heat %d", warm))
	default:
		f.chipSays(warm)
	}
	f.await(at, "calm "+c.sensor)
}

// A trial is what came of one fire.
type trial struct {
	protocol rs232.Protocol
	cause    string
	deaf     bool // the panel answered nothing

	relay, relayBelieved time.Duration // until it was open, from the fire and from the reading that told of it
	lit                  bool          // the panel showed its picture then; only so the rest is known
	dark, darkBelieved   time.Duration // until it did not any more
	read                 time.Duration // until it was read back, from the reading that told of the fire; 0 when deaf
}

// trial lives through one fire. In one of four the panel was just told to go on again, in one of ten it answers nothing.
func (f *fire) trial(protocol rs232.Protocol, n int) trial {
	f.t.Helper()
	c := causes()[n%len(causes())]
	got := trial{protocol: protocol, cause: c.name, deaf: f.pick.IntN(10) == 0}
	phase := time.Second
	if f.pick.IntN(4) > 0 {
		f.until("lit", func(s *wire.State) bool { return s.Panel.Power == "on" })
		phase = 6 * time.Second // the panel is polled each 5
	}
	resume := f.hang()
	defer resume()
	time.Sleep(time.Duration(f.pick.Int64N(int64(phase)))) // the phase is the point, and no synchronisation
	if got.deaf {
		f.panel.Do("silent")
	}
	f.forget()
	got.lit = f.panel.State() == "on"
	began := f.light(c)
	open, believed := f.await(began, "relay open"), f.await(began, "fire "+c.sensor)
	got.relay, got.relayBelieved = open.Sub(began), open.Sub(believed)
	f.off(&got, began, believed)
	f.latched(c, began)
	return got
}

// off waits for the panel to be off, and known to be.
func (f *fire) off(got *trial, began, believed time.Time) {
	f.t.Helper()
	for end := time.Now().Add(45 * time.Second); f.panel.State() != "off"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("the panel is %s", f.panel.State())
		}
	}
	if got.lit {
		at, ok := f.dark(began)
		if !ok {
			f.t.Fatal("the panel is off and its picture never disappeared")
		}
		got.dark, got.darkBelieved = at.Sub(began), at.Sub(believed)
	}
	if got.deaf {
		f.panel.Do("no silent")
	}
	s := f.until("read back as off", func(s *wire.State) bool {
		return s.Want.Rule == "fire" && s.Panel.Power == "off" && s.Panel.VerifiedAt != nil && s.Panel.VerifiedAt.After(believed)
	})
	if !got.deaf {
		got.read = s.Panel.VerifiedAt.Sub(believed)
	}
}

// latched wants the fire to end by a person's word alone, and that not while it burns.
func (f *fire) latched(c cause, began time.Time) {
	f.t.Helper()
	if f.clear() == nil {
		f.t.Error("cleared while it burns")
	}
	f.quench(c)
	s := f.until("the decision after it", func(*wire.State) bool { return true })
	_, moved := f.since(began, "relay closed")
	if s.Want.Rule != "fire" || moved || f.panel.State() != "off" {
		f.t.Errorf("it ended without a person: rule %s, relay closed %t, panel %s", s.Want.Rule, moved, f.panel.State())
	}
	at := time.Now()
	err := f.clear()
	for end := at.Add(45 * time.Second); err != nil && time.Now().Before(end); err = f.clear() {
		time.Sleep(50 * time.Millisecond) // the reading that it is over may still be on its way
	}
	if err != nil {
		f.t.Fatalf("a person cannot clear it: %v", err)
	}
	f.await(at, "relay closed")
}

// clear is a person on site.
func (f *fire) clear() error {
	_, err := f.ask(local.Request{Do: local.ClearFire, Reason: "thử"})
	return err
}

// fires are the trials of all displays.
type fires struct {
	mu   sync.Mutex
	list []trial
}

func (a *fires) add(one trial) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, one)
}

// of lists one duration of those trials that have it.
func (a *fires) of(get func(trial) (time.Duration, bool)) []time.Duration {
	var out []time.Duration
	for _, one := range a.list {
		if d, ok := get(one); ok {
			out = append(out, d)
		}
	}
	return out
}

func (a *fires) print(t *testing.T) {
	t.Helper()
	late := map[string]int{}
	for _, one := range a.list {
		if one.relay > relayWithin {
			late["all"]++
			late[one.cause]++
		}
	}
	t.Logf("%d fires; relay open later than %v after the fire: %d", len(a.list), relayWithin, late["all"])
	for _, c := range causes() {
		t.Logf("%s: %d fires late", c.name, late[c.name])
		row(t, "relay, "+c.name+", from the fire", a.of(func(r trial) (time.Duration, bool) { return r.relay, r.cause == c.name }))
		row(t, "relay, "+c.name+", from the reading", a.of(func(r trial) (time.Duration, bool) { return r.relayBelieved, r.cause == c.name }))
	}
	row(t, "relay, panel answers nothing, from the reading", a.of(func(r trial) (time.Duration, bool) { return r.relayBelieved, r.deaf }))
	for _, p := range rs232.Protocols() {
		own := func(get func(trial) (time.Duration, bool)) []time.Duration {
			return a.of(func(r trial) (time.Duration, bool) {
				d, ok := get(r)
				return d, ok && r.protocol == p
			})
		}
		free, rested := physical(t, p)
		t.Logf("%s: its request takes %.1f ms on the line, %.1f ms after the gap behind another", p, ms(free), ms(rested))
		row(t, string(p)+", relay, from the reading", own(func(r trial) (time.Duration, bool) { return r.relayBelieved, !r.deaf }))
		row(t, string(p)+", picture out, from the reading", own(func(r trial) (time.Duration, bool) { return r.darkBelieved, r.lit }))
		row(t, string(p)+", picture out, from the fire", own(func(r trial) (time.Duration, bool) { return r.dark, r.lit }))
		row(t, string(p)+", read back, from the reading", own(func(r trial) (time.Duration, bool) { return r.read, r.lit && !r.deaf }))
	}
}

func row(t *testing.T, what string, d []time.Duration) {
	t.Helper()
	if len(d) > 0 {
		t.Logf("%-50s n %4d  p50 %7.1f ms  p99 %7.1f ms  worst %7.1f ms", what, len(d), ms(rank(d, 50)), ms(rank(d, 99)), ms(rank(d, 100)))
	}
}

// physical is the time of a power-off request at 9600 baud, 8N1, with the line free and right after an exchange. The gaps
// are those of hal/rs232's drivers.
func physical(t *testing.T, p rs232.Protocol) (free, rested time.Duration) {
	t.Helper()
	frame, err := rs232.Compose(p, 1, []string{"power", "off"})
	if err != nil {
		t.Fatal(err)
	}
	gap := map[rs232.Protocol]time.Duration{
		rs232.ProtocolMDC: 100 * time.Millisecond, rs232.ProtocolLG: 150 * time.Millisecond,
		rs232.ProtocolNEC: 600 * time.Millisecond, rs232.ProtocolSICP: 100 * time.Millisecond,
	}[p]
	free = time.Duration(len(frame)) * 10 * time.Second / 9600
	return free, gap + free
}
