package gpio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// settle is how long a relay may take to be seen on its feedback contact. Relays for the mains need 10 to
	// 20 ms, contactors up to 100 ms.
	settle = 500 * time.Millisecond
	// feedbackPause is between two readings of the feedback contact, of which feedbackAgree in a row must say the
	// same: contacts bounce for some 5 ms.
	feedbackPause = 10 * time.Millisecond
	feedbackAgree = 3
	// barkAgain is how soon the watchdog tries again where the safe state could not be applied: a chip on USB is back
	// some seconds after a disturbance.
	barkAgain = 5 * time.Second
	// writeFails is how many writes in a row may fail before the line is asked for anew. Our judgement: the first two may be
	// a disturbance of the bus, and freeing a line may move the relay.
	writeFails = 3
	// maxDwell is a limit of sense. A compressor needs 3 min, a panel's inrush limiter about one to cool.
	maxDwell = 10 * time.Minute
)

// RelayConfig describes the relay between the mains and the panel.
type RelayConfig struct {
	Line Line // active closes the relay
	// SafeClosed is the state at start, at exit and when Set is not heard of for Watchdog. It must be the one that the
	// relay has without current in its coil, closed on a normally closed contact, because that is what becomes of most
	// relays when the line is freed. Closed keeps a panel fed whose controller is dead, and gives up the cut in a fire
	// for that time.
	SafeClosed bool
	// KeepOpen tells whether the relay must be open whatever SafeClosed says, because of a fire that nobody has
	// cleared. It must not block; nil is never. It holds only while the program runs: at exit the relay is opened, and
	// where that takes current in the coil it closes again once the line is freed and the pin is let go, whatever
	// burns. Only on a normally open contact, SafeClosed false, does the cut outlast the program.
	KeepOpen func() bool
	// Dwell is how long the relay stays open at least, up to 10 min, so that what it feeds does not draw its inrush
	// hot or start against pressure. A start that is open counts as an opening.
	Dwell time.Duration
	// Watchdog is how long Set may not be called before the safe state is applied; 0 is for ever. The relay's
	// keeper calls every 10 s, so a minute is a good value. It rests while a call waits out the dwell, however long
	// that is, and counts from the call's end. Where the safe state cannot be applied it is tried again every 5 s,
	// until that succeeds or Set is called.
	Watchdog time.Duration
	// Feedback is the line of a contact that is active while the relay is closed; nil when none is wired. Where the chip
	// is on USB it is the only thing that tells: the CP2112's driver logs a transfer that failed and returns no error.
	Feedback *Line
	Log      *slog.Logger // nil logs nothing
}

var (
	errSuperseded = errors.New("there is a newer wish")
	errClosed     = errors.New("the relay's driver is closed")
)

// A Relay drives one output. Nothing ever reads that output: what was written is what is known, and what became of
// it is seen on the feedback contact alone.
//
// Its methods are safe for concurrent use. A Set that opens passes one that waits to close, and that one then
// returns with an error.
//
// When the process is killed the kernel frees the line, and what the pin does then is its driver's choice: some
// leave the output as it was, as the CP2112's does, and the Raspberry Pi's own kernels; others make it an input, as
// bcm2835 does in Debian unless told otherwise; gpio-sim falls back to its pull, which the bench shows. So the board
// must have a resistor at the relay's driver that takes the current from the coil while the pin floats, and the
// contact that is wired, normally open or normally closed, must be in the safe state then.
type Relay struct {
	cfg   RelayConfig
	lines lines

	mu     sync.Mutex
	out    output        // nil while there is no chip
	closed bool          // what was written last
	opened time.Time     // since when it may be open
	fails  int           // writes in a row that failed
	newer  chan struct{} // closed by the next wish
	ended  bool
	dog    *time.Timer // nil without a watchdog
	due    time.Time   // when it shall bark: a call may come in the moment in which it does
	barks  bool        // it has since the last call
	waits  int         // calls of Set that wait out the dwell; the dog rests meanwhile

	contact sync.Mutex // held while the feedback contact is read
	back    input      // nil until it is needed, and after a failure
	over    bool       // it must not be opened any more
}

// NewRelay puts the relay into its safe state, or open, and returns it. Where the line cannot be opened it says so in the log,
// and each Set tries again. The error is a configuration that can never work.
func NewRelay(cfg RelayConfig) (*Relay, error) { return newRelay(cfg, kernel()) }

func newRelay(cfg RelayConfig, lines lines) (*Relay, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	r := &Relay{cfg: cfg, lines: lines, newer: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.open(r.safe()); err != nil {
		cfg.Log.Warn("the relay has no line yet", "error", err)
	}
	if cfg.Watchdog > 0 {
		r.due = time.Now().Add(cfg.Watchdog)
		r.dog = time.AfterFunc(cfg.Watchdog, r.bark)
	}
	return r, nil
}

// Set implements [bangtin/hal.Relay]. Each call writes, so that a glitch heals. A call that opens writes at once; one
// that closes waits until the relay was open for the dwell, or ctx ends, or another call comes. With a feedback
// contact it returns within half a second after writing, with an error if the contact does not agree.
//
// A chip that was gone and returned counts as an opening: nobody knows what the relay did meanwhile. But where the safe state is
// closed, it comes back in that, and no dwell is waited for. A line that refuses three writes in a row is opened anew too.
func (r *Relay) Set(ctx context.Context, closed bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	newer, err := r.wish()
	if err != nil {
		return err
	}
	if closed {
		err = r.close(ctx, newer)
	} else {
		err = r.put(newer, false)
	}
	if err != nil {
		return fmt.Errorf("cannot %s the relay: %w", verb(closed), err)
	}
	if err := r.confirm(ctx, newer, closed); err != nil {
		return fmt.Errorf("cannot confirm that the relay is %s: %w", state(closed), err)
	}
	return nil
}

// wish begins a call of Set, which makes the ones before it give up.
func (r *Relay) wish() (newer <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil, errClosed
	}
	close(r.newer)
	r.newer = make(chan struct{})
	r.barks = false
	r.feed(r.cfg.Watchdog)
	return r.newer, nil
}

// feed makes the dog wait for so long, unless somebody waits out the dwell. The caller holds mu.
func (r *Relay) feed(wait time.Duration) {
	if r.dog != nil && r.waits == 0 && !r.ended {
		r.due = time.Now().Add(wait)
		r.dog.Reset(wait)
	}
}

// linger begins or ends a wait for the dwell.
func (r *Relay) linger(by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waits += by; r.dog != nil && r.waits > 0 {
		r.dog.Stop()
	}
	r.feed(r.cfg.Watchdog)
}

// close closes the relay once it may be.
func (r *Relay) close(ctx context.Context, newer <-chan struct{}) error {
	left, err := r.dwell()
	if err != nil {
		return err
	}
	if left > 0 {
		r.linger(+1)
		defer r.linger(-1)
	}
	for left > 0 {
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-newer:
			t.Stop()
			return errSuperseded
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
		if left, err = r.dwell(); err != nil {
			return err
		}
	}
	return r.put(newer, true)
}

// dwell returns how long the relay must stay open yet. A line that is not open is opened first, in the safe state.
func (r *Relay) dwell() (time.Duration, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return 0, errClosed
	}
	if r.out == nil {
		if err := r.open(r.safe()); err != nil {
			return 0, err
		}
	}
	if r.closed {
		return 0, nil
	}
	return r.cfg.Dwell - time.Since(r.opened), nil
}

// put writes, unless somebody came after. A chip that is gone is looked for once more.
func (r *Relay) put(newer <-chan struct{}, closed bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-newer:
		return errSuperseded
	default:
	}
	if r.out != nil {
		err := r.write(closed)
		if !errors.Is(err, errGone) {
			return err
		}
	}
	if !closed {
		return r.open(false)
	}
	if err := r.open(r.safe()); err != nil {
		return err
	}
	if !r.closed {
		return fmt.Errorf("the chip was gone and is back: the relay stays open for %v", r.cfg.Dwell)
	}
	return nil
}

// safe is the state, closed or not, that the relay has when nobody drives it.
func (r *Relay) safe() bool {
	return r.cfg.SafeClosed && (r.cfg.KeepOpen == nil || !r.cfg.KeepOpen())
}

// open opens the line in a state that it has from the first moment. The caller holds mu.
func (r *Relay) open(closed bool) error {
	out, err := r.lines.output(r.cfg.Line, closed)
	if err != nil {
		return err
	}
	r.out, r.closed = out, closed
	if !closed {
		r.opened = time.Now()
	}
	return nil
}

// write writes to the open line and lets go of a chip that is gone: while somebody holds it, the kernel keeps its
// number. One that fails over and over is let go of too, though that may move the relay: the next call asks for it anew.
// The caller holds mu.
func (r *Relay) write(closed bool) error {
	err := r.out.write(closed)
	if err != nil {
		r.fails++
		if errors.Is(err, errGone) || r.fails >= writeFails {
			r.out.Close() // the reason is err
			r.out, r.closed, r.fails = nil, false, 0
		}
		return err
	}
	r.fails = 0
	if r.closed && !closed {
		r.opened = time.Now()
	}
	r.closed = closed
	return nil
}

// bark applies the safe state when nobody called Set for too long, and tries again where it cannot.
func (r *Relay) bark() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.waits > 0 || time.Now().Before(r.due) {
		return
	}
	level := slog.LevelDebug // what is tried every few seconds is told once
	if !r.barks {
		level = slog.LevelError
		r.cfg.Log.Error("nobody drives the relay", "for", r.cfg.Watchdog, "now", state(r.safe()))
		close(r.newer)
		r.newer = make(chan struct{})
		r.barks = true
	}
	if err := r.secure(); err != nil {
		r.cfg.Log.Log(context.Background(), level, "cannot put the relay into its safe state", "error", err, "again", barkAgain)
		r.feed(barkAgain)
	}
}

// secure applies the safe state, on a chip that may have been gone and be back. The caller holds mu.
func (r *Relay) secure() error {
	if r.out != nil {
		if err := r.write(r.safe()); !errors.Is(err, errGone) {
			return err
		}
	}
	return r.open(r.safe())
}

// Close puts the relay into its safe state at once, dwell or not, and frees its lines. What the pin does after that
// is as when the process is killed. Close again is harmless.
func (r *Relay) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil
	}
	r.ended = true
	close(r.newer)
	if r.dog != nil {
		r.dog.Stop()
	}
	var err error
	if r.out != nil {
		if err = r.out.write(r.safe()); err != nil {
			err = fmt.Errorf("cannot put the relay into its safe state: %w", err)
		}
		err = errors.Join(err, r.out.Close())
	}
	r.contact.Lock()
	defer r.contact.Unlock()
	r.over = true
	if r.back != nil {
		err = errors.Join(err, r.back.Close())
		r.back = nil
	}
	return err
}

func verb(closed bool) string {
	if closed {
		return "close"
	}
	return "open"
}

func state(closed bool) string {
	if closed {
		return "closed"
	}
	return "open"
}
