package haltest_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/haltest/panelproc"
	"bangtin/hal/haltest/peer"
	"bangtin/hal/rs232"
)

// TestLineTime measures how long it takes from a command to a state that was read back, with each protocol's own times,
// over a pty whose panel paces both directions at 9600 baud and lights at once. Beside it stands the physical minimum of
// the very bytes that were exchanged: 10 bits each, and the rest that the protocol asks for. BANGTIN_HAL_ROUNDS says how
// often; `make bench-hal` takes 100. What can fail is that the state is not what was commanded, or that it took more
// exchanges than it needs.
//
// Where an acknowledgement looks as the answer to the next question does, an exchange between them shows that no copy of
// it is still to come. An LG panel's power is read twice, which shows that and that no bit was turned over. The minimum is
// without that exchange.
func TestLineTime(t *testing.T) {
	rounds := steps(t, "BANGTIN_HAL_ROUNDS", 1)
	program := panelproc.BuildPanel(t)
	for _, protocol := range peer.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			panel := panelproc.StartPanel(t, program, "-protocol="+protocol, "-id=1", "-warmup=0", "-baud=9600")
			t.Logf("n %d; from a command on a rested line to the state read back:", rounds)
			bare(t, protocol, panel.Path, rounds)
			line := &scope{}
			p := newDriver(t, protocol, rs232.Config{Port: panel.Path, SetID: 1, Open: line.open, Log: slog.New(quiet())})
			defer p.Close()
			for _, d := range deeds(t, protocol, p) {
				d.measure(t, line, rests(protocol), rounds)
			}
		})
	}
	t.Run("cec", func(t *testing.T) {
		t.Skip("not on a pty: its bits are timed by the adapter, and its panel answers on when it is lit, so that there is no such minimum")
	})
}

// A rest is what lies between two requests at the least.
type rest struct {
	asked time.Duration // by a document; 0 where none asks for any
	kept  time.Duration // by the driver
}

// rests: reference/hardware-facts.md.
func rests(protocol string) rest {
	switch protocol {
	case "lg":
		return rest{asked: 150 * time.Millisecond, kept: 150 * time.Millisecond}
	case "nec":
		return rest{asked: 600 * time.Millisecond, kept: 600 * time.Millisecond}
	}
	return rest{kept: 100 * time.Millisecond}
}

// A deed is something to do to a panel, with how it is verified.
type deed struct {
	name  string
	needs int                             // exchanges
	proof int                             // more at the most, between the command and the reading
	ready func(ctx context.Context)       // makes sure that there is something to do
	do    func(ctx context.Context) error // and reads back
}

func deeds(t *testing.T, protocol string, p hal.Panel) []deed {
	power := func(on bool, want hal.Power) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := p.SetPower(ctx, on); err != nil {
				return err
			}
			got, err := p.Power(ctx)
			if err == nil && got != want {
				err = fmt.Errorf("power is %v, not %v", got, want)
			}
			return err
		}
	}
	off, on := power(false, hal.PowerOff), power(true, hal.PowerOn)
	must := func(do func(context.Context) error) func(context.Context) {
		return func(ctx context.Context) {
			if err := do(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	percent, needs, proof := 0, 2, 0
	switch protocol {
	case "sicp":
		needs = 3 // one command sets seven values, of which six are to stay
	case "mdc", "lg":
		proof = 1
	}
	dimmer := p.(hal.Dimmer)
	return []deed{
		{"power off", 2, proof, must(on), off},
		{"power on", 2, proof, must(off), on},
		{"brightness", needs, proof, func(context.Context) { percent = (percent + 7) % 101 }, func(ctx context.Context) error {
			if err := dimmer.SetBrightness(ctx, percent); err != nil {
				return err
			}
			got, err := dimmer.Brightness(ctx)
			if err == nil && got != percent {
				err = fmt.Errorf("brightness is %d, not %d", got, percent)
			}
			return err
		}},
	}
}

// measure does a deed again and again, each time on a rested line.
func (d deed) measure(t *testing.T, line *scope, r rest, rounds int) {
	t.Helper()
	var took, least []time.Duration
	var bytes int
	var asked time.Duration
	for range rounds {
		d.ready(t.Context())
		time.Sleep(2 * r.kept)
		line.clear()
		began := time.Now()
		if err := d.do(t.Context()); err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		took = append(took, time.Since(began))
		seen := line.clear()
		proof := len(seen) - d.needs // none where a second had passed, as on a machine that stalls
		if proof < 0 || proof > d.proof {
			t.Fatalf("%s takes %d exchanges, and %d are needed: %+v", d.name, len(seen), d.needs+d.proof, seen)
		}
		seen = slices.Delete(seen, 1, 1+proof)
		least = append(least, minimum(seen, r.kept))
		bytes, asked = seen.bytes(), minimum(seen, r.asked)
	}
	tell(t, d.name, fmt.Sprintf("%d × ask, %2d bytes", d.needs, bytes), took, middle(least))
	if d.proof > 0 {
		t.Logf("%-12s in the time, not in the minimum: %d exchange that shows that the answer is no copy of the acknowledgement", "", d.proof)
	}
	if r.asked != r.kept {
		t.Logf("%-12s no document asks for the rest of %v; without it %.1f ms would do (%.2f×)", "",
			r.kept, millis(asked), float64(middle(took))/float64(asked))
	}
}

// bare measures the bench itself: one request and its reply, with no driver between.
func bare(t *testing.T, protocol, path string, rounds int) {
	t.Helper()
	line, err := rs232.OpenSerial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	request, err := rs232.Compose(rs232.Protocol(protocol), 1, []string{"power", "get"})
	if err != nil {
		t.Fatal(err)
	}
	var took []time.Duration
	bytes := 0
	for range rounds {
		began := time.Now()
		if _, err := line.Write(request); err != nil {
			t.Fatal(err)
		}
		var reply []byte
		for end := began.Add(30 * time.Second); ; {
			buf := make([]byte, 64)
			n, err := line.Read(buf)
			if reply = append(reply, buf[:n]...); err != nil || time.Now().After(end) {
				t.Fatalf("no reply but % X: %v", reply, err)
			}
			if _, err := rs232.Describe(rs232.Protocol(protocol), reply); err == nil {
				break
			}
		}
		took = append(took, time.Since(began))
		bytes = len(request) + len(reply)
	}
	tell(t, "the bench", fmt.Sprintf("no driver, %2d bytes", bytes), took, time.Duration(bytes)*perByte)
}

func tell(t *testing.T, what, how string, took []time.Duration, least time.Duration) {
	t.Helper()
	ratio := func(d time.Duration) float64 { return float64(d) / float64(least) }
	slices.Sort(took)
	best, p50, p99, worst := took[0], middle(took), took[(len(took)*99+99)/100-1], took[len(took)-1]
	t.Logf("%-12s %-20s minimum %7.2f ms  best %.3f×  p50 %7.2f ms %.3f×  p99 %7.2f ms %.3f×  worst %7.2f ms %.3f×", what, how,
		millis(least), ratio(best), millis(p50), ratio(p50), millis(p99), ratio(p99), millis(worst), ratio(worst))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// middle is the median.
func middle(d []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(d))[(len(d)-1)/2]
}

// An exchange is a request, and what came until the next.
type exchange struct{ out, in int }

type exchanges []exchange

func (e exchanges) bytes() (n int) {
	for _, x := range e {
		n += x.out + x.in
	}
	return n
}

// minimum is how long exchanges take on the wire at the least. A rest begins with the end of a request: the most that
// "between packets" can be taken to allow. The driver begins it with the end of the reply.
func minimum(list exchanges, rest time.Duration) (d time.Duration) {
	for i, x := range list {
		d += time.Duration(x.out) * perByte
		in := time.Duration(x.in) * perByte
		if i < len(list)-1 {
			in = max(in, rest)
		}
		d += in
	}
	return d
}

// A scope counts what goes over the line, wherever it is opened again.
type scope struct {
	mu   sync.Mutex
	list exchanges
}

func (s *scope) open(path string) (rs232.Line, error) {
	line, err := rs232.OpenSerial(path)
	if err != nil {
		return nil, err
	}
	return &scoped{Line: line, scope: s}, nil
}

// clear forgets what was counted, and returns it.
func (s *scope) clear() exchanges {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

// A scoped line waits until what was written has left, as a real port does: a pty says at once that it has.
type scoped struct {
	rs232.Line
	scope *scope
	left  time.Time // the writer's own
}

func (s *scoped) Write(b []byte) (int, error) {
	s.scope.mu.Lock()
	s.scope.list = append(s.scope.list, exchange{out: len(b)})
	s.scope.mu.Unlock()
	s.left = time.Now().Add(time.Duration(len(b)) * perByte)
	return s.Line.Write(b)
}

func (s *scoped) Drain() error {
	time.Sleep(time.Until(s.left))
	return s.Line.Drain()
}

func (s *scoped) Read(b []byte) (int, error) {
	n, err := s.Line.Read(b)
	s.scope.mu.Lock()
	defer s.scope.mu.Unlock()
	if last := len(s.scope.list) - 1; last >= 0 {
		s.scope.list[last].in += n
	}
	return n, err
}
