package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"bangtin/hal"
	"bangtin/internal/control"
	"bangtin/internal/journal/sqlite"
	"bangtin/media"
)

// chainLimit is what the requirement gives the safety chain, from the detector to the open relay.
const chainLimit = 2 * time.Second

// chain runs the display's own decisions on the hardware and times what a fire does to it.
func (t *smokeTest) chain(ctx context.Context, s *step) {
	s.name = say("safety chain")
	folder, err := os.MkdirTemp("", "bangtind-smoke-")
	if err != nil {
		s.fail(asIs(err.Error()))
		return
	}
	defer os.RemoveAll(folder)
	r := &rehearsal{test: t, typed: make(chan hal.Reading, 1), clock: t.m.plainClock(), changed: make(chan struct{})}
	if err := r.begin(ctx, folder); err != nil {
		s.fail(asIs(err.Error()))
		return
	}
	defer func() {
		if err := r.end(); err != nil {
			s.fail(asIs(err.Error()))
		}
	}()
	if !r.light(ctx) {
		s.saw(say("not made: the panel is not on"))
		return
	}
	if !r.ignite(ctx, s) {
		return
	}
	r.judge(ctx, s)
	t.speaking(ctx, s)
	t.looks(ctx, s, say("Is the panel lit?"), no)
	if t.smokeWired() {
		t.see(ctx, s, say("Please reset the smoke detector: while it says smoke, the display stays cut off."), string(hal.Smoke), false, smokeWord)
	}
}

// speaking sees that each sensor that can set the chain off still says something: one whose supply the relay takes, or that
// fell silent since its own step, notices no second fire.
func (t *smokeTest) speaking(ctx context.Context, s *step) {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	protects := protecting(t.site, t.wired.rig != nil)
	for _, e := range t.wired.expect {
		heeded := e.Kind == hal.Temperature && (protects == nil || slices.Contains(protects, e.Sensor))
		if e.Kind != hal.Smoke && !heeded {
			continue
		}
		why, good := t.senses.anew(limited, e.Sensor, began)
		if ctx.Err() != nil {
			return
		}
		if !good {
			s.fail(say("%s: nothing that can be believed: %s", e.Sensor, why))
		}
	}
}

func smokeWord(is bool) phrase {
	if is {
		return say("smoke")
	}
	return say("no smoke")
}

func (t *smokeTest) smokeWired() bool {
	r, _ := t.senses.newest(string(hal.Smoke))
	return r.Kind == hal.Smoke
}

// A rehearsal is the display's decision loop on the wired hardware, with a journal of its own that is thrown away, and
// without content: what stands between detector and relay is what stands there every day.
type rehearsal struct {
	test    *smokeTest
	clock   *control.Clock
	typed   chan hal.Reading
	journal *sqlite.Journal
	control *control.Control
	stop    context.CancelFunc
	done    chan error

	mu      sync.Mutex
	changed chan struct{} // closed and replaced by each of these
	burning time.Time     // when the first reading of smoke came to the decisions
	off     time.Time     // when the panel acknowledged to go off
	dark    time.Time     // when it was read back as off
	open    time.Time     // when the relay was open, as far as it tells
	wrong   error         // why the relay is not
	blind   bool          // the panel cannot be read back
	told    time.Time     // when it took the order to go on
}

func (r *rehearsal) begin(ctx context.Context, folder string) error {
	t := r.test
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	r.journal, err = sqlite.Open(ctx, sqlite.Options{
		Path: filepath.Join(folder, journalFile), Key: key, Stamp: r.clock.Stamp, Log: t.m.logger(),
	})
	if err != nil {
		return err
	}
	orders, err := control.LoadOrders(ctx, r.journal, r.clock, t.m.logger())
	if err != nil {
		return errors.Join(err, r.journal.Close())
	}
	cfg := control.Config{
		Device: t.site.ID, Gate: t.site.Gate, Version: version, Kernel: kernelRun(), Clock: r.clock, Journal: r.journal, Orders: orders,
		Schedule: media.Schedule{Zone: t.site.Location, Windows: []media.Window{{To: 24 * time.Hour}}}, // on, whatever the hour
		Safety:   safety(t.site, t.wired.rig != nil), Key: control.Key{State: "off", For: time.Hour},
		Panel: &timedPanel{Panel: t.wired.panel, r: r}, Sensors: []hal.Sensor{&timedSenses{t.senses, r}},
		Player: idle{}, Content: idle{}, Health: control.NewHealth(), Log: t.m.logger(),
	}
	if t.relay != nil {
		t.relay.lend(true)
		cfg.Relay = &timedRelay{t.wired.relay, r}
	}
	if r.control, err = control.New(ctx, cfg); err != nil {
		return errors.Join(err, r.journal.Close())
	}
	deciding, stop := context.WithCancel(ctx)
	r.stop, r.done = stop, make(chan error, 1)
	go func() { r.done <- r.control.Run(deciding) }()
	return nil
}

// end leaves the relay open: it is closed, or put into its safe state, when the test ends.
func (r *rehearsal) end() error {
	r.stop()
	err := <-r.done
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	if r.test.relay != nil {
		r.test.relay.lend(false)
	}
	return errors.Join(err, r.journal.Close())
}

// light waits until the decisions have the panel on, or believe so.
func (r *rehearsal) light(ctx context.Context) bool {
	r.test.person.tell(say("The display's own decisions switch the panel on …"))
	limit := time.NewTimer(r.control.Settle(true) + patience)
	defer limit.Stop()
	for {
		next := r.control.Next()
		if s := r.control.State(); s.Panel.Power == hal.PowerOn.String() || r.unseen() {
			return true
		}
		select {
		case <-next:
		case <-limit.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// unseen tells whether the panel cannot be read back, and took the order to go on long enough ago.
func (r *rehearsal) unseen() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blind && !r.told.IsZero() && time.Since(r.told) >= settles(r.test.wired.panel, true)
}

// ignite waits for smoke, from the detector or from the keyboard.
func (r *rehearsal) ignite(ctx context.Context, s *step) bool {
	p := r.test.person
	p.attend()
	p.tell(say("Please trip the smoke detector now. Without one, type t and Enter: the smoke is then simulated. [Enter = skip]"))
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		seen, changed := r.seen()
		if !seen.burning.IsZero() {
			return true
		}
		select {
		case <-changed:
		case line, ok := <-p.lines:
			switch {
			case !ok:
				s.saw(say("nobody is there"))
				return false
			case line == "t":
				s.saw(say("the smoke was typed: the contact had no part in it"))
				select { // one is enough
				case r.typed <- hal.Reading{Sensor: "smoke-test", Kind: hal.Smoke, Quality: hal.QualityGood, Active: true, At: time.Now()}:
				default:
				}
			case line == "":
				s.saw(say("skipped"))
				return false
			}
		case <-limit.C:
			s.fail(say("no smoke was read within %v", patience))
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// times are when each thing happened; zero where it did not.
type times struct {
	burning, off, dark, open time.Time
	wrong                    error
}

func (r *rehearsal) seen() (times, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return times{r.burning, r.off, r.dark, r.open, r.wrong}, r.changed
}

// note sets one of the moments, the first time.
func (r *rehearsal) note(moment *time.Time, burning bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !moment.IsZero() || !burning && r.burning.IsZero() {
		return
	}
	*moment = time.Now()
	close(r.changed)
	r.changed = make(chan struct{})
}

// judge waits for what must happen and says how long it took.
func (r *rehearsal) judge(ctx context.Context, s *step) {
	relay := r.test.relay != nil
	limit := time.NewTimer(chainLimit + settles(r.test.wired.panel, false) + 5*time.Second)
	defer limit.Stop()
	var seen times
	for waiting := true; waiting; {
		var changed <-chan struct{}
		seen, changed = r.seen()
		waiting = seen.off.IsZero() || seen.dark.IsZero() && !relay && !r.unseen() || seen.open.IsZero() && relay
		if !waiting {
			break
		}
		select {
		case <-changed:
		case <-limit.C:
			waiting = false
		case <-ctx.Done():
			return
		}
	}
	since := func(at time.Time) time.Duration { return at.Sub(seen.burning).Round(time.Millisecond) }
	if relay {
		switch {
		case seen.open.IsZero():
			s.fail(say("the relay did not open: %v", seen.wrong))
		case since(seen.open) > chainLimit:
			s.fail(say("the relay was open after %v; %v are allowed", since(seen.open), chainLimit))
		default:
			s.saw(say("relay open after %v", since(seen.open)))
		}
	}
	switch {
	case !seen.off.IsZero() && (relay || since(seen.off) <= chainLimit):
		s.saw(say("panel acknowledged to go off after %v", since(seen.off)))
	case !relay || seen.open.IsZero():
		s.fail(say("the panel was not told to go off in time"))
	default:
		s.saw(say("the panel did not acknowledge; the relay took its supply"))
	}
	if !seen.dark.IsZero() {
		s.saw(say("panel read back as off after %v", since(seen.dark)))
	}
	if seen.dark.IsZero() && !relay && !r.unseen() {
		s.fail(say("the panel was not read back as off"))
	}
	s.saw(say("counted from the debounced reading of smoke; the contact's debounce of 50 ms comes before"))
	s.pass()
}

// timedSenses pass the readings on to the decisions and note the first of smoke.
type timedSenses struct {
	*senses
	r *rehearsal
}

func (s *timedSenses) Run(ctx context.Context, readings chan<- hal.Reading) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, done := make(chan hal.Reading), make(chan error, 1)
	go func() { done <- s.senses.Run(ctx, in) }()
	pass := func(r hal.Reading) {
		if r.Kind == hal.Smoke && r.Quality == hal.QualityGood && r.Active {
			s.r.note(&s.r.burning, true)
		}
		select {
		case readings <- r:
		case <-ctx.Done():
		}
	}
	for {
		select {
		case r := <-in:
			pass(r)
		case r := <-s.r.typed:
			pass(r)
		case err := <-done:
			return err
		}
	}
}

// timedPanel notes when the panel went off. It has no brightness and answers no questions: a fire asks none.
type timedPanel struct {
	hal.Panel
	r *rehearsal
}

func (p *timedPanel) SetPower(ctx context.Context, on bool) error {
	err := p.Panel.SetPower(ctx, on)
	if err == nil && on {
		p.r.mu.Lock()
		p.r.told = time.Now()
		p.r.mu.Unlock()
	}
	if err == nil && !on {
		p.r.note(&p.r.off, false)
	}
	return err
}

func (p *timedPanel) Power(ctx context.Context) (hal.Power, error) {
	power, err := p.Panel.Power(ctx)
	if errors.Is(err, hal.ErrUnsupported) {
		p.r.mu.Lock()
		p.r.blind = true
		p.r.mu.Unlock()
	}
	if err == nil && power == hal.PowerOff {
		p.r.note(&p.r.dark, false)
	}
	return power, err
}

// Settle implements [hal.Settler].
func (p *timedPanel) Settle(on bool) time.Duration { return settles(p.Panel, on) }

// timedRelay notes when the relay was open.
type timedRelay struct {
	hal.Relay
	r *rehearsal
}

func (s *timedRelay) Set(ctx context.Context, closed bool) error {
	err := s.Relay.Set(ctx, closed)
	switch {
	case closed:
	case err != nil:
		s.r.mu.Lock()
		s.r.wrong = err
		s.r.mu.Unlock()
	default:
		s.r.note(&s.r.open, false)
	}
	return err
}

// idle is a player and a library with nothing to show: they have no part in the safety chain.
type idle struct{}

func (idle) Show(media.Programme)                        {}
func (idle) ShowSlate()                                  {}
func (idle) Playing() media.Playing                      { return media.Playing{State: media.PlayerSlate} }
func (idle) Finished() <-chan media.Shown                { return nil }
func (idle) Wake() <-chan struct{}                       { return nil }
func (idle) Changed() <-chan struct{}                    { return nil }
func (idle) Programme(time.Time) (media.Programme, bool) { return media.Programme{}, false }
