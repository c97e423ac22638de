package control

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"bangtin/hal"
)

const (
	panelPoll    = 5 * time.Second        // between two readings of a panel that is as wanted
	panelSettle  = 2 * time.Second        // for a panel that is no hal.Settler
	panelRefresh = 5 * time.Minute        // a panel that cannot be read is told again this often
	panelBackoff = 5 * time.Second        // the longest pause between attempts on a panel that does not answer
	panelPace    = 500 * time.Millisecond // the shortest
	blindEvery   = time.Hour              // between readings of a panel that could not be read back
	panelMisses  = 2                      // unanswered readings in a row after which the panel's power is unknown
)

// PanelSeen is the newest observation of the panel. Times are process time.
type PanelSeen struct {
	Power     hal.Power
	ReadAt    time.Time // when Power was read; zero if it never was
	Err       error     // of the last attempt; nil when it succeeded
	Blind     bool      // this panel cannot be read back
	Obeyed    bool      // Blind, and the last command was acknowledged and was "on"
	SettlesAt time.Time // until then a reading after a power-on command proves nothing
	OffAt     time.Time // when it was last read as off or acknowledged to go off; zero once it was told or read otherwise
	Told      Told
}

// An ask is what the panel shall be.
type ask struct {
	on         bool
	fire       bool // off, before anything else
	brightness int  // percent; LeaveBrightness
	hot        bool // brightness is an upper limit, and does not wait
	calm       bool // there is time for questions
	nudge      int  // a change tells a panel that cannot be read back once more
}

// A wish is an ask on its way to the keeper.
type wish struct {
	ask
	overtaken chan struct{} // closed when a fire overtakes it: an exchange that serves it is given up
	replaced  chan struct{} // closed when the power is wished otherwise: a question is given up
}

// A panelKeeper is the only writer of the panel. It makes the panel what was last wanted, reads it back, and
// reports. It never gives up; it only pauses longer.
type panelKeeper struct {
	panel  hal.Panel
	log    *slog.Logger
	want   chan wish // one deep; the newest wish replaces an older one
	report func(PanelSeen)
	beat   func()

	passed  *wish // the loop's: what it passed on last
	wish    wish  // from here on the keeper's own goroutine's
	hurry   int   // how many more commands go out without a reading before them
	seen    PanelSeen
	told    bool      // the last acknowledged command
	toldAt  time.Time // zero before the first
	quiet   time.Time // no further command before this: a second one could toggle it or restart its warm-up
	blindAt time.Time // when it said last that it cannot be read back
	tries   int       // commands since the panel last was as wanted
	misses  int       // readings without an answer since the last with one

	chores  []*chore
	socket  *socketKeeper // nil where nobody says which input it shall show
	light   *light        // nil where the panel has no brightness to set
	inside  inside
	picture picture
}

// newPanelKeeper takes the brightness that an earlier run owes the panel; LeaveBrightness for none.
func newPanelKeeper(p hal.Panel, dimmed int, log *slog.Logger, report func(PanelSeen), beat func()) *panelKeeper {
	k := &panelKeeper{panel: p, log: log, want: make(chan wish, 1), report: report, beat: beat}
	k.seen.Told.Brightness, k.seen.Told.Dimmed = LeaveBrightness, dimmed
	k.chores = k.questions()
	if d, ok := p.(hal.Dimmer); ok {
		k.light = newLight(d, dimmed)
	}
	return k
}

// hurries is how many commands a fire sends before the panel is asked again what it is. A panel that does not take
// three has been without its mains for long by then, and its state must not go on saying that it was on.
const hurries = 3

// set replaces the wish. It never blocks. Only the decision loop calls it, and only a change is passed on: a
// wish that stands needs no new look at the panel.
func (k *panelKeeper) set(a ask) {
	if k.passed != nil && k.passed.ask == a {
		return
	}
	next, was := wish{a, make(chan struct{}), make(chan struct{})}, k.passed
	overtakes := was != nil && a.fire && !was.fire
	replaces := overtakes || was != nil && a.on != was.on
	if was != nil && !overtakes {
		next.overtaken = was.overtaken // an older wish may still be served
	}
	if was != nil && !replaces {
		next.replaced = was.replaced
	}
	k.passed = &next
	replace(k.want, next)
	if overtakes {
		close(was.overtaken)
	}
	if replaces {
		close(was.replaced)
	}
}

// look makes the keeper read the panel now, because something happened that its last reading does not know of.
func (k *panelKeeper) look() {
	if k.passed != nil {
		replace(k.want, *k.passed)
	}
}

// replace puts v into a channel that is one deep, pushing out an unread older value. One goroutine may call it.
func replace[T any](c chan T, v T) {
	select {
	case <-c:
	default:
	}
	c <- v
}

func (k *panelKeeper) run(ctx context.Context) error {
	select {
	case w := <-k.want:
		k.take(w)
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		k.step(ctx)
		k.beat()
		timer := time.NewTimer(k.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case w := <-k.want:
			k.take(w)
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take makes w the wish. A fire waits for no settling time: it needs no reading that can be believed.
func (k *panelKeeper) take(w wish) {
	if w.fire && !k.wish.fire {
		k.hurry, k.quiet = hurries, time.Time{}
	}
	if w.nudge != k.wish.nudge && k.seen.Blind {
		k.toldAt = time.Time{}
	}
	if w.ask == k.wish.ask && k.seen.Blind { // its mains blipped: what it was told before holds no longer
		k.toldAt, k.seen.Obeyed = time.Time{}, false
	}
	if w.on != k.wish.on || w.fire != k.wish.fire || w.ask == k.wish.ask {
		k.tries = 0
	}
	if w.on != k.wish.on {
		k.inside = inside{} // one whose mains are cut never gets to rest
	}
	k.wish = w
}

// step reads the panel and commands it where it differs. Each call takes at most a few seconds, the time limits
// of the driver; a fire ends it at once. A new wish that the last reading contradicts is not kept waiting by another: the
// line rests after each.
func (k *panelKeeper) step(ctx context.Context) {
	if k.hurry == 0 && k.legible() && !k.contradicted() && !k.read(ctx) {
		return
	}
	if k.hurry > 0 || k.due() {
		k.command(ctx)
		return
	}
	k.tend(ctx)
}

// legible says that reading the panel's power is worth an exchange: one that has no such function is tried again now and
// then, as a TV that was on its way says the same.
func (k *panelKeeper) legible() bool {
	return !k.seen.Blind || k.wish.calm && time.Since(k.blindAt) >= blindEvery
}

func (k *panelKeeper) command(ctx context.Context) {
	if k.wish.on {
		k.seen.OffAt = time.Time{}
	}
	err := k.exchange(ctx, func(ctx context.Context) error { return k.panel.SetPower(ctx, k.wish.on) })
	if k.overtaken() {
		return // the panel may have obeyed or not: the fire asks nobody
	}
	k.seen.Err = err
	k.seen.Obeyed = err == nil && k.seen.Blind && k.wish.on
	k.tries++
	k.hurry = max(0, k.hurry-1)
	if err == nil {
		k.acknowledged()
	}
	k.report(k.seen)
}

// exchange is one call of the panel's driver, which a fire ends.
func (k *panelKeeper) exchange(ctx context.Context, call func(context.Context) error) error {
	return unless(ctx, k.wish.overtaken, call)
}

func (k *panelKeeper) overtaken() bool { return closed(k.wish.overtaken) }

// acknowledged notes the command. Only the first try excuses the panel while it settles: one that needs a
// second is not starting but disobeying.
func (k *panelKeeper) acknowledged() {
	k.log.Info("panel commanded", "on", k.wish.on, "try", k.tries)
	k.hurry = 0
	again := k.seen.Blind && k.told == k.wish.on // a repetition changes nothing that would have to settle
	k.told, k.toldAt = k.wish.on, time.Now()
	k.quiet = k.toldAt.Add(settle(k.panel, k.wish.on))
	if !k.wish.on {
		k.seen.OffAt = k.toldAt
	}
	if k.wish.on && !again {
		k.socket.switched(&k.seen.Told.Socket)
	}
	if k.tries == 1 && !again {
		k.seen.SettlesAt = k.quiet
	}
	if k.seen.Blind {
		k.tries = 0
	}
}

// read reports whether the reading came to its end.
func (k *panelKeeper) read(ctx context.Context) bool {
	power := hal.PowerUnknown
	err := k.exchange(ctx, func(ctx context.Context) (err error) {
		return k.aside(ctx, func(ctx context.Context) error {
			power, err = k.panel.Power(ctx)
			return err
		})
	})
	switch {
	case k.overtaken(), closed(k.wish.replaced):
		return false
	case k.seen.Blind && err != nil:
		k.blindAt = time.Now()
		return true
	case errors.Is(err, hal.ErrUnsupported):
		k.blindAt = time.Now()
		k.seen = PanelSeen{Blind: true, OffAt: k.seen.OffAt, Told: k.seen.Told}
	case err != nil:
		// One lost answer proves nothing: what was read last goes on holding until it is too old.
		k.seen.Err = err
		if k.misses++; k.misses >= panelMisses || k.seen.Power != hal.PowerOn {
			k.seen.Power = hal.PowerUnknown
		}
	default:
		if power != k.seen.Power {
			k.log.Info("panel read back", "power", power.String())
		}
		k.seen.Power, k.seen.ReadAt, k.seen.Err = power, time.Now(), nil
		k.seen.Blind, k.seen.Obeyed = false, false
		k.misses = 0
		k.seen.OffAt = time.Time{}
		if power == hal.PowerOff {
			k.seen.OffAt = k.seen.ReadAt
		}
		if matches(power, k.wish.on) {
			k.tries = 0
			k.seen.SettlesAt = time.Time{}
		}
	}
	k.report(k.seen)
	return true
}

// contradicted says that the panel was not told yet what is wanted and was otherwise when it was read last, just now.
func (k *panelKeeper) contradicted() bool {
	known := k.seen.Err == nil && k.seen.Power != hal.PowerUnknown && time.Since(k.seen.ReadAt) < 2*panelPoll
	return known && !matches(k.seen.Power, k.wish.on) && k.told != k.wish.on && k.tries == 0
}

// due says whether a command is needed now. A panel that does not answer a reading is commanded all the same:
// many are deaf to questions in standby and still wake.
func (k *panelKeeper) due() bool {
	now := time.Now()
	if k.seen.Blind {
		return k.tries > 0 || k.toldAt.IsZero() || k.told != k.wish.on || now.Sub(k.toldAt) > panelRefresh
	}
	if matches(k.seen.Power, k.wish.on) {
		return false
	}
	return k.told != k.wish.on || !now.Before(k.quiet)
}

func (k *panelKeeper) pause() time.Duration {
	if left := time.Until(k.quiet); k.seen.Err != nil && left > 0 {
		return min(max(left/4, time.Second), panelBackoff) // a panel that wakes is often deaf meanwhile
	}
	if k.seen.Err != nil {
		d := min(panelPace<<min(k.tries, 10), panelBackoff)
		return d/2 + rand.N(d/2+1)
	}
	if !k.seen.Blind && !matches(k.seen.Power, k.wish.on) {
		return time.Second // on its way: see it arrive
	}
	return panelPoll
}

func matches(p hal.Power, on bool) bool {
	return on && p == hal.PowerOn || !on && p == hal.PowerOff
}

func settle(p hal.Panel, on bool) time.Duration {
	if s, ok := p.(hal.Settler); ok {
		return s.Settle(on)
	}
	return panelSettle
}
